import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { runsRevision } from '#domain/waves.ts';
import { readProofs, readRecords, readSettings } from '#facts/fleet.ts';
import { changeObject } from '#facts/stored.ts';
import { ChannelProof, type ClusterRecord, type Ledger } from '#model/records.ts';
import type { RolloutInputs } from '#model/rollout.ts';
import type { ChannelFile, Settings } from '#model/settings.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readInputs, readLedger } from './rollout-facts.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly clock: Clock;
}

/**
 * Writes the proof of a rollout that succeeded; its check ends once the promotion was tried. A rollout of settings that created all clusters of a
 * channel that nobody proved yet leaves that channel's genesis proof. Repeated, the proof stays as it was written first.
 */
export const concludeRollout = defineStep({
  name: 'conclude-rollout',
  input: z.object({ planWaves: z.object({ rolloutId: z.string() }) }),
  output: z.object({ proven: z.array(z.string()) }),
  async run({ planWaves: { rolloutId } }, { objects, checks, clock }: Ports, { execution }) {
    const inputs = await readInputs(objects, rolloutId);
    const ledger = await readLedger(objects, rolloutId);
    const settings = await readSettings(objects, inputs.resolved.settingsCommit);
    const now = clock.now();
    const proofs =
      inputs.resolved.kind === 'channel'
        ? await channelProof(inputs, ledger, settings, objects, now)
        : await genesisProofs(inputs, ledger, settings, objects, now);
    for (const proof of proofs) await keep(objects, proof);
    const title = proofs.length === 0 ? 'Rolled out' : 'Proven; what follows is proposed';
    await checks.want({ ref: inputs.resolved.check, status: 'in_progress', title, summary: '', execution });
    return { proven: proofs.map((proof) => proof.channel) };
  },
});

/** The newest rollout of a revision is its proof: its commit is the one that is promoted. */
async function keep(objects: ObjectStore, proof: ChannelProof): Promise<void> {
  await changeObject(objects, keys.channelProof(proof.channel, proof.revision), ChannelProof, (known) => {
    if (known === undefined) return proof;
    const isNewer = known.rollout !== proof.rollout && Date.parse(known.finishedAt) < Date.parse(proof.finishedAt);
    return isNewer ? proof : undefined;
  });
}

async function channelProof(
  inputs: RolloutInputs,
  ledger: Ledger,
  settings: Settings,
  objects: ObjectStore,
  now: Date,
): Promise<ChannelProof[]> {
  const { channel: name, revision, commit, basis } = inputs.resolved;
  const channel = settings.channels.find((file) => file.channel === name);
  if (channel === undefined || revision === null) return [];
  const records = await readRecords(objects, namesOf(channel));
  const what = { revision, commit, basis: basis === 'genesis' ? ('genesis' as const) : ('pull-request' as const) };
  const proof = proofOf(inputs, ledger, channel, what, records, now);
  // Held, decommissioned or failed within the budget: when no cluster runs the revision, nothing was proven.
  return proof.clusters.length === 0 ? [] : [proof];
}

async function genesisProofs(
  inputs: RolloutInputs,
  ledger: Ledger,
  settings: Settings,
  objects: ObjectStore,
  now: Date,
): Promise<ChannelProof[]> {
  const found: ChannelProof[] = [];
  for (const channel of settings.channels) {
    const head = inputs.resolved.heads[channel.channel];
    const live = channel.clusters.filter(({ state }) => state === 'ready').map(({ name }) => name);
    if (head === undefined || live.length === 0) continue;
    const others = (await readProofs(objects, channel.channel)).filter(({ rollout }) => rollout !== inputs.rolloutId);
    if (others.length > 0) continue;
    const records = await readRecords(objects, live);
    if (!live.every((name) => runsRevision(records.get(name), head.revision) && records.get(name)?.nodesLater === undefined)) continue;
    found.push(proofOf(inputs, ledger, channel, { ...head, basis: 'genesis' }, records, now));
  }
  return found;
}

/** Clusters that this rollout updated, and those that ran the revision already. */
function proofOf(
  inputs: RolloutInputs,
  ledger: Ledger,
  channel: ChannelFile,
  what: { revision: string; commit: string; basis: ChannelProof['basis'] },
  records: ReadonlyMap<string, ClusterRecord>,
  now: Date,
): ChannelProof {
  const clusters = namesOf(channel).flatMap((name) => {
    const done = ledger.succeeded[name];
    const record = records.get(name);
    // What was left for later was not tried: it proves nothing.
    if (!runsRevision(record, what.revision) || record.nodesLater !== undefined) return [];
    if (done !== undefined) return [{ name, execution: done.execution, backup: done.backup, durationSeconds: done.seconds }];
    return [{ name, execution: record.execution, backup: record.backup, durationSeconds: 0 }];
  });
  return {
    channel: channel.channel,
    ...what,
    rollout: inputs.rolloutId,
    clusters,
    startedAt: inputs.plannedAt,
    finishedAt: now.toISOString(),
  };
}

function namesOf(channel: ChannelFile): string[] {
  return channel.clusters.map(({ name }) => name);
}
