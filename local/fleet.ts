import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Login } from '#model/access.ts';
import { ChannelFile, type Environment } from '#model/settings.ts';
import { git } from './git.ts';

export const HUB_ACCOUNT = '100000000001';
/** Channels in promotion order. */
const CHANNELS = ['dev', 'alpha', 'beta'] as const;

export interface FleetShape {
  /** Number of clusters of each channel. */
  readonly clusters: Readonly<Record<string, number>>;
  readonly e2eSlots: number;
  readonly region: string;
}

export const DEFAULT_CLUSTERS: Readonly<Record<string, number>> = { dev: 1, alpha: 1, beta: 2 };

/** Parses `dev=2,alpha=1,beta=3`. @throws Error for an unknown channel or a wrong number */
export function parseClusters(text: string): Record<string, number> {
  const shape: Record<string, number> = { ...DEFAULT_CLUSTERS };
  for (const part of text.split(',')) {
    const [channel = '', count = ''] = part.split('=');
    const known = CHANNELS.some((name) => name === channel);
    if (!known || !/^[1-9]\d?$/.test(count))
      throw new Error(`--clusters: "${part}" is not <channel>=<1 to 99> with a channel of ${CHANNELS.join(', ')}`);
    shape[channel] = Number(count);
  }
  return shape;
}

export interface LocalCluster {
  readonly name: string;
  readonly channel: string;
  readonly account: string;
  readonly network: string;
}

/** The clusters of a shape: each in an account of its own, on a loopback network of its own. */
export function clustersOf(shape: FleetShape): LocalCluster[] {
  const all = CHANNELS.flatMap((channel) =>
    Array.from({ length: shape.clusters[channel] ?? 0 }, (_, index) => ({ name: `${channel}-${index + 1}`, channel })),
  );
  return all.map((cluster, index) => ({ ...cluster, account: String(200_000_000_001 + index), network: `127.${10 + index}.0.0/16` }));
}

export interface LocalSlot {
  readonly account: string;
  readonly region: string;
  readonly network: string;
}

export function e2eSlotsOf(shape: FleetShape): LocalSlot[] {
  return Array.from({ length: shape.e2eSlots }, (_, index) => ({
    account: String(300_000_000_001 + index),
    region: shape.region,
    network: `127.${200 + index}.0.0/16`,
  }));
}

/** Pauses of the reference fleet are days and hours; a story of minutes shows the same states with seconds. */
const LOCAL_SOAK = '5s';

/** Three etcd members and two control planes for each production cluster are more than two cores carry beside the story. */
function localEnvironment(environment: Environment | undefined): Environment {
  return environment === undefined || environment === 'production' ? 'test' : environment;
}

/** The channel files of the reference fleet with this machine's clusters, as text by path. */
export async function localSettings(root: string, shape: FleetShape, login?: Login): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const clusters = clustersOf(shape);
  for (const channel of CHANNELS) {
    const source: unknown = parse(await readFile(join(root, 'channels', `${channel}.yaml`), 'utf8'));
    const reference = ChannelFile.parse(source);
    const entries = clusters
      .filter((cluster) => cluster.channel === channel)
      .map(({ name, account, network }) => ({
        name,
        account,
        region: shape.region,
        environment: localEnvironment(reference.clusters[0]?.environment),
        network,
      }));
    const { e2e, ...rest } = reference;
    const local = {
      ...rest,
      soak: LOCAL_SOAK,
      ...(login === undefined ? {} : { login }),
      ...(e2e === undefined ? {} : { e2e: { ...e2e, slots: e2eSlotsOf(shape) } }),
      clusters: entries,
    };
    files.set(`channels/${channel}.yaml`, stringify(local, { lineWidth: 120 }));
  }
  return files;
}

/**
 * Components that the local fleet's configuration lacks. The API server calls the pods behind an APIService, and those of
 * kwok answer nothing: no namespace could be deleted any more, and clients would wait for the API at each discovery.
 */
const NEEDS_ANSWERING_PODS = ['metrics-api'];

const AUTHOR = ['-c', 'user.name=Fleet Operator', '-c', 'user.email=operator@fleet.example', '-c', 'commit.gpgsign=false'];

/**
 * Makes the fleet repository in a bare repository: each channel branch holds the reference configuration, but for what
 * needs pods that answer; `main` a README only. The settings come by a push of `main`, which is what starts the fleet.
 */
export async function seedRepository(root: string, bare: string, work: string): Promise<void> {
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, 'channels'), { recursive: true });
  await git(work, 'init', '-q', '-b', 'main');
  await writeFile(
    join(work, 'README.md'),
    '# Fleet\n\nBranch `main` holds the settings (`channels/*.yaml`), the channel branches hold the configuration (`channels/cluster/`).\n',
  );
  await git(work, 'add', '-A');
  await git(work, ...AUTHOR, 'commit', '-q', '-m', 'The fleet repository');
  await git(work, 'checkout', '-q', '-b', 'dev');
  await cp(join(root, 'channels/cluster'), join(work, 'channels/cluster'), { recursive: true });
  for (const name of NEEDS_ANSWERING_PODS) await rm(join(work, 'channels/cluster/components', name), { recursive: true });
  await git(work, 'add', '-A');
  await git(work, ...AUTHOR, 'commit', '-q', '-m', 'The reference configuration');
  await git(work, 'branch', 'alpha');
  await git(work, 'branch', 'beta');
  await git(work, 'push', '-q', bare, 'main', 'dev', 'alpha', 'beta');
  await git(work, 'checkout', '-q', 'main');
}

/** Commits the settings on `main` of the working copy; the caller pushes them. */
export async function commitSettings(work: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(join(work, 'channels'), { recursive: true });
  for (const [path, content] of files) await writeFile(join(work, path), content);
  await git(work, 'add', '-A');
  await git(work, ...AUTHOR, 'commit', '-q', '-m', 'The fleet: channels and clusters');
}

/** Commits everything changed in a working copy on a new branch. */
export async function commitOnBranch(work: string, branch: string, message: string): Promise<void> {
  await git(work, 'checkout', '-q', '-b', branch);
  await git(work, 'add', '-A');
  await git(work, ...AUTHOR, 'commit', '-q', '-m', message);
}
