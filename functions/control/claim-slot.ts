import * as z from 'zod';
import { waitingTitle } from '#domain/check-texts.ts';
import { hashOf } from '#domain/hash.ts';
import { executionName, keys } from '#domain/names.ts';
import { lookAgainSeconds } from '#domain/wait-pace.ts';
import { readSettings } from '#facts/fleet.ts';
import { releaseLock, takeLock } from '#facts/lock.ts';
import { readObject } from '#facts/stored.ts';
import { CheckRef } from '#model/checks.ts';
import { InputError } from '#model/errors.ts';
import { ExecutionName, GitId, Revision, Timestamp } from '#model/primitives.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { Lock } from '#model/records.ts';
import type { ChannelFile, E2eSlot, Settings } from '#model/settings.ts';
import { ClusterRef, E2eSuite } from '#model/settings.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly executions: Executions;
  readonly clock: Clock;
}

/** Lease of a slot: longer than an e2e run may take with its clean-up (the machine's time limit is 72 h). */
export const SLOT_LEASE_SECONDS = 74 * 60 * 60;
/** Seconds between two looks at taken slots, in the first hour; then 5 minutes. */
const LOOK_SECONDS = 30;

const Names = z.object({ createBase: ExecutionName, updateHead: ExecutionName, delete: ExecutionName });

const Output = Advance.extend({
  claimed: z.boolean(),
  /** Subject of the slot's lock; null while none is claimed, as are cluster and names. */
  slot: z.string().nullable(),
  cluster: ClusterRef.nullable(),
  names: Names.nullable(),
  /** By the settings on `main`, not by the pull request. */
  suites: z.array(E2eSuite),
});

const Input = z.object({
  readPullRequest: z.object({ number: z.int(), channel: z.string().nullable(), e2eCheck: CheckRef, generation: z.int().optional() }),
  startedAt: Timestamp,
  snapshotConfiguration: z.object({ baseRevision: Revision.nullable(), headRevision: Revision.nullable(), headSettingsCommit: GitId }),
});

/**
 * Claims one of the accounts that e2e clusters may use, by its lock; the same execution gets the same one again. When all
 * are taken it says by whom and asks to look again. @throws InputError when no channel has an e2e account
 */
export const claimSlot = defineStep({
  name: 'claim-slot',
  input: Input,
  output: Output,
  async run(input, ports: Ports, { execution }) {
    const settings = await readSettings(ports.objects, input.snapshotConfiguration.headSettingsCommit);
    const { slots, suites } = e2eOf(settings, input.readPullRequest.channel);
    const first = await ownFirst(slots, execution, ports);
    const taken: string[] = [];
    for (const slot of first) {
      const result = await takeLock(ports.objects, slotSubject(slot), execution, SLOT_LEASE_SECONDS);
      if (result.outcome === 'taken') {
        const claim = { ...claimed(slot, input, execution, settings.channels[0]?.policies), suites };
        await begin(input, ports.checks, execution, `Running on ${claim.cluster?.name} in account ${slot.account}`);
        return claim;
      }
      taken.push(`${slot.account} by ${result.holder}`);
    }
    const reason = `all e2e accounts are taken: ${taken.join(', ')}`;
    await begin(input, ports.checks, execution, waitingTitle(reason, null));
    const waitSeconds = Math.min(300, lookAgainSeconds(LOOK_SECONDS, new Date(input.startedAt), ports.clock.now()));
    return { ...waiting(waitSeconds, reason), claimed: false, slot: null, cluster: null, names: null, suites };
  },
});

async function begin(input: z.infer<typeof Input>, checks: Checks, execution: string, title: string): Promise<void> {
  const { e2eCheck: ref, generation } = input.readPullRequest;
  await checks.want({ ref, status: 'in_progress', title, summary: '', execution, generation });
}

/** Subject of a slot's lock. */
export function slotSubject(slot: Pick<E2eSlot, 'account'>): string {
  return `e2e-${slot.account}`;
}

/** Accounts for e2e: the channel's own, else those of the first channel that has any. */
export function slotsOf(settings: Settings, channel: string | null): readonly E2eSlot[] {
  return e2eOf(settings, channel).slots;
}

function e2eOf(settings: Settings, channel: string | null): NonNullable<ChannelFile['e2e']> {
  const has = (file: ChannelFile): boolean => (file.e2e?.slots.length ?? 0) > 0;
  const own = settings.channels.find((file) => file.channel === channel && has(file));
  const found = (own ?? settings.channels.find(has))?.e2e;
  if (found !== undefined) return found;
  throw new InputError('no channel file lists e2e accounts: add e2e.slots to the first channel');
}

/**
 * A slot that this execution holds comes first, so that a repeated call claims no second one. A slot whose clean-up has
 * succeeded (its lock was handed to a `delete-cluster` execution) is freed on the way.
 */
async function ownFirst(slots: readonly E2eSlot[], execution: string, { objects, executions }: Ports): Promise<E2eSlot[]> {
  const own: E2eSlot[] = [];
  const others: E2eSlot[] = [];
  for (const slot of slots) {
    const holder = (await readObject(objects, keys.lock(slotSubject(slot)), Lock))?.holder ?? null;
    (holder === execution ? own : others).push(slot);
    if (holder === null || holder === execution) continue;
    const cleanUp = await executions.describe('delete-cluster', holder);
    if (cleanUp?.status === 'SUCCEEDED') await releaseLock(objects, slotSubject(slot), holder);
  }
  return [...own, ...others];
}

function claimed(
  slot: E2eSlot,
  input: z.infer<typeof Input>,
  execution: string,
  policies: string | undefined,
): Omit<z.infer<typeof Output>, 'suites'> {
  const cluster = slotCluster(slot, input.readPullRequest.number, execution, policies);
  const { baseRevision, headRevision } = input.snapshotConfiguration;
  const id = cluster.name.slice('e2e-'.length);
  return {
    ...advanced(`account ${slot.account}`),
    claimed: true,
    slot: slotSubject(slot),
    cluster,
    names: {
      createBase: executionName('e2e-base', cluster.name, { baseRevision }, id),
      updateHead: executionName('e2e-head', cluster.name, { headRevision }, id),
      delete: executionName('delete', cluster.name, { execution }, id),
    },
  };
}

/** The e2e cluster of an execution in a slot. The execution is part of the name: a cluster's name is never used twice. */
export function slotCluster({ account, region, network }: E2eSlot, pullRequest: number, execution: string, policies?: string): ClusterRef {
  const id = hashOf({ account, pullRequest, execution }).slice(0, 12);
  return {
    name: `e2e-${id}`,
    account,
    region,
    environment: 'e2e',
    network,
    channel: 'e2e',
    ...(policies === undefined ? {} : { policies }),
  };
}
