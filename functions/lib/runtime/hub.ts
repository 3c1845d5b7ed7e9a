import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { keepLock } from '#facts/lock.ts';
import { CheckRef } from '#model/checks.ts';
import { CancelledError } from '#model/errors.ts';
import { CancelMarker } from '#model/records.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { Log } from '#ports/log.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { type AnyStep, parseCall, runStep, type StepCall } from './call.ts';
import { holderOf } from './locked.ts';
import { createLog } from './log.ts';
import { nextLook } from './patience.ts';

/** What the wrapper itself needs besides the steps' ports. */
export interface HubPorts {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly clock: Clock;
  /** Lets so many seconds pass. */
  readonly pause: (seconds: number) => Promise<void>;
}

/** States that undo or report; a cancelled execution must still run them. */
export const CLEAN_UP: ReadonlySet<string> = new Set([
  'unlock',
  'release-nodes',
  'release-slot',
  'conclude-e2e',
  'fail-pull-request',
  'halt-rollout',
  'report-rollout',
  'settle-cluster',
  'preview-change-sets--abandon',
  'record--deleted',
  'conclude-restore',
]);

const Observed = z.object({ done: z.boolean(), reason: z.string() });
/** The execution whose cancel marker counts for a nested one too. */
const Root = z.object({ root: z.string().nullish() });
const Locked = z.object({ lock: z.object({ fence: z.int() }) });
const Progress = z.object({ progress: CheckRef.nullish(), cluster: z.object({ name: z.string() }).nullish() });

/** Runs one step call for the hub: cancel marker, progress of the check, log. */
export type RunCall<P> = (call: StepCall, ports: P) => Promise<unknown>;

/** Handler of a hub function: the step named by the call, from this function's table. */
export function createHubHandler<P extends HubPorts>(
  steps: readonly AnyStep<NoInfer<P>>[],
  connect: () => Promise<P>,
): (event: unknown) => Promise<unknown> {
  return wrapCalls((call, ports) => runStep(steps, call, ports), connect);
}

/** As createHubHandler, for any way to run a call. */
export function wrapCalls<P extends HubPorts>(
  run: RunCall<P>,
  connect: () => Promise<P>,
  logOf: typeof createLog = createLog,
): (event: unknown) => Promise<unknown> {
  let connected: Promise<P> | undefined;
  return async (event) => {
    connected ??= connect();
    const ports = await connected.catch((error: unknown) => {
      connected = undefined;
      throw error;
    });
    const stepCall = parseCall(event);
    return call(run, stepCall, ports, logOf({ execution: stepCall.execution, machine: stepCall.machine, state: stepCall.state }));
  };
}

async function call<P extends HubPorts>(run: RunCall<P>, stepCall: StepCall, ports: P, log: Log): Promise<unknown> {
  try {
    return await lookWhileWaiting(run, stepCall, ports, log);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    log.error('step failed', { reason });
    // The step's own error is the one that counts; a lost progress line must not hide it.
    await note(stepCall, ports, { state: 'failed', reason: reason.slice(0, 500) }).catch((lost: unknown) =>
      log.warn('progress not written', { lost: String(lost) }),
    );
    throw error;
  }
}

/** Looks at once, and again while a short wait is all that comes of it: each look as if the state machine had asked for it. */
async function lookWhileWaiting<P extends HubPorts>(run: RunCall<P>, first: StepCall, ports: P, log: Log): Promise<unknown> {
  const from = ports.clock.now();
  for (let stepCall = first, told: string | undefined; ; ) {
    if (!isCleanUp(stepCall)) await refuseCancelled(stepCall, ports.objects);
    await holdLock(stepCall, ports);
    if (stepCall === first) await note(stepCall, ports, { state: 'running' });
    const output = await run(stepCall, ports);
    const { success, data } = Observed.safeParse(output);
    const next = nextLook(stepCall, output, (ports.clock.now().getTime() - from.getTime()) / 1000);
    if (next === undefined || data?.reason !== told)
      await note(stepCall, ports, { state: success && !data.done ? 'waiting' : 'done', ...(success ? { reason: data.reason } : {}) });
    told = data?.reason;
    if (next === undefined) {
      log.info('step finished', success ? { done: data.done, reason: data.reason } : {});
      return output;
    }
    await ports.pause(next.seconds);
    stepCall = next.call;
  }
}

/**
 * Each step and poll of a machine that changes a cluster renews its lease, and stops when another holder has the lock.
 * What takes the lock, and what undoes or reports, runs without it. A backup that an update started keeps the lease of
 * that update, which waits for it.
 */
async function holdLock(stepCall: StepCall, ports: HubPorts): Promise<void> {
  const holder = holderOf(stepCall);
  if (holder === undefined || stepCall.step === 'lock' || isCleanUp(stepCall)) return;
  const cluster = Progress.safeParse(stepCall.input).data?.cluster;
  if (cluster === null || cluster === undefined) return;
  const fence = Locked.safeParse(stepCall.input).data?.lock.fence;
  await keepLock(ports.objects, cluster.name, holder, ports.clock.now(), fence);
}

function isCleanUp(stepCall: StepCall): boolean {
  return CLEAN_UP.has(stepCall.step) || CLEAN_UP.has(stepCall.state);
}

/** A cancel marker counts for the execution itself and for what it started, which names it as its root. */
async function refuseCancelled({ execution, input }: StepCall, objects: ObjectStore): Promise<void> {
  const root = Root.safeParse(input).data?.root ?? undefined;
  for (const subject of root === undefined ? [execution] : [execution, root]) {
    const marker = await objects.get(keys.cancel(subject));
    if (marker === undefined) continue;
    const { reason, by } = CancelMarker.parse(JSON.parse(marker.body));
    throw new CancelledError(reason.startsWith('superseded by ') ? reason : `cancelled by ${by}: ${reason}`);
  }
}

async function note(
  stepCall: StepCall,
  ports: HubPorts,
  what: { state: 'running' | 'waiting' | 'done' | 'failed'; reason?: string },
): Promise<void> {
  const parsed = Progress.safeParse(stepCall.input);
  const ref = parsed.success ? parsed.data.progress : undefined;
  if (!parsed.success || ref === null || ref === undefined) return;
  const cluster = parsed.data.cluster?.name;
  await ports.checks.progress(ref, {
    execution: stepCall.execution,
    machine: stepCall.machine,
    step: stepCall.state,
    ...(cluster === undefined ? {} : { cluster }),
    ...what,
    at: ports.clock.now().toISOString(),
  });
}
