import type { Instance, InstanceGroup } from '../ports/instances.ts';
import type { ApiProbe } from '../ports/kubernetes.ts';
import { byGeneration, describe, isInService } from './instances.ts';

export interface ControlPlaneObservation {
  readonly group: InstanceGroup | undefined;
  /** What some new connections through the load balancer met; at least one. */
  readonly probes: readonly ApiProbe[];
  /** What each instance answered at its own address; one without an address is not there. */
  readonly own: ReadonlyMap<string, { readonly address: string; readonly probe: ApiProbe }>;
  /** The version that the API must have at the end. */
  readonly version: string;
  /** Why servers of that version may not come beside what runs. */
  readonly skew: readonly string[];
}

export type ControlPlaneAction =
  | { readonly type: 'set-desired'; readonly group: string; readonly desired: number }
  | { readonly type: 'terminate'; readonly instance: string };

export interface ControlPlaneDecision {
  readonly done: boolean;
  readonly reason: string;
  readonly action?: ControlPlaneAction;
  /** No wait makes it better: nothing more is started or ended. */
  readonly refused?: true;
}

/**
 * What to do next to bring the control plane to the current launch template version: one more instance, wait until it is ready
 * at its own address and the load balancer sends connections to it, end an old one, until only new ones are left and every
 * connection meets one of them. An instance that ends leaves the load balancer first, which Auto Scaling sees to.
 */
export function decideControlPlane(seen: ControlPlaneObservation): ControlPlaneDecision {
  const { group, probes } = seen;
  if (group === undefined) return wait('no Auto Scaling group is tagged with this cluster and control-plane');
  const { old, fresh } = byGeneration(group);
  if (old.length > 0 && seen.skew.length > 0) return { done: false, reason: seen.skew.join('; '), refused: true };
  if (fresh.length === 0) return start(group, old);
  const booting = fresh.filter((instance) => !isInService(instance));
  const answers = describeProbes(probes);
  if (booting.length > 0) return wait(`new instance ${describe(booting)} is not in service; ${answers}`);
  const absent = notServing(seen, fresh);
  if (old.length > 0) return absent === undefined ? replaceOld(group, old, fresh.length) : wait(absent);
  if (fresh.length > Math.max(group.min, 1)) return end(fresh, `one more instance than needed; ${answers}`);
  const wrong = probes.filter(({ ready, version }) => !ready || version !== seen.version);
  if (wrong.length > 0) return wait(`${describe(fresh)} runs; ${answers}; wanted ${seen.version}`);
  return absent === undefined
    ? { done: true, reason: `the API has version ${seen.version} on ${fresh.map(({ id }) => id).join(', ')}` }
    : wait(absent);
}

function start(group: InstanceGroup, old: readonly Instance[]): ControlPlaneDecision {
  const live = old.length;
  if (group.desired > live) return wait(`the group starts a new instance: desired ${group.desired}, there are ${live}`);
  // An earlier roll stopped half-way: the instance of the latest of the old versions is the one that never took over.
  if (live > Math.max(group.min, 1)) return end(old, 'an earlier roll left one more instance than needed');
  if (live + 1 > group.max) return wait(`the group allows ${group.max} instances; one more is needed to replace ${describe(old)}`);
  const action = { type: 'set-desired', group: group.name, desired: live + 1 } as const;
  return { done: false, reason: `starting a new instance beside ${old.length === 0 ? 'none' : describe(old)}`, action };
}

/**
 * Which new instance does not serve yet: it must be ready at its own address with the wanted version, and a connection
 * through the load balancer must have met it. undefined when all do.
 */
function notServing({ own, probes, version }: ControlPlaneObservation, fresh: readonly Instance[]): string | undefined {
  for (const { id } of fresh) {
    const found = own.get(id);
    if (found === undefined) return `new instance ${id} has no address yet`;
    const { address, probe } = found;
    if (!probe.ready) return `new instance ${id} at ${address}: ${probe.reason}`;
    if (probe.version !== version) return `new instance ${id} at ${address} has version ${probe.version ?? 'none'}; wanted ${version}`;
    if (!probes.some(({ ready, server }) => ready && server === address))
      return `new instance ${id} is ready at ${address}, waiting until the load balancer sends connections to it; ${describeProbes(probes)}`;
  }
  return undefined;
}

function replaceOld(group: InstanceGroup, old: readonly Instance[], fresh: number): ControlPlaneDecision {
  const live = old.length + fresh;
  if (group.desired > live) return wait(`the group starts another new instance: desired ${group.desired}, there are ${live}`);
  if (group.desired - 1 < group.min) {
    if (live + 1 > group.max) return wait(`desired ${group.desired} is at the group's minimum; the old instance can't go`);
    // With several instances each old one is replaced by itself: one more comes first, so that the group never shrinks below its minimum.
    const action = { type: 'set-desired', group: group.name, desired: live + 1 } as const;
    return { done: false, reason: `starting another new instance beside ${describe(old)}`, action };
  }
  return end(old, 'the new instance serves');
}

/** Ends the one that never served, if any, else the one of the latest version. */
function end(instances: readonly Instance[], reason: string): ControlPlaneDecision {
  const order = [...instances].sort(
    (left, right) =>
      Number(isInService(left)) - Number(isInService(right)) ||
      Number(right.launchTemplateVersion) - Number(left.launchTemplateVersion) ||
      left.id.localeCompare(right.id),
  );
  const instance = order[0];
  if (instance === undefined) return wait(reason);
  return { done: false, reason: `${reason}; ending ${instance.id}`, action: { type: 'terminate', instance: instance.id } };
}

function wait(reason: string): ControlPlaneDecision {
  return { done: false, reason };
}

/** For example `the API answers: 1.35.4 ready (4x), /readyz answers 500: etcd failed (2x)`. */
function describeProbes(probes: readonly ApiProbe[]): string {
  const texts = probes.map(({ ready, version, reason }) => (ready ? `${version ?? 'no version'} ready` : reason));
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return `the API answers: ${[...counts].map(([text, count]) => `${text} (${count}x)`).join(', ')}`;
}
