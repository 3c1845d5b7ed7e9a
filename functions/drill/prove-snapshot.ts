import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type Bracket, countByResource, restoredVerdict, storedVerdict, verdict } from '#domain/backup.ts';
import { openArtifact } from '#facts/artifacts.ts';
import { LayerVerdict } from '#model/backup-records.ts';
import { BackupNotProvenError, NotFoundError } from '#model/errors.ts';
import { Sha256 } from '#model/primitives.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Blobs } from '#ports/blobs.ts';
import type { Clock } from '#ports/clock.ts';
import type { EtcdDrill } from '#ports/drill.ts';
import type { Binaries, Scratch } from '#ports/files.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

export interface ProveSnapshotPorts {
  readonly objects: ObjectStore;
  readonly blobs: Blobs;
  readonly scratch: Scratch;
  readonly binaries: Binaries;
  readonly drill: EtcdDrill;
  readonly clock: Clock;
}

/** Of what `take-snapshot` tells; the functions share no file. */
const TakenSnapshot = z.object({
  key: z.string(),
  sha256: Sha256,
  bytes: z.int(),
  bracket: z.object({ from: z.int(), to: z.int() }),
  file: z.object({ hash: z.int(), compactRevision: z.int(), counts: z.record(z.string(), z.int()) }),
});

const Input = z.object({
  cluster: ClusterRef,
  /** Version of the member that the snapshot was taken from: an older etcd would not boot on it. */
  checkMembers: z.object({ version: z.string() }),
  /** Whether to restore it. */
  drill: z.boolean().default(true),
  takeSnapshot: TakenSnapshot,
});
type Input = z.infer<typeof Input>;

const Output = z.object({ verdicts: z.array(LayerVerdict), revision: z.int().nullable(), counts: z.record(z.string(), z.int()) });
type Output = z.infer<typeof Output>;

/**
 * L4: the stored object read back and hashed again. L5: restored with the official tools into a real etcd that boots,
 * at a revision that the live member had. A layer that cannot be run says so; write-manifest judges.
 * @throws TransientError; RefusedError when a tool is not what the index of artifacts says
 */
export const proveSnapshot = defineStep({
  name: 'prove-snapshot',
  input: Input,
  output: Output,
  async run(input, ports: ProveSnapshotPorts): Promise<Output> {
    return ports.scratch.withDirectory(async (directory) => {
      const snapshot = join(directory, 'snapshot.db');
      const l4 = await readBack(input.takeSnapshot, snapshot, ports);
      if (l4.verdict !== 'holds') return notRestored(l4, verdict('L5', 'not-run', 'there is nothing good to restore: L4 fails', 0));
      if (!input.drill) return notRestored(l4, verdict('L5', 'not-run', 'no drill was asked for', 0));
      return restore(input, l4, directory, snapshot, ports);
    });
  },
});

async function readBack(taken: Input['takeSnapshot'], path: string, { blobs, clock }: ProveSnapshotPorts): Promise<LayerVerdict> {
  const started = clock.now();
  const stored = await blobs.downloadFile(taken.key, path);
  return storedVerdict(taken, stored, secondsSince(started, clock));
}

async function restore(input: Input, l4: LayerVerdict, directory: string, snapshot: string, ports: ProveSnapshotPorts): Promise<Output> {
  const started = ports.clock.now();
  const since = (): number => secondsSince(started, ports.clock);
  try {
    const artifact = await openArtifact(ports, 'etcd', input.checkMembers.version);
    const [etcd, etcdutl] = [await artifact.provide('etcd'), await artifact.provide('etcdutl')];
    const room = join(directory, 'etcd');
    await mkdir(room);
    const restored = await ports.drill.restore({ etcd, etcdutl, snapshot, directory: room });
    const bracket: Bracket = input.takeSnapshot.bracket;
    const counts = countByResource(restored.keys);
    const l5 = restoredVerdict({ ...restored, counts, keys: restored.keys.length }, bracket, input.takeSnapshot.file, since());
    return { verdicts: [l4, l5], revision: restored.revision, counts };
  } catch (error) {
    if (error instanceof NotFoundError) return notRestored(l4, verdict('L5', 'not-run', error.message, since()));
    if (error instanceof BackupNotProvenError) return notRestored(l4, verdict('L5', 'fails', error.message, since()));
    throw error;
  }
}

function notRestored(l4: LayerVerdict, l5: LayerVerdict): Output {
  return { verdicts: [l4, l5], revision: null, counts: {} };
}

function secondsSince(started: Date, clock: Clock): number {
  return (clock.now().getTime() - started.getTime()) / 1000;
}
