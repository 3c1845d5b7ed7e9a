import * as z from 'zod';
import { admit } from '#domain/ledger.ts';
import { decideStart, type Known, mayRollNodes, type StartDecision, type StartFacts } from '#domain/may-start.ts';
import { keys } from '#domain/names.ts';
import { lookAgainSeconds } from '#domain/wait-pace.ts';
import { readGate, readRecord, readSettings } from '#facts/fleet.ts';
import { attempt } from '#facts/known.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { Snapshot } from '#model/configuration.ts';
import { GateClosedError, InputError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { Halt, Ledger, Lock } from '#model/records.ts';
import { NewestSettings, type RolloutInputs, WaveItem } from '#model/rollout.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readInputs, readLedger, readNewer } from './rollout-facts.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** Seconds between two looks at what is in the way, in the first hour; a lock ends sooner than a freeze. */
const LOOK_SECONDS = 30;
const LONG_LOOK_SECONDS = 60;

const Output = z.object({ done: z.boolean(), admitted: z.boolean(), waitSeconds: z.int().min(0).max(1800), reason: z.string() });

/**
 * May this cluster start now? Reads kill switch, settings, gate, ledger, newer rollouts and the cluster's lock anew, and
 * admits by compare-and-swap on the ledger. @throws GateClosedError when the gate is shut or something can't be read
 */
export const mayStart = defineStep({
  name: 'may-start',
  input: WaveItem.extend({ startedAt: Timestamp }),
  output: Output,
  async run(item, { objects, clock }: Ports): Promise<z.infer<typeof Output>> {
    const now = clock.now();
    const decision = decideStart(await gather(item, objects, now));
    if (decision.decision === 'allow') return admitted(item, objects, now);
    if (decision.decision === 'wait') return notYet(decision, new Date(item.startedAt), now);
    if (decision.why === 'unread' || decision.why === 'gate') throw new GateClosedError(decision.reason);
    return { done: true, admitted: false, waitSeconds: 0, reason: decision.reason };
  },
});

async function admitted(item: WaveItem, objects: ObjectStore, now: Date): Promise<z.infer<typeof Output>> {
  let reason: string | undefined;
  await changeObject(objects, keys.rollout(item.rolloutId, 'ledger'), Ledger, (ledger) => {
    if (ledger === undefined) throw new GateClosedError(`rollout ${item.rolloutId} has no ledger; nothing starts on a guess`);
    const admission = admit(ledger, item.cluster.name, now);
    reason = admission.admitted ? undefined : admission.reason;
    return admission.admitted ? admission.ledger : undefined;
  });
  return { done: true, admitted: reason === undefined, waitSeconds: 0, reason: reason ?? 'admitted' };
}

/** A known end is waited for, but what it is known from may change: so it is looked at in between too. */
function notYet({ until, reason }: Extract<StartDecision, { decision: 'wait' }>, since: Date, now: Date): z.infer<typeof Output> {
  const again = lookAgainSeconds(until === null ? LOOK_SECONDS : LONG_LOOK_SECONDS, since, now);
  const left = until === null ? again : Math.ceil((Date.parse(until) - now.getTime()) / 1000);
  return { done: false, admitted: false, waitSeconds: Math.max(1, Math.min(again, left)), reason };
}

async function gather(item: WaveItem, objects: ObjectStore, now: Date): Promise<StartFacts> {
  const { cluster, revision } = item;
  const inputs = await attempt('the pinned inputs', () => readInputs(objects, item.rolloutId));
  const channel = await attempt('the settings', () => channelOf(item, inputs, objects));
  const [halt, ledger, gate, supersededBy, lock] = await Promise.all([
    attempt('the kill switch', async () => (await readObject(objects, keys.halt(), Halt)) ?? null),
    attempt('the ledger', () => readLedger(objects, item.rolloutId)),
    attempt('the evidence', () => gateOf(item, channel, inputs, objects, now)),
    attempt('the newest rollout', () => newer(item, inputs, objects)),
    attempt('the lock', async () => (await readObject(objects, keys.lock(cluster.name), Lock)) ?? null),
  ]);
  const rolls = await rollsNodes(item, channel, objects);
  return {
    cluster: cluster.name,
    revision,
    execution: item.executionName,
    now,
    halt,
    channel,
    ledger,
    gate,
    supersededBy,
    lock,
    rollsNodes: rolls,
  };
}

/** Holds and freezes act at once, so they come from the newest settings; else from the pinned ones. */
async function channelOf(item: WaveItem, inputs: Known<RolloutInputs>, objects: ObjectStore): Promise<ChannelFile | null> {
  const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
  const commit = newest?.commit ?? need(inputs).resolved.settingsCommit;
  const settings = await readSettings(objects, commit);
  return settings.channels.find(({ channel }) => channel === item.cluster.channel) ?? null;
}

async function gateOf(
  item: WaveItem,
  channel: Known<ChannelFile | null>,
  inputs: Known<RolloutInputs>,
  objects: ObjectStore,
  now: Date,
): Promise<{ open: boolean; reason: string }> {
  const file = need(channel);
  if (file === null) return { open: false, reason: `channel ${item.cluster.channel} is in the settings no more` };
  return readGate(objects, file, item.revision, need(inputs).resolved.basis === 'hotfix', now);
}

/** A newer rollout of the channel; for a change of settings, one that brought the cluster to another revision since. */
async function newer(item: WaveItem, inputs: Known<RolloutInputs>, objects: ObjectStore): Promise<string | null> {
  const { plannedAt, resolved } = need(inputs);
  if (resolved.kind === 'channel') return readNewer(objects, need(inputs));
  const record = await readRecord(objects, item.cluster.name);
  if (record === undefined || Date.parse(record.updatedAt) <= Date.parse(plannedAt)) return null;
  return record.revision === item.revision ? null : (record.rollout ?? record.execution);
}

/** Only looked at when a freeze of node rolls could matter: it reads two configurations. */
async function rollsNodes(item: WaveItem, channel: Known<ChannelFile | null>, objects: ObjectStore): Promise<boolean> {
  if (!channel.known || channel.value === null || channel.value.freeze.every(({ scope }) => scope === 'all')) return true;
  const record = await readRecord(objects, item.cluster.name);
  const filesOf = async (revision: string) => (await readObject(objects, keys.snapshot(revision), Snapshot))?.files;
  const [before, after] = await Promise.all([record === undefined ? undefined : filesOf(record.revision), filesOf(item.revision)]);
  return after === undefined || mayRollNodes(before, after);
}

function need<T>(fact: Known<T>): T {
  if (fact.known) return fact.value;
  throw new InputError(fact.what);
}
