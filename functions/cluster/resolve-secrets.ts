import * as z from 'zod';
import { configurationSecretId } from '#domain/names.ts';
import { shortId } from '#domain/owner.ts';
import { formatReference, parseSecretReference, type SecretReference } from '#domain/secret-reference.ts';
import { NotFoundError, RefusedError } from '#model/errors.ts';
import { Manifest } from '#model/render.ts';
import type { Secrets } from '#ports/secrets.ts';
import { inParallel } from './in-parallel.ts';

const Entries = z.record(z.string(), z.string());
type Entries = z.infer<typeof Entries>;

export interface Resolved {
  readonly objects: readonly Manifest[];
  /** Names and versions that were read, for people: never values. */
  readonly secrets: readonly string[];
}

/**
 * Puts the values of the account's Secrets Manager into Secrets, all of them before anything is applied. They are written
 * as `data`, the form that the API server keeps, so that a changed value is found by reading.
 * @throws NotFoundError when one is not there; RefusedError for a Secret with a literal value
 */
export async function resolveSecrets(objects: readonly Manifest[], secrets: Pick<Secrets, 'getVersion'>): Promise<Resolved> {
  const ours = objects.filter(isSecret);
  const wanted = new Map<string, { reference: SecretReference; user: Manifest }>();
  for (const user of ours) for (const [, reference] of referencesOf(user)) wanted.set(formatReference(reference), { reference, user });
  const found = await inParallel([...wanted], async ([key, { reference, user }]) => {
    const id = configurationSecretId(reference.name);
    const secret = await secrets.getVersion(id, reference.version);
    if (secret !== undefined) return { key, ...secret };
    const version = reference.version === undefined ? '' : ` in a version labelled ${reference.version}`;
    throw new NotFoundError(`${shortId(user)} needs ${id}${version}, which the account's Secrets Manager does not have`);
  });
  const values = new Map(found.map(({ key, value }) => [key, value]));
  return {
    objects: objects.map((object) => (isSecret(object) ? filled(object, values) : object)),
    secrets: found.map(({ key, version }) => `${key} (${version})`),
  };
}

function isSecret({ apiVersion, kind }: Manifest): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}

function referencesOf(secret: Manifest): [string, SecretReference][] {
  return Object.entries(entriesOf(secret)).map(([key, text]) => {
    const reference = parseSecretReference(text);
    if (reference === undefined) throw new RefusedError(`${shortId(secret)} has a value in ${key} that is no reference to a secret`);
    return [key, reference];
  });
}

function entriesOf(secret: Manifest): Entries {
  const parsed = Entries.safeParse(secret['stringData']);
  if (parsed.success && secret['data'] === undefined) return parsed.data;
  throw new RefusedError(`${shortId(secret)} must have stringData of references to secrets, and no data`);
}

function filled(secret: Manifest, values: ReadonlyMap<string, string>): Manifest {
  const { stringData: _stringData, ...rest } = secret;
  const data = referencesOf(secret).map(([key, reference]) => [
    key,
    Buffer.from(values.get(formatReference(reference)) ?? '', 'utf8').toString('base64'),
  ]);
  return Manifest.parse({ ...rest, data: Object.fromEntries(data) });
}

/** The API server's words about an object, without the values of a Secret in them. */
export function withoutValues(object: Manifest, reason: string): string {
  if (!isSecret(object)) return reason;
  const data = Entries.safeParse(object['data']);
  const values = Object.values(data.success ? data.data : {}).flatMap((value) => [value, Buffer.from(value, 'base64').toString('utf8')]);
  return values
    .filter((value) => value !== '')
    .sort((left, right) => right.length - left.length)
    .reduce((text, value) => text.replaceAll(value, '(secret)'), reason);
}
