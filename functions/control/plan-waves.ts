import * as z from 'zod';
import { durationSeconds } from '#domain/duration.ts';
import { holdOf } from '#domain/evidence.ts';
import { newLedger } from '#domain/ledger.ts';
import { keys } from '#domain/names.ts';
import { clusterRef, planWaves as plan, planSettingsWaves, runsRevision, settingsHash, type Wanted, type Wave } from '#domain/waves.ts';
import { beginChannel, channelRevision, readGate, readRecords, readSettings } from '#facts/fleet.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { GateClosedError, InputError } from '#model/errors.ts';
import type { Ledger } from '#model/records.ts';
import { ResolveRevision } from '#model/resolve-revision.ts';
import { NewestRollout, RolloutInputs, WaveItems } from '#model/rollout.ts';
import type { ChannelFile, Settings } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

const Output = z.object({ rolloutId: z.string(), waves: z.int().min(0), clusters: z.int().min(0) });

/**
 * Plans a rollout and pins it: inputs, waves, ledger. Repeated, it answers what is pinned. From here on older rollouts of
 * the channel start nothing more. @throws GateClosedError when the revision is not proven for the channel
 */
export const planWaves = defineStep({
  name: 'plan-waves',
  input: z.object({ resolveRevision: ResolveRevision }),
  output: Output,
  async run({ resolveRevision: resolved }, { objects, clock }: Ports) {
    const id = resolved.rolloutId;
    const pinned = await readObject(objects, keys.rollout(id, 'inputs'), RolloutInputs);
    const settings = await readSettings(objects, resolved.settingsCommit);
    const inputs = pinned ?? (await pin(resolved, settings, objects, clock.now()));
    await objects.putIfAbsent(keys.rollout(id, 'ledger'), JSON.stringify(newLedger(id, budgetOf(resolved, settings))));
    await announce(objects, inputs);
    return { rolloutId: id, waves: inputs.waves.length, clusters: inputs.waves.reduce((sum, wave) => sum + wave.clusters.length, 0) };
  },
});

async function pin(resolved: ResolveRevision, settings: Settings, objects: ObjectStore, now: Date): Promise<RolloutInputs> {
  const waves =
    resolved.kind === 'channel'
      ? await channelWaves(resolved, settings, objects, now)
      : await settingsWaves(resolved, settings, objects, now);
  for (const [index, wave] of waves.entries()) {
    await changeObject(objects, keys.rollout(resolved.rolloutId, `waves/${index}`), WaveItems, () => [...wave.items]);
  }
  const inputs = {
    rolloutId: resolved.rolloutId,
    plannedAt: now.toISOString(),
    resolved,
    waves: waves.map((wave) => ({
      name: wave.name,
      maxConcurrency: wave.maxConcurrency,
      clusters: wave.items.map(({ cluster }) => cluster.name),
      soakSeconds: wave.soaks ? soakOf(wave, settings) : 0,
    })),
  };
  await changeObject(objects, keys.rollout(resolved.rolloutId, 'inputs'), RolloutInputs, (known) =>
    known === undefined ? inputs : undefined,
  );
  return inputs;
}

async function channelWaves(resolved: ResolveRevision, settings: Settings, objects: ObjectStore, now: Date): Promise<Wave[]> {
  const channel = settings.channels.find((file) => file.channel === resolved.channel);
  if (channel === undefined || resolved.revision === null) {
    throw new InputError(`a rollout of a channel needs a channel and a revision; it has ${resolved.channel} and ${resolved.revision}`);
  }
  const gate = await readGate(objects, channel, resolved.revision, resolved.basis === 'hotfix', now);
  if (!gate.open) throw new GateClosedError(gate.reason);
  const begins = { channel: channel.channel, revision: resolved.revision, rollout: resolved.rolloutId, at: now.toISOString() };
  if (gate.basis === 'genesis') await beginChannel(objects, begins);
  const records = await readRecords(objects, namesOf(channel));
  return plan(channel, resolved.revision, records, { rolloutId: resolved.rolloutId, progress: resolved.check });
}

/**
 * A change of settings reaches the clusters whose entry or hold differs from their record or whose nodes were left for later,
 * and new ones. An existing
 * cluster keeps its revision unless a hold names another: what a released hold left behind is for the next rollout.
 */
async function settingsWaves(resolved: ResolveRevision, settings: Settings, objects: ObjectStore, now: Date): Promise<Wave[]> {
  const records = await readRecords(objects, settings.channels.flatMap(namesOf));
  const wanted: Wanted[] = [];
  for (const channel of settings.channels) {
    for (const entry of channel.clusters.filter(({ state }) => state === 'ready')) {
      const record = records.get(entry.name);
      const hash = settingsHash(clusterRef(entry, channel));
      const held = holdOf(entry, channel)?.revision;
      const there =
        record !== undefined && record.settingsHash === hash && record.nodesLater === undefined && record.restored === undefined;
      if (there && (held === undefined || runsRevision(record, held))) continue;
      const revision = held ?? record?.revision ?? (await beginning(channel, resolved, objects, now));
      wanted.push({ entry, channel, revision });
    }
  }
  return planSettingsWaves(wanted, records, { rolloutId: resolved.rolloutId, progress: resolved.check });
}

/** Where a new cluster begins. One of a channel that never began begins the channel. @throws GateClosedError */
async function beginning(channel: ChannelFile, resolved: ResolveRevision, objects: ObjectStore, now: Date): Promise<string> {
  const revision = await channelRevision(objects, channel.channel, resolved.heads);
  const gate = await readGate(objects, channel, revision, false, now);
  const begins = { channel: channel.channel, revision, rollout: resolved.rolloutId, at: now.toISOString() };
  if (!gate.open) throw new GateClosedError(gate.reason);
  if (gate.basis === 'genesis') await beginChannel(objects, begins);
  return revision;
}

/** Tells everyone which rollout is the newest. Only forward, so that a late repeat changes nothing. */
async function announce(objects: ObjectStore, { rolloutId, plannedAt, resolved }: RolloutInputs): Promise<void> {
  const { channel, revision, commit } = resolved;
  if (resolved.kind !== 'channel' || channel === null || revision === null) return;
  await changeObject(objects, keys.newestRollout(channel), NewestRollout, (known) =>
    known === undefined || Date.parse(known.plannedAt) < Date.parse(plannedAt) ? { rolloutId, revision, commit, plannedAt } : undefined,
  );
}

/** Several channels at once go by the most careful of their budgets. */
function budgetOf(resolved: ResolveRevision, settings: Settings): Ledger['budget'] {
  const channels = settings.channels.filter((file) => resolved.kind === 'settings' || file.channel === resolved.channel);
  return Math.min(...channels.map((file) => file.failureBudget));
}

function soakOf(wave: Wave, settings: Settings): number {
  const names = new Set(wave.items.map(({ cluster }) => cluster.channel));
  const soaks = settings.channels.filter((file) => names.has(file.channel)).map((file) => durationSeconds(file.soak));
  return Math.max(0, ...soaks);
}

function namesOf(channel: ChannelFile): string[] {
  return channel.clusters.map(({ name }) => name);
}
