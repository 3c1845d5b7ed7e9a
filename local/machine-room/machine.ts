import { isUtf8 } from 'node:buffer';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { InputError, NotFoundError } from '#model/errors.ts';
import { checkListenFlags } from './addresses.ts';
import { MemberFile } from './etcd-member.ts';
import { RestoreFile } from './etcd-restore.ts';
import { type InstanceDocument, parseJson } from './ignition.ts';
import { JoinFile } from './join.ts';
import { LoginFile } from './login.ts';
import { hostPath, rewritePaths } from './paths.ts';
import type { ProcessSpec } from './processes.ts';
import { execWords, parseEnvironmentFile, parseUnit, startOrder, timerSeconds, type Unit } from './units.ts';

const IdentityFile = z.object({ secret: z.string().min(1), directory: z.string().startsWith('/') });
const BinariesFile = z.array(z.object({ name: z.string().min(1), version: z.string().min(1) }));
const AddressFile = z.record(z.string(), z.string());
const ExpandFile = z.array(z.string().startsWith('/'));
const VolumeFile = z.looseObject({ mount: z.string().startsWith('/var/lib/') });

/** Programs that the room runs for real. */
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/**
 * Flags that the room adds. A power cut does not happen here, so etcd need not wait for the disk. Loopback addresses are
 * never taken to call from (all of them call from 127.0.0.1), so the addresses in peers' certificates can't be compared;
 * and the API refuses them as endpoints, so the Service `kubernetes` has none here.
 */
const ADDED_FLAGS: Readonly<Record<string, readonly string[]>> = {
  etcd: ['--unsafe-no-fsync', '--peer-skip-client-san-verification'],
  'kube-apiserver': ['--endpoint-reconciler-type=none'],
};

const LOGIN_UNIT = 'sluice-login.service';
/** Units whose work the room does itself. */
const EMULATED = [
  'sluice-identity.service',
  'sluice-binaries.service',
  'sluice-address.service',
  'sluice-volume.service',
  'sluice-restore.service',
  'sluice-renew.service',
  LOGIN_UNIT,
  'kubelet.service',
];
const RENEW_TIMER = 'sluice-renew.timer';

/** What a document asks of the room, with the files that steer it read. */
export interface MachinePlan {
  readonly document: InstanceDocument;
  readonly identity: z.infer<typeof IdentityFile> | undefined;
  /** Present for a machine that asks for its identity in place of reading a secret. */
  readonly join: JoinFile | undefined;
  /** Present for a control plane whose API server asks who people are. */
  readonly login: { readonly file: LoginFile; readonly unit: Unit } | undefined;
  /** After so many seconds it joins again. */
  readonly renewSeconds: number | undefined;
  readonly binaries: z.infer<typeof BinariesFile>;
  /** Fixed address of the machine's seat. */
  readonly fixedAddress: string | undefined;
  /** True when the machine has a data volume of its own, which outlives it. */
  readonly volume: boolean;
  /** What a member of etcd begins by. */
  readonly member: z.infer<typeof MemberFile> | undefined;
  /** Where it looks for an order to restore. */
  readonly restoreFrom: z.infer<typeof RestoreFile> | undefined;
  /** Files in which the machine puts its own address for `${INSTANCE_ADDRESS}`. */
  readonly expand: readonly string[];
  readonly units: readonly Unit[];
  /** The unit that makes the machine a node. */
  readonly kubelet: Unit | undefined;
}

/** @param seat of a member (seatOf) @throws InputError */
export function planMachine(document: InstanceDocument, zone: string, seat: string): MachinePlan {
  const read = <T extends z.ZodType>(path: string, schema: T): z.infer<T> | undefined => {
    const file = document.files.find((candidate) => candidate.path === path);
    return file === undefined ? undefined : parseJson(schema, file.content.toString('utf8'), path);
  };
  const units = startOrder(document.units.filter((unit) => unit.name.endsWith('.service')).map((unit) => parseUnit(unit.name, unit.text)));
  const loginUnit = units.find((unit) => unit.name === LOGIN_UNIT);
  const loginFile = read('/etc/sluice/login.json', LoginFile);
  return {
    document,
    identity: read('/etc/sluice/identity.json', IdentityFile),
    join: read('/etc/sluice/join.json', JoinFile),
    login: loginUnit === undefined || loginFile === undefined ? undefined : { file: loginFile, unit: loginUnit },
    renewSeconds: renewSeconds(document),
    binaries: read('/etc/sluice/binaries.json', BinariesFile) ?? [],
    fixedAddress: addressOf(read('/etc/sluice/address', AddressFile), zone, seat),
    volume: read('/etc/sluice/volume.json', VolumeFile) !== undefined,
    member: read('/etc/sluice/member.json', MemberFile),
    restoreFrom: read('/etc/sluice/restore-from.json', RestoreFile),
    expand: read('/etc/sluice/expand.json', ExpandFile) ?? [],
    units,
    kubelet: units.find((unit) => unit.name === 'kubelet.service'),
  };
}

/** What the timer `sluice-renew.timer` says, which the room does itself. */
function renewSeconds(document: InstanceDocument): number | undefined {
  const timer = document.units.find((unit) => unit.name === RENEW_TIMER);
  return timer === undefined ? undefined : timerSeconds(timer.name, timer.text);
}

/** Keys may be the seat, or the zone's name, its letter or its index: the first zone is `eu-central-1a`, `a` or `0`. */
function addressOf(addresses: Readonly<Record<string, string>> | undefined, zone: string, seat: string): string | undefined {
  if (addresses === undefined) return undefined;
  const address = addresses[seat] ?? addresses[zone] ?? addresses[String(seat.charCodeAt(0) - 'a'.charCodeAt(0))];
  if (address === undefined) throw new InputError(`/etc/sluice/address has no address for zone ${zone}`);
  return address;
}

/** Units that the room neither runs nor emulates, in words. */
export function ignoredParts(plan: MachinePlan): string[] {
  const other = plan.document.units
    .filter((unit) => !unit.name.endsWith('.service') && unit.name !== RENEW_TIMER)
    .map((unit) => `unit ${unit.name}`);
  const foreign = plan.units
    .filter((unit) => !EMULATED.includes(unit.name) && programOf(unit) === undefined)
    .map((unit) => `unit ${unit.name}`);
  return [...plan.document.ignored, ...other, ...foreign];
}

/** The program that a unit runs, when the room knows it. */
export function programOf(unit: Unit): string | undefined {
  const path = unit.execStart[0]?.replace(/^[-@:+!|]+/, '').split(/\s/)[0] ?? '';
  const name = path.startsWith('/opt/bin/') ? path.slice('/opt/bin/'.length) : undefined;
  return name !== undefined && PROGRAMS.includes(name) ? name : undefined;
}

/**
 * Writes the machine's files below its root folder, with the paths in text files led there unless `rewrites` is false. `/var/lib` is `volume` when
 * given: the volume outlives the machine.
 */
export function writeFiles(
  root: string,
  plan: MachinePlan,
  facts: Readonly<Record<string, string>>,
  volume: string | undefined,
  rewrites = true,
): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'var'), { recursive: true });
  mkdirSync(join(root, 'opt/bin'), { recursive: true });
  if (volume !== undefined) {
    mkdirSync(volume, { recursive: true });
    symlinkSync(volume, join(root, 'var/lib'));
  }
  for (const path of plan.document.directories) mkdirSync(hostPath(root, path), { recursive: true });
  for (const file of plan.document.files) {
    const plain = isUtf8(file.content) ? file.content.toString('utf8') : undefined;
    const text = plain !== undefined && rewrites ? rewritePaths(root, plain) : plain;
    const expanded = plan.expand.includes(file.path) ? text?.replaceAll('${INSTANCE_ADDRESS}', facts['INSTANCE_ADDRESS'] ?? '') : text;
    const content = expanded ?? file.content;
    writeFile(hostPath(root, file.path), content, file.mode);
  }
  writeEnvironment(root, '/etc/sluice/instance.env', facts);
}

/** Writes a file that units read as their environment. */
export function writeEnvironment(root: string, path: string, values: Readonly<Record<string, string>>): void {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  writeFile(hostPath(root, path), lines.join(''), 0o644);
}

/** Writes the files of an identity where the machine wants them, readable by nobody else. */
export function writeIdentity(root: string, plan: MachinePlan, files: Readonly<Record<string, string>>): void {
  const directory = plan.join?.directory ?? plan.identity?.directory ?? '/etc/sluice/pki';
  for (const [name, text] of Object.entries(files)) writeFile(hostPath(root, join(directory, name)), text, 0o600);
}

function writeFile(path: string, content: string | Buffer, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** Puts a binary to /opt/bin of the machine. */
export function linkBinary(root: string, name: string, path: string): void {
  const link = hostPath(root, `/opt/bin/${name}`);
  rmSync(link, { force: true });
  symlinkSync(path, link);
}

/**
 * The process of a unit: words with the unit's environment put in, paths led into the root folder, listeners checked.
 * @throws InputError, NotFoundError, RefusedError
 */
export function unitProcess(root: string, machine: string, unit: Unit, onEnd: ProcessSpec['onEnd']): ProcessSpec {
  const program = programOf(unit);
  const line = unit.execStart[0];
  if (program === undefined || line === undefined) throw new InputError(`unit ${unit.name} runs none of ${PROGRAMS.join(', ')}`);
  const environment = unitEnvironment(root, unit);
  const words = execWords(unit.name, line, environment).slice(1);
  checkListenFlags(program, words);
  const command = hostPath(root, `/opt/bin/${program}`);
  if (!existsSync(command)) throw new NotFoundError(`unit ${unit.name} runs ${program}, which /etc/sluice/binaries.json does not name`);
  return {
    name: `${machine}/${program}`,
    command,
    args: [...words.map((word) => rewritePaths(root, word)), ...(ADDED_FLAGS[program] ?? [])],
    environment,
    directory: root,
    logFile: hostPath(root, `../log/${program}.log`),
    restart: unit.restart,
    restartSeconds: unit.restartSeconds,
    onEnd,
  };
}

/** Words of a unit's command line, with its environment put in. @throws InputError, NotFoundError */
export function unitWords(root: string, unit: Unit): string[] {
  return execWords(unit.name, unit.execStart[0] ?? '', unitEnvironment(root, unit));
}

/** Labels that a kubelet gives its Node: the flag --node-labels of its unit. @throws InputError */
export function nodeLabels(root: string, unit: Unit): Record<string, string> {
  const flag =
    unitWords(root, unit)
      .find((word) => word.startsWith('--node-labels='))
      ?.slice('--node-labels='.length) ?? '';
  const pairs = flag.split(',').filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? '']));
}

function unitEnvironment(root: string, unit: Unit): Record<string, string> {
  const files = unit.environmentFiles.map(({ path, optional }) => {
    const place = hostPath(root, path);
    if (existsSync(place)) return parseEnvironmentFile(readFileSync(place, 'utf8'));
    if (optional) return {};
    throw new NotFoundError(`unit ${unit.name}: EnvironmentFile ${path} is not there`);
  });
  return Object.assign({}, unit.environment, ...files);
}
