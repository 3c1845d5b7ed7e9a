import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { accountKeys } from '#domain/names.ts';
import { judgeRehearsal, notRehearsed } from '#domain/rehearsal.ts';
import { type ArtifactPorts, openArtifact } from '#facts/artifacts.ts';
import { openDrillTools, readAuthority } from '#facts/drill-tools.ts';
import { BackupNotProvenError, InputError, NotFoundError } from '#model/errors.ts';
import { DataVersions, RehearsalResult, RehearsedBackup } from '#model/rehearsal.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ApiDrill, Served } from '#ports/api-drill.ts';
import type { Clock } from '#ports/clock.ts';
import type { Scratch } from '#ports/files.ts';
import type { Secrets } from '#ports/secrets.ts';
import { defineStep } from '#ports/step.ts';

export interface ProveUpgradePorts extends ArtifactPorts {
  readonly scratch: Scratch;
  readonly apiDrill: ApiDrill;
  readonly secrets: Pick<Secrets, 'getVersion'>;
  readonly clock: Clock;
}

const Input = z.object({
  cluster: ClusterRef,
  /** By the signed manifest. */
  checkRehearsal: RehearsedBackup,
  /** All that comes of a pull request. */
  to: DataVersions,
});
type Input = z.infer<typeof Input>;

/**
 * Rehearses an upgrade on a proven backup: its data are restored, etcd of the version that is to come boots on them, and
 * kube-apiserver of the version that is to come lists each resource and decrypts each Secret, by the cluster's own keys. What it
 * leaves unserved is asked of today's API server too. What can't be tried, or not in time, is told as not rehearsed.
 * @throws TransientError; RefusedError when a tool is not what the index of artifacts says
 */
export const proveUpgrade = defineStep({
  name: 'prove-upgrade',
  input: Input,
  output: RehearsalResult,
  async run(input, ports: ProveUpgradePorts): Promise<RehearsalResult> {
    const started = ports.clock.now().getTime();
    const since = (): number => (ports.clock.now().getTime() - started) / 1000;
    try {
      return await rehearse(input, ports, since);
    } catch (error) {
      if (error instanceof NotFoundError) return notRehearsed(error.message, since());
      if (!(error instanceof BackupNotProvenError)) throw error;
      // A machine that was slow, or a large database: that says nothing about the versions.
      if (error.late) return notRehearsed(error.message, since());
      return { outcome: 'failed', reason: error.message, orphans: [], orphanedResources: 0, seconds: since() };
    }
  },
});

async function rehearse(input: Input, ports: ProveUpgradePorts, since: () => number): Promise<RehearsalResult> {
  const { snapshot: taken, kubernetes: today, counts, revision } = input.checkRehearsal;
  // Whoever asks may name this cluster's backups only.
  if (!taken.key.startsWith(accountKeys.backups(input.cluster.name)))
    throw new InputError(`${taken.key} is no backup of ${input.cluster.name}`);
  const tools = await openDrillTools(ports, input.to);
  const { files } = await readAuthority(input.cluster.name, ports.secrets);
  const encryption = files['encryption.yaml'];
  return ports.scratch.withDirectory(async (directory) => {
    const snapshot = join(directory, 'snapshot.db');
    const stored = await ports.blobs.downloadFile(taken.key, snapshot);
    if (stored === undefined) throw new NotFoundError(`${taken.key} is no longer there`);
    // A damaged backup says nothing about the upgrade.
    if (stored.sha256 !== taken.sha256) throw new NotFoundError(`${taken.key} no longer is what was taken: ${stored.sha256}`);
    // One after the other: each has the disk and the memory for itself.
    const serve = (kubeApiserver: string): Promise<Served> =>
      ports.scratch.withDirectory(async (room) => {
        await mkdir(join(room, 'api'));
        return ports.apiDrill.serve({ ...tools, kubeApiserver, snapshot, directory: join(room, 'api'), encryption });
      });
    const served = await serve(tools.kubeApiserver);
    const before = Object.keys(served.unserved).length === 0 ? undefined : await askToday(today, serve, ports);
    const facts = { revision, counts, today, target: input.to, seconds: since() };
    return judgeRehearsal(served, before?.served, facts, before?.why);
  });
}

/** What an API server of the version that runs makes of the same data; or why nobody can say. */
async function askToday(
  version: string,
  serve: (kubeApiserver: string) => Promise<Served>,
  ports: ArtifactPorts,
): Promise<{ served?: Served; why?: string }> {
  try {
    return { served: await serve(await (await openArtifact(ports, 'kubernetes', version)).provide('kube-apiserver')) };
  } catch (error) {
    // That it does not serve what the other one did says nothing about the upgrade.
    if (error instanceof NotFoundError || error instanceof BackupNotProvenError) return { why: error.message };
    throw error;
  }
}
