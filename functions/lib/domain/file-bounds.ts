/**
 * Bounds of a configuration or of the settings, as listed and as read, so that a hostile tree is refused early; more is no
 * fleet. The largest known has 2.3 MB in 400 files.
 */
export const MAX_FILES = 2000;
/** A CRD of the largest operators has half of it. */
export const MAX_FILE_BYTES = 1024 * 1024;
export const MAX_TOTAL_BYTES = 20 * MAX_FILE_BYTES;
