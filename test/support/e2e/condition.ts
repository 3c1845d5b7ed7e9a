import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MILLISECONDS = 500;

/** Looks until there is an answer. @throws Error naming what was waited for, with what `last` says of the state */
export async function until<T>(
  what: string,
  seconds: number,
  look: () => Promise<T | undefined> | T | undefined,
  last: () => string = () => '',
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}${last() === '' ? '' : `; at the end: ${last()}`}`);
    await delay(LOOK_MILLISECONDS);
  }
}
