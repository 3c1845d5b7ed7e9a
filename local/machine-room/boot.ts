import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stackName } from '#domain/names.ts';
import { clusterAddresses, memberName } from '#domain/network.ts';
import { InputError, NotFoundError, RefusedError, TransientError } from '#model/errors.ts';
import { freeAddress, requireLoopback } from './addresses.ts';
import type { AccountView } from './aws.ts';
import { type Booted, NOTHING_RUNS, startAll } from './booted.ts';
import { memberEnvironment } from './etcd-member.ts';
import { restoreMember } from './etcd-restore.ts';
import { readIdentity, renewIdentity } from './identity.ts';
import { readDocument, readPointer } from './ignition.ts';
import { loginProgram } from './login.ts';
import {
  ignoredParts,
  linkBinary,
  type MachinePlan,
  nodeLabels,
  planMachine,
  programOf,
  unitProcess,
  unitWords,
  writeEnvironment,
  writeFiles,
  writeIdentity,
} from './machine.ts';
import type { NodeSpec } from './node-object.ts';
import type { ProcessTable, RunningProcess } from './processes.ts';
import { nodeAddress } from './real/network.ts';
import type { RealNodes } from './real/real-nodes.ts';
import type { Zone } from './scaling.ts';
import type { Machine, MachineRoomOptions, RoomEvent } from './types.ts';
import type { Unit } from './units.ts';

/** Between two tries of a boot that cannot go on yet. */
const RETRY_MILLISECONDS = 1000;
/** A binary that is there is handed out faster than this; later, the machine says that it waits for the build. */
const BINARY_PATIENCE_MILLISECONDS = 100;

/** What a booting machine may use. */
export interface BootContext {
  readonly view: AccountView;
  readonly zone: Zone;
  readonly directory: string;
  readonly binaries: MachineRoomOptions['binaries'];
  readonly processes: ProcessTable;
  /** Aborted when the machine is terminated. */
  readonly signal: AbortSignal;
  readonly say: (kind: RoomEvent['kind'], reason: string) => void;
  /** Why the boot may not go on now, in words. */
  readonly held: () => string | undefined;
  readonly unitsWithheld: () => boolean;
  /** Addresses in use by machines, with the machine's id. */
  readonly addresses: () => ReadonlyMap<string, string>;
  /** Makes the machine a node of its cluster by the files of its identity, or gives a node its new ones. */
  readonly joinNode: (spec: NodeSpec, identity: Readonly<Record<string, string>>) => Promise<void>;
  /** Machines that are real nodes; none without it. */
  readonly realNodes: RealNodes | undefined;
}

/**
 * Boots a machine by its user data and returns its processes. What is not there yet (document, identity, address,
 * binary) is waited for, with the reason told; a refusal is told too and tried again, as a machine would sit in its
 * start-up. Nothing runs when the machine is terminated meanwhile.
 */
export async function bootMachine(machine: Machine, context: BootContext): Promise<Booted> {
  let ignoredTold = false;
  while (!context.signal.aborted) {
    try {
      await hold(context);
      const { plan, instanceType } = await readPlan(machine, context);
      if (!ignoredTold) for (const part of ignoredParts(plan)) context.say('ignored', `${part} is not emulated`);
      ignoredTold = true;
      await claimAddress(machine, plan, context);
      return await bringUp(machine, plan, instanceType, context);
    } catch (error) {
      if (context.signal.aborted) return NOTHING_RUNS;
      const refused = error instanceof RefusedError || error instanceof InputError;
      context.say(refused ? 'refused' : 'waiting', error instanceof Error ? error.message : String(error));
      await pause(RETRY_MILLISECONDS, context.signal);
    }
  }
  return NOTHING_RUNS;
}

async function hold(context: BootContext): Promise<void> {
  for (let why = context.held(); why !== undefined && !context.signal.aborted; why = context.held()) {
    context.say('waiting', why);
    await pause(RETRY_MILLISECONDS / 5, context.signal);
  }
}

async function readPlan(machine: Machine, { view }: BootContext): Promise<{ plan: MachinePlan; instanceType: string }> {
  const { userData, instanceType, profileArn } = await view.launchTemplate(machine.launchTemplateId, machine.launchTemplateVersion);
  if (profileArn !== undefined) machine.profileArn = profileArn;
  const pointer = readPointer(userData);
  const bytes = await view.object(pointer.bucket, pointer.key).catch((error: unknown) => {
    throw new TransientError(
      `cannot read s3://${pointer.bucket}/${pointer.key}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  });
  return { plan: planMachine(readDocument(bytes, pointer.sha256), machine.zone, seatOf(machine)), instanceType };
}

/** Gives the machine its fixed address once that is free, or a free one of the zone's subnet. Looks and takes without a pause between. */
async function claimAddress(machine: Machine, plan: MachinePlan, context: BootContext): Promise<void> {
  if (plan.fixedAddress === undefined) {
    const cidr = context.zone.cidr ?? (await subnetOf(machine, context.view));
    machine.address ??= freeAddress(cidr, new Set(context.addresses().keys()));
    return;
  }
  const address = requireLoopback(plan.fixedAddress, '/etc/sluice/address');
  const holder = context.addresses().get(address);
  if (holder !== undefined && holder !== machine.id) throw new TransientError(`waits for address ${address}, which ${holder} still has`);
  machine.address = address;
}

/** The zone's subnet by the cluster's network, for groups that name zones in place of subnets. */
async function subnetOf(machine: Machine, view: AccountView): Promise<string> {
  const values = {
    ...(await view.stackValues(stackName(machine.cluster, 'network'))),
    ...(await view.stackValues(stackName(machine.cluster, machine.role))),
  };
  const network = values['Network'];
  const subnet =
    network === undefined
      ? undefined
      : clusterAddresses(network).subnets[machine.zone.charCodeAt(machine.zone.length - 1) - 'a'.charCodeAt(0)];
  if (subnet === undefined)
    throw new NotFoundError(`group ${machine.group} has no subnet in ${machine.zone}, and its stacks no parameter Network`);
  return subnet;
}

async function bringUp(machine: Machine, plan: MachinePlan, instanceType: string, context: BootContext): Promise<Booted> {
  const real = plan.kubelet !== undefined && context.realNodes?.wants(machine.role) === true ? context.realNodes : undefined;
  const address = real === undefined ? (machine.address ?? '') : nodeAddress(machine.address ?? '');
  machine.privateAddress = address;
  const place = join(context.directory, machine.account, machine.id);
  const root = join(place, 'root');
  const volume = !plan.volume ? undefined : volumePath(context.directory, machine.account, machine.cluster, address);
  const nodeName = machine.id.replaceAll('.', '-');
  const seat = seatOf(machine);
  const facts = {
    INSTANCE_ADDRESS: address,
    INSTANCE_ZONE: machine.zone,
    INSTANCE_SEAT: seat,
    INSTANCE_ID: machine.id,
    NODE_NAME: nodeName,
  };
  const self = { name: memberName(machine.zone.slice(0, -1), seat), address };
  // A real node has its own /etc and /opt: nothing is to be led elsewhere.
  writeFiles(root, plan, facts, volume, real === undefined);
  if (volume !== undefined) machine.volume = volumeAt(volume);
  const identity = await readIdentity(machine, plan, context.view);
  writeIdentity(root, plan, identity);
  await provideBinaries(root, plan, context);
  await obeyRestore(root, plan, self, identity, context);
  if (plan.member !== undefined)
    writeEnvironment(root, '/etc/sluice/member.env', await memberEnvironment(root, plan.member, self, identity));
  context.signal.throwIfAborted();
  if (context.unitsWithheld()) {
    context.say('running', 'units are withheld');
    return { ...NOTHING_RUNS, volume };
  }
  const specs = plan.units
    .filter((unit) => programOf(unit) !== undefined)
    .map((unit) =>
      unitProcess(root, machine.id, unit, (how, again) =>
        context.say(again === undefined ? 'failed' : 'waiting', ended(unit.name, how, again)),
      ),
    );
  if (plan.kubelet !== undefined) {
    const spec = { ...nodeSpec(machine, plan, instanceType, nodeName, nodeLabels(root, plan.kubelet)), real: real !== undefined };
    await context.joinNode(spec, identity);
    context.signal.throwIfAborted();
    renewIdentity(machine, plan, context, async (files) => {
      writeIdentity(root, plan, files);
      await context.joinNode(spec, files);
    });
    if (real !== undefined) return startRealNode(machine, spec, root, plan.kubelet, real, context);
  }
  context.signal.throwIfAborted();
  const programs = specs.map((spec) => (): RunningProcess => context.processes.start(spec));
  if (plan.login !== undefined) programs.push(loginProgram(machine, plan.login.file, plan.login.unit, context.view));
  context.say('running', `runs at ${address}`);
  return startAll(programs, volume);
}

/** Before its etcd begins. */
async function obeyRestore(
  root: string,
  plan: MachinePlan,
  self: { readonly name: string; readonly address: string },
  identity: Readonly<Record<string, string>>,
  context: BootContext,
): Promise<void> {
  const { restoreFrom: from, member } = plan;
  if (from === undefined || member === undefined) return;
  const version = plan.binaries.find(({ name }) => name === 'etcdutl')?.version ?? '';
  const etcdutl = (): Promise<string> => Promise.race([context.binaries('etcdutl', version), aborted(context.signal)]);
  const did = await restoreMember({ root, from, member, self, identity, view: context.view, etcdutl });
  if (did !== undefined) context.say('running', did);
}

async function startRealNode(
  machine: Machine,
  spec: NodeSpec,
  root: string,
  kubelet: Unit,
  real: RealNodes,
  context: BootContext,
): Promise<Booted> {
  const network = (await context.view.stackValues(stackName(machine.cluster, 'network')))?.['Network'] ?? '';
  const binary = await Promise.race([context.binaries('kubelet', spec.kubeletVersion), aborted(context.signal)]);
  const booted = await real.start({
    name: spec.name,
    role: machine.role,
    address: nodeAddress(machine.address ?? ''),
    api: { name: `api.${machine.cluster}.sluice.internal`, addresses: clusterAddresses(network).apiByZone.map(nodeAddress) },
    root,
    kubelet: { binary, words: unitWords(root, kubelet).slice(1) },
    onEnd: (how, again) => context.say(again === undefined ? 'failed' : 'waiting', ended('the node', how, again)),
  });
  context.say('running', `runs at ${machine.address}, as a real node at ${nodeAddress(machine.address ?? '')}`);
  return booted;
}

function ended(unit: string, how: string, again: number | undefined): string {
  return `${unit} ${how}${again === undefined ? '' : `; starts again in ${again} s`}`;
}

/** Seat of a machine of etcd by its role, `etcd-<seat>`; of any other the letter of its zone. */
function seatOf({ role, zone }: Machine): string {
  return /^etcd-([a-e])$/.exec(role)?.[1] ?? zone.slice(-1);
}

/** Where a data volume lies, by the address of the machines that have it one after another. */
export function volumePath(directory: string, account: string, cluster: string, address: string): string {
  return join(directory, account, 'volumes', cluster, address);
}

/** A folder that was lost and made again is another volume. */
function volumeAt(path: string): NonNullable<Machine['volume']> {
  const createdAt = statSync(path).birthtime;
  const id = createHash('sha256').update(`${path} ${createdAt.getTime()}`).digest('hex').slice(0, 17);
  return { id: `vol-${id}`, createdAt };
}

async function provideBinaries(root: string, plan: MachinePlan, context: BootContext): Promise<void> {
  const needed = new Set(plan.units.map((unit) => programOf(unit)));
  for (const { name, version } of plan.binaries.filter((binary) => needed.has(binary.name))) {
    const built = context.binaries(name, version);
    // Handled where it is awaited below; a failure before that must not end the process.
    built.catch(() => undefined);
    const early = await Promise.race([built.then(() => true), delay(BINARY_PATIENCE_MILLISECONDS, false)]);
    if (!early) context.say('waiting', `building ${name} ${version}`);
    linkBinary(root, name, await Promise.race([built, aborted(context.signal)]));
  }
}

function nodeSpec(
  machine: Machine,
  plan: MachinePlan,
  instanceType: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): NodeSpec {
  const kubelet = plan.binaries.find((binary) => binary.name === 'kubelet');
  if (kubelet === undefined) throw new InputError('/etc/sluice/binaries.json names no kubelet, but there is a unit kubelet.service');
  return {
    name,
    zone: machine.zone,
    address: machine.address ?? '',
    kubeletVersion: kubelet.version,
    instanceType,
    labels: { ...labels, 'sluice/pool': machine.role.replace(/^pool-/, ''), 'sluice/generation': machine.launchTemplateVersion },
  };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
