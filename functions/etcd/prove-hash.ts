import { join } from 'node:path';
import * as z from 'zod';
import { storedVerdict, verdict } from '#domain/backup.ts';
import { hashProofRule } from '#domain/hash-proof.ts';
import { contentLayer, hashLayer } from '#domain/snapshot/verdicts.ts';
import type { HashRequest } from '#domain/snapshot/verify.ts';
import { TakenSnapshot } from '#model/backup.ts';
import { HashProof, LayerVerdict } from '#model/backup-records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Blobs } from '#ports/blobs.ts';
import type { Clock } from '#ports/clock.ts';
import type { EtcdOf } from '#ports/etcd.ts';
import type { Scratch } from '#ports/files.ts';
import { defineStep } from '#ports/step.ts';
import { type AskedMembers, computedHashes, recordedHashes, type ToldHashes } from './member-hashes.ts';

export interface ProveHashPorts {
  readonly etcd: EtcdOf;
  readonly blobs: Blobs;
  readonly scratch: Scratch;
  readonly clock: Clock;
}

const Input = z.object({
  cluster: ClusterRef,
  checkMembers: z.object({ endpoint: z.string() }),
  takeSnapshot: TakenSnapshot.pick({ key: true, sha256: true, bytes: true, revision: true, file: true }),
  /** Whether it is restored afterwards; what restores it tells L4. */
  drill: z.boolean().default(true),
});
type Input = z.infer<typeof Input>;

const Output = z.object({
  /** L3, and L4 where no drill follows. */
  verdicts: z.array(LayerVerdict),
  /** Absent where no hash could be compared. */
  hashProof: HashProof.optional(),
});
type Output = z.infer<typeof Output>;

/**
 * L3 of a snapshot that is stored, by the hash that the members recorded at the compaction after it. Where none came in time, or the
 * member has recorded nothing, followers compute the hash of all that the file has. The manifest says which. The file is read back
 * from the bucket for it, so L4 costs no second read.
 * @throws ClusterUnreachableError when the member that it came from does not tell; TransientError
 */
export const proveHash = defineStep({
  name: 'prove-hash',
  input: Input,
  output: Output,
  async run(input, { etcd: etcdOf, ...ports }: ProveHashPorts, { execution }): Promise<Output> {
    const { takeSnapshot, checkMembers, drill } = input;
    const file = { revision: takeSnapshot.revision, compactRevision: takeSnapshot.file.compactRevision };
    const etcd = await etcdOf(input.cluster);
    const started = ports.clock.now().getTime();
    const asked = { etcd, endpoint: checkMembers.endpoint, members: await etcd.status() };
    const told = await askMembers(asked, file, execution);
    const asking = (ports.clock.now().getTime() - started) / 1000;
    const { l3, l4 } = await compare(input, told, asking, ports);
    const verdicts = drill ? [l3] : [l3, l4];
    return told.proof === undefined || l3.verdict === 'not-run' ? { verdicts } : { verdicts, hashProof: told.proof };
  },
});

interface Told extends ToldHashes {
  /** undefined: nobody told a hash. */
  readonly proof: HashProof | undefined;
}

async function askMembers(asked: AskedMembers, file: HashRequest, execution: string): Promise<Told> {
  const compactedAt = await asked.etcd.compactedAt(asked.endpoint);
  const recorded =
    compactedAt > file.compactRevision
      ? await recordedHashes(asked, file, compactedAt)
      : { why: `no member was compacted again after the file's compaction at ${file.compactRevision}` };
  if (!('why' in recorded)) {
    const revision = recorded.hashes[0]?.revision ?? file.compactRevision;
    return { ...recorded, proof: { ...hashProofRule(execution, file.compactRevision), revision } };
  }
  if (compactedAt > file.revision) {
    const gone = `${recorded.why}; compacted at ${compactedAt}, no member can tell a hash of the file's revision ${file.revision} any more`;
    return { hashes: [], how: gone, proof: undefined };
  }
  const why = `by schedule, but nothing recorded can be compared: ${recorded.why}`;
  return { ...(await computedHashes(asked, file)), proof: { by: 'computed', revision: file.revision, why } };
}

async function compare({ takeSnapshot }: Input, told: ToldHashes, asking: number, { blobs, scratch, clock }: Omit<ProveHashPorts, 'etcd'>) {
  return scratch.withDirectory(async (directory) => {
    const path = join(directory, 'snapshot.db');
    const started = clock.now().getTime();
    const stored = await blobs.downloadFile(takeSnapshot.key, path);
    const read = clock.now().getTime();
    const l4 = storedVerdict(takeSnapshot, stored, (read - started) / 1000);
    const not = (reason: string): LayerVerdict => verdict('L3', 'not-run', reason, asking);
    if (l4.verdict !== 'holds') return { l3: not('there is nothing good to compare: L4 fails'), l4 };
    const { verdict: l2, content } = scratch.read(path, (file) =>
      contentLayer(
        file,
        clock,
        () => undefined,
        () => told.hashes,
      ),
    );
    if (content === undefined) return { l3: not(`the stored snapshot can't be read: ${l2.reason}`), l4 };
    return { l3: hashLayer(content, told.hashes, told.how, asking + (clock.now().getTime() - read) / 1000), l4 };
  });
}
