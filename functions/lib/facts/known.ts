import { type Known, known, unknown } from '#domain/may-start.ts';
import { InputError, NotFoundError } from '#model/errors.ts';

/**
 * A fact as far as it can be read. What has the wrong shape or is missing counts as not readable; a store that does not answer is
 * tried again by the machine.
 */
export async function attempt<T>(what: string, read: () => Promise<T>): Promise<Known<T>> {
  try {
    return known(await read());
  } catch (error) {
    if (error instanceof InputError || error instanceof NotFoundError) return unknown(`${what} (${error.message})`);
    throw error;
  }
}
