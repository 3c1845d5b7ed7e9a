import * as z from 'zod';
import { describeGap, UNWATCHED, watchApi } from '#domain/api-gap.ts';
import { byGeneration, isLive } from '#domain/instances.ts';
import { liveSkewProblems, type RunningProgram } from '#domain/live-skew.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { type ControlPlaneAction, type ControlPlaneObservation, decideControlPlane } from '#domain/roll-control-plane.ts';
import { GateClosedError } from '#model/errors.ts';
import { DaemonSet, Node } from '#model/kubernetes.ts';
import { ApiWatch, advanced, waiting } from '#model/progress.ts';
import type { Clock } from '#ports/clock.ts';
import type { InstanceGroup, Instances } from '#ports/instances.ts';
import type { ApiProbe, Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** New connections per look, one after another: with three instances behind the load balancer one is missed in 1 of 100 looks. */
const PROBES = 12;
/** After so long no further connection is tried in this look: each one may wait for seconds. */
const PROBING_MILLISECONDS = 8_000;

/** `since`: when the present wait began; it begins anew with each instance that is started or ended. */
const Output = Awaiting.extend({ api: ApiWatch });

/**
 * Brings the control plane to its current launch template version, one instance more at a time, and watches the API meanwhile.
 * @throws GateClosedError when the version may not run beside what does: nothing is started or ended; DeadlineError, TransientError
 */
export const rollControlPlane = defineStep({
  name: 'roll-control-plane',
  input: ClusterAndRender.extend({ deadlineMinutes: z.number().positive().default(15), rollControlPlane: Output.optional() }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const previous = input.rollControlPlane;
    const since = beganAt(previous, now);
    const { versions } = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const group = await ports.instances.group(input.cluster.name, 'control-plane');
    const timed = await probeInTurn(kubernetes, ports.clock);
    const api = watchApi(previous?.api ?? UNWATCHED, timed);
    const probes = timed.map(({ probe }) => probe);
    const own = await probeEach(kubernetes, group, ports);
    const skew = await skewOf(kubernetes, versions.kubernetes, group, [...probes, ...[...own.values()].map(({ probe }) => probe)]);
    const decision = decideControlPlane({ group, probes, own, version: versions.kubernetes, skew });
    const reason = `${decision.reason}; ${describeGap(api)}`;
    if (decision.done) return { ...advanced(reason), since: since.toISOString(), api };
    if (decision.refused) throw new GateClosedError(`the control plane of ${input.cluster.name}: ${decision.reason}`);
    enforceDeadline('the control plane', since, now, input.deadlineMinutes, decision.reason);
    if (decision.action === undefined) return { ...waiting(paced(since, now), reason), since: since.toISOString(), api };
    await act(decision.action, ports.instances);
    return { ...waiting(paced(now, now), reason), since: now.toISOString(), api };
  },
});

interface TimedApiProbe {
  readonly at: Date;
  readonly milliseconds: number;
  readonly ready: boolean;
  readonly probe: ApiProbe;
}

/** Connections through the load balancer, one after another, so that a short gap is met by some of them. */
async function probeInTurn(kubernetes: Kubernetes, clock: Clock): Promise<TimedApiProbe[]> {
  const probes: TimedApiProbe[] = [];
  const begin = clock.now().getTime();
  do {
    const at = clock.now();
    const probe = await kubernetes.probe();
    probes.push({ at, milliseconds: probe.milliseconds, ready: probe.ready, probe });
  } while (probes.length < PROBES && clock.now().getTime() - begin < PROBING_MILLISECONDS);
  return probes;
}

/** Each live instance at its own address. */
async function probeEach(
  kubernetes: Kubernetes,
  group: InstanceGroup | undefined,
  ports: ClusterPorts,
): Promise<ControlPlaneObservation['own']> {
  const addresses = await ports.addresses((group?.instances ?? []).filter(isLive).map(({ id }) => id));
  const entries = [...addresses].map(async ([id, address]) => [id, { address, probe: await kubernetes.probe(address) }] as const);
  return new Map(await Promise.all(entries));
}

/** Asked only while there is an old instance to replace. Where no API server answers nothing runs that could be too far away. */
async function skewOf(
  kubernetes: Kubernetes,
  wanted: string,
  group: InstanceGroup | undefined,
  probes: readonly ApiProbe[],
): Promise<string[]> {
  const servers = probes.flatMap(({ ready, version }) => (ready && version !== undefined ? [version] : []));
  if (group === undefined || byGeneration(group).old.length === 0 || servers.length === 0) return [];
  const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
  const daemons = (await kubernetes.list('apps/v1', 'DaemonSet', 'kube-system')).map((daemon) => DaemonSet.parse(daemon));
  return liveSkewProblems(wanted, servers, [...nodes.flatMap(kubeletOf), ...daemons.flatMap(proxiesOf)]);
}

function kubeletOf({ metadata, status }: Node): RunningProgram[] {
  const version = versionIn(status.nodeInfo?.kubeletVersion ?? '');
  return version === undefined ? [] : [{ name: `kubelet of ${metadata.name}`, version }];
}

function proxiesOf({ metadata, spec }: DaemonSet): RunningProgram[] {
  return spec.template.spec.containers.flatMap(({ image }) => {
    const version = /(?:^|\/)kube-proxy(?=[:@])/.test(image) ? versionIn(image) : undefined;
    return version === undefined ? [] : [{ name: `kube-proxy of DaemonSet ${metadata.name}`, version }];
  });
}

/** `1.36.3` in `v1.36.3` or `registry.k8s.io/kube-proxy:v1.36.3`. */
function versionIn(text: string): string | undefined {
  return /(?:^|:)v(\d+\.\d+\.\d+)/.exec(text)?.[1];
}

async function act(action: ControlPlaneAction, instances: Instances): Promise<void> {
  if (action.type === 'set-desired') await instances.setDesiredCapacity(action.group, action.desired);
  else await instances.terminate(action.instance, true);
}
