import { keys } from '#domain/names.ts';
import type { Manifest } from '#model/render.ts';
import type { Fleet } from './fleet.ts';
import { CLUSTER } from './revisions.ts';

/** Of an object what a user of the cluster sees; names of instances and what each write counts are left out. */
const COUNTED = new Set(['uid', 'resourceVersion', 'generation', 'creationTimestamp']);
/** Of a record: whose it is, when (and so until when its certificates last), and how often it looked. */
const OWN = new Set(['execution', 'updatedAt', 'deletedAt', 'backup', 'rollout', 'since', 'startedAt', 'api', 'identityExpires']);

/** What is true in the end, without what differs from one run to another that did the same. */
export async function finalState(fleet: Fleet): Promise<Record<string, unknown>> {
  const { cloud, hardware, hub, secrets } = fleet;
  const stacks = await cloud.stacks.listOfCluster(CLUSTER.name);
  const contents = hub.contents();
  return {
    record: without(JSON.parse(contents[keys.cluster(CLUSTER.name)] ?? 'null'), OWN),
    stacks: stacks
      .map(({ name, status, tags }) => ({ name, content: tags['sluice:content'], ended: status.replace(/^(CREATE|UPDATE)_/, '') }))
      .sort(byName),
    groups: await groupsOf(
      fleet,
      stacks.map(({ tags }) => tags['sluice:role'] ?? ''),
    ),
    etcd: hardware.members().map(({ name, version, healthy }) => ({ name, version, healthy })),
    api: hardware.api().unreachable ? null : hardware.api().serverVersion,
    objects: objectsOf(fleet),
    nodes: nodesOf(fleet),
    secrets: [...secrets.values.keys()].sort(),
  };
}

async function groupsOf({ cloud }: Fleet, roles: readonly string[]): Promise<unknown[]> {
  const names = roles.flatMap((role) => (role === 'etcd' ? ['etcd-a'] : role === 'network' ? [] : [role]));
  const groups = await Promise.all(names.map(async (role) => ({ role, group: await cloud.instances.group(CLUSTER.name, role) })));
  return groups
    .map(({ role, group }) => ({
      name: role,
      desired: group?.desired,
      versions: [...new Set(group?.instances.map(({ launchTemplateVersion }) => launchTemplateVersion === group.launchTemplateVersion))],
      instances: group?.instances.length,
    }))
    .sort(byName);
}

const KINDS_OF_OTHERS = new Set(['Node', 'Pod', 'Lease', 'EndpointSlice']);

function objectsOf({ hardware }: Fleet): string[] {
  const all = hardware
    .api()
    .everything()
    .filter(({ kind }) => !KINDS_OF_OTHERS.has(kind));
  return all.map((object) => JSON.stringify(sorted(without({ ...object, status: undefined }, COUNTED)))).sort();
}

/** Nodes by what they are; which instance is which does not matter. */
function nodesOf({ hardware }: Fleet): string[] {
  return hardware
    .api()
    .all('Node')
    .map((node) => JSON.stringify({ kubelet: kubeletOf(node), marks: marksOf(node) }))
    .sort();
}

function kubeletOf(node: Manifest): unknown {
  return (node['status'] as { nodeInfo: { kubeletVersion: string } }).nodeInfo.kubeletVersion;
}

function marksOf(node: Manifest): string[] {
  const { unschedulable, taints = [] } = node['spec'] as { unschedulable?: boolean; taints?: { key: string }[] };
  const labels = (node.metadata['labels'] ?? {}) as Record<string, string>;
  return [
    ...(unschedulable === true ? ['cordoned'] : []),
    ...taints.map(({ key }) => `taint ${key}`),
    ...(labels['lifecycle-status'] === 'decommission-pending' ? ['decommission-pending'] : []),
  ];
}

/** Lets end by itself what needs nobody: instances that are on their way out, stacks that are under way. */
export async function calm({ cloud, world }: Pick<Fleet, 'cloud' | 'world'>): Promise<void> {
  await world.pass(600);
  await cloud.passTo(new Date(world.now()));
}

/** What an execution must not leave behind, whatever became of it: locks, cordons, taints, and with `ended` what it grew. */
export async function leftovers(fleet: Fleet, { surge }: { surge: boolean }): Promise<string[]> {
  const contents = fleet.hub.contents();
  const locks = Object.entries(contents).filter(([key]) => key.startsWith('locks/'));
  const held = locks
    .filter(([, body]) => JSON.parse(body).holder !== null)
    .map(([key, body]) => `${key} is held by ${JSON.parse(body).holder}`);
  const marks = fleet.hardware.api().unreachable
    ? []
    : fleet.hardware
        .api()
        .all('Node')
        .flatMap((node) => marksOf(node).map((mark) => `node ${node.metadata.name}: ${mark}`));
  return [...held, ...marks, ...(surge ? await grown(fleet) : [])];
}

/** Pools larger than their minimum: nothing else grows them here. */
async function grown({ cloud }: Fleet): Promise<string[]> {
  const stacks = await cloud.stacks.listOfCluster(CLUSTER.name);
  const roles = stacks.map(({ tags }) => tags['sluice:role'] ?? '').filter((role) => role.startsWith('pool-') || role === 'control-plane');
  const groups = await Promise.all(roles.map((role) => cloud.instances.group(CLUSTER.name, role)));
  return groups.flatMap((group) => {
    if (group === undefined) return [];
    const suspended = 'suspended' in group && Array.isArray(group.suspended) ? group.suspended : [];
    return [
      ...(group.desired > group.min ? [`${group.name} has ${group.desired} of ${group.min} instances`] : []),
      ...suspended.map((process) => `${group.name}: ${String(process)} is suspended`),
    ];
  });
}

function without(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((one) => without(one, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, one]) => !names.has(name) && one !== undefined)
      .map(([name, one]) => [name, without(one, names)]),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  );
}

function byName(left: { name: string }, right: { name: string }): number {
  return left.name < right.name ? -1 : 1;
}
