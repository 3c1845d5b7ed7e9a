import * as z from 'zod';
import { ConflictError, InputError } from '#model/errors.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** Attempts of one compare-and-swap; a ledger is written by as many children at once as a wave has clusters. */
const ATTEMPTS = 12;

/** An object parsed by its schema; undefined when there is none. @throws InputError when it has another shape */
export async function readObject<S extends z.ZodType>(objects: ObjectStore, key: string, schema: S): Promise<z.infer<S> | undefined> {
  const stored = await objects.get(key);
  return stored === undefined ? undefined : parseObject(key, stored.body, schema);
}

/**
 * Changes an object by compare-and-swap. `next` gets what is there (undefined for nothing) and answers what is to be
 * there, or undefined to leave it alone; it may run several times. Answers what is there afterwards.
 * @throws ConflictError when others wrote in between each time
 */
export async function changeObject<S extends z.ZodType>(
  objects: ObjectStore,
  key: string,
  schema: S,
  next: (known: z.infer<S> | undefined) => z.infer<S> | undefined | Promise<z.infer<S> | undefined>,
): Promise<z.infer<S> | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const stored = await objects.get(key);
    const known = stored === undefined ? undefined : parseObject(key, stored.body, schema);
    const wanted = await next(known);
    if (wanted === undefined) return known;
    const body = JSON.stringify(wanted);
    if (stored?.body === body) return wanted;
    const written = stored === undefined ? await objects.putIfAbsent(key, body) : await objects.putIfMatch(key, body, stored.etag);
    if (written) return wanted;
  }
  throw new ConflictError(`${key} is written by too many at once; the step is tried again`);
}

function parseObject<S extends z.ZodType>(key: string, body: string, schema: S): z.infer<S> {
  return requireShape(key, parseJson(key, body), schema);
}

/** @throws InputError naming the object when a value that it holds has another shape */
export function requireShape<S extends z.ZodType>(key: string, value: unknown, schema: S): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InputError(`${key} has the wrong shape: ${z.prettifyError(parsed.error)}`);
}

/** @throws InputError naming the object when it is no JSON */
export function parseJson(key: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new InputError(`${key} is no JSON`, { cause });
  }
}
