import { accountKeys } from '#domain/names.ts';
import { NotFoundError } from '#model/errors.ts';
import { Artifact } from '#model/records.ts';
import type { Blobs } from '#ports/blobs.ts';
import type { Binaries } from '#ports/files.ts';
import type { ObjectStore } from '#ports/objects.ts';

export interface ArtifactPorts {
  readonly objects: ObjectStore;
  readonly blobs: Blobs;
  readonly binaries: Binaries;
}

/** Opens an artifact of the account's bucket. @throws NotFoundError when it is not there or not ready yet */
export async function openArtifact({ objects, blobs, binaries }: ArtifactPorts, name: string, version: string) {
  const key = accountKeys.artifactIndex(name, version);
  const stored = await objects.get(key);
  if (stored === undefined) throw new NotFoundError(`there is no artifact ${key} in the account's bucket: publish it`);
  const index = Artifact.parse(JSON.parse(stored.body));
  if (index.state !== 'ready') throw new NotFoundError(`the artifact ${name} ${version} is still being built: try again later`);

  /** Path of one file, verified by the SHA-256 of the index. @throws NotFoundError, RefusedError for another hash, TransientError */
  async function provide(file: string): Promise<string> {
    const entry = index.files.find((candidate) => candidate.file === file);
    if (entry === undefined) throw new NotFoundError(`the artifact ${name} ${version} has no file ${file}: publish it again`);
    const blob = accountKeys.artifact(name, version, entry.sha256, file);
    return binaries.provide(file, entry.sha256, async (path) => {
      if ((await blobs.downloadFile(blob, path)) === undefined) {
        throw new NotFoundError(`the artifact's file ${blob} is not in the account's bucket: publish it again`);
      }
    });
  }
  return { provide };
}
