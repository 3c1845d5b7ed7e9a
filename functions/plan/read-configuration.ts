import { type Configuration, parseConfiguration } from '#domain/configuration.ts';
import { createManifestReader, type ReadManifests } from '#domain/manifests.ts';
import { keys } from '#domain/names.ts';
import { Snapshot } from '#model/configuration.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** The snapshot of a revision. @throws NotFoundError */
export async function readSnapshot(objects: ObjectStore, revision: string): Promise<Snapshot> {
  const stored = await objects.get(keys.snapshot(revision));
  if (stored === undefined) throw new NotFoundError(`there is no snapshot of revision ${revision}; snapshot-configuration must run first`);
  return Snapshot.parse(JSON.parse(stored.body));
}

/** The configuration of a revision. @throws NotFoundError; InputError when it does not pass validation */
export async function readConfiguration(objects: ObjectStore, revision: string, manifests?: ReadManifests): Promise<Configuration> {
  const { value, findings } = parseConfiguration(await readSnapshot(objects, revision), manifests);
  if (value !== undefined) return value;
  const first = findings.find((finding) => finding.level === 'failure');
  const where = first === undefined ? '' : ` first in ${first.path} line ${first.line}: ${first.message}`;
  throw new InputError(`revision ${revision} does not pass validation (${findings.length} findings),${where}`);
}

export interface ReadConfigurations {
  readonly known: ReadonlyMap<string, Configuration>;
  /** Why others can't be read: kept nowhere, or refused by today's rules. */
  readonly refused: ReadonlyMap<string, InputError | NotFoundError>;
}

/** Configurations by revision, equal files parsed once. @throws TransientError */
export async function readConfigurations(objects: ObjectStore, revisions: readonly string[]): Promise<ReadConfigurations> {
  const manifests = createManifestReader();
  const known = new Map<string, Configuration>();
  const refused = new Map<string, InputError | NotFoundError>();
  // One after another: each is large, and parsing is what takes the time.
  for (const revision of new Set(revisions)) {
    const read = await readConfiguration(objects, revision, manifests).catch((error: unknown) => {
      if (error instanceof InputError || error instanceof NotFoundError) return error;
      throw error;
    });
    if (read instanceof Error) refused.set(revision, read);
    else known.set(revision, read);
  }
  return { known, refused };
}
