import type { Finding } from '#model/checks.ts';
import { InputError } from '#model/errors.ts';

/** Files that are not even read, each with what to do about it. An InputError for whoever does not put findings on a check. */
export class FilesRefusedError extends InputError {
  readonly findings: readonly Finding[];
  constructor(message: string, findings: readonly Finding[]) {
    super(message);
    this.findings = findings;
  }
}
