import type { Instance, InstanceGroup } from '../ports/instances.ts';
import type { ApiProbe } from '../ports/kubernetes.ts';
import { byGeneration, describe, isInService } from './instances.ts';

/**
 * A new instance that serves the same version can't be told from the old one through the load balancer; it must have
 * been in service so long. The load balancer's health check needs two answers, 5 s apart.
 */
export const SETTLE_SECONDS = 30;

export interface ControlPlaneObservation {
  readonly group: InstanceGroup | undefined;
  /** What some new connections through the load balancer met; at least one. */
  readonly probes: readonly ApiProbe[];
  /** The version that the API must have at the end. */
  readonly version: string;
  /** Since when each look found every new instance in service; undefined when this one is the first. */
  readonly inServiceSince: Date | undefined;
  readonly now: Date;
}

export type ControlPlaneAction =
  | { readonly type: 'set-desired'; readonly group: string; readonly desired: number }
  | { readonly type: 'terminate'; readonly instance: string };

export interface ControlPlaneDecision {
  readonly done: boolean;
  readonly reason: string;
  readonly action?: ControlPlaneAction;
  /** Each new instance is in service now. */
  readonly inService: boolean;
}

/**
 * What to do next to bring the control plane to the current launch template version: one more instance, wait until it
 * serves, end an old one, until only new ones are left and every connection meets the wanted version.
 */
export function decideControlPlane(seen: ControlPlaneObservation): ControlPlaneDecision {
  const { group, probes } = seen;
  if (group === undefined) return wait('no Auto Scaling group is tagged with this cluster and control-plane', false);
  const { old, fresh } = byGeneration(group);
  if (fresh.length === 0) return start(group, old);
  const booting = fresh.filter((instance) => !isInService(instance));
  const answers = describeProbes(probes);
  if (booting.length > 0) return wait(`new instance ${describe(booting)} is not in service; ${answers}`, false);
  if (old.length > 0) return replaceOld(seen, group, old);
  if (fresh.length > Math.max(group.min, 1)) return end(fresh, `one more instance than needed; ${answers}`);
  const wrong = probes.filter(({ ready, version }) => !ready || version !== seen.version);
  if (wrong.length > 0) return wait(`${describe(fresh)} runs; ${answers}; wanted ${seen.version}`, true);
  return { done: true, reason: `the API has version ${seen.version} on ${describe(fresh)}`, inService: true };
}

function start(group: InstanceGroup, old: readonly Instance[]): ControlPlaneDecision {
  const live = old.length;
  if (group.desired > live) return wait(`the group starts a new instance: desired ${group.desired}, there are ${live}`, false);
  // An earlier roll stopped half-way: the instance of the latest of the old versions is the one that never took over.
  if (live > Math.max(group.min, 1)) return end(old, 'an earlier roll left one more instance than needed');
  if (live + 1 > group.max) return wait(`the group allows ${group.max} instances; one more is needed to replace ${describe(old)}`, false);
  const action = { type: 'set-desired', group: group.name, desired: live + 1 } as const;
  return { done: false, reason: `starting a new instance beside ${old.length === 0 ? 'none' : describe(old)}`, action, inService: false };
}

function replaceOld(seen: ControlPlaneObservation, group: InstanceGroup, old: readonly Instance[]): ControlPlaneDecision {
  const answers = describeProbes(seen.probes);
  const others = seen.probes.some(({ ready, version }) => ready && version !== undefined && version !== seen.version);
  const newServes = others && seen.probes.some(({ ready, version }) => ready && version === seen.version);
  const settled = seen.inServiceSince !== undefined && seen.now.getTime() - seen.inServiceSince.getTime() >= SETTLE_SECONDS * 1000;
  const allServe = seen.probes.every(({ ready, version }) => ready && version === seen.version);
  if (!newServes && !(allServe && settled))
    return wait(`the new instance is in service, waiting until it serves ${seen.version}; ${answers}`, true);
  const live = byGeneration(group).old.length + byGeneration(group).fresh.length;
  if (group.desired > live) return wait(`the group starts another new instance: desired ${group.desired}, there are ${live}`, true);
  if (group.desired - 1 < group.min) {
    if (live + 1 > group.max) return wait(`desired ${group.desired} is at the group's minimum; the old instance can't go`, true);
    // With several instances each old one is replaced by itself: one more comes first, so that the group never shrinks below its minimum.
    const action = { type: 'set-desired', group: group.name, desired: live + 1 } as const;
    return { done: false, reason: `starting another new instance beside ${describe(old)}`, action, inService: true };
  }
  return end(old, `the new instance serves ${seen.version}`);
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
  if (instance === undefined) return wait(reason, false);
  return { done: false, reason: `${reason}; ending ${instance.id}`, action: { type: 'terminate', instance: instance.id }, inService: true };
}

function wait(reason: string, inService: boolean): ControlPlaneDecision {
  return { done: false, reason, inService };
}

/** For example `the API answers: 1.35.4 ready (4x), /readyz answers 500: etcd failed (2x)`. */
function describeProbes(probes: readonly ApiProbe[]): string {
  const texts = probes.map(({ ready, version, reason }) => (ready ? `${version ?? 'no version'} ready` : reason));
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return `the API answers: ${[...counts].map(([text, count]) => `${text} (${count}x)`).join(', ')}`;
}
