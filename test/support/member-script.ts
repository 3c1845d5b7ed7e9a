import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { EtcdCluster, Zone } from './etcd-cluster.ts';

const USER_DATA = join(import.meta.dirname, '../../channels/cluster/user-data/etcd.yaml');

/** What the instance's own script says of how its etcd begins. */
export interface Begins {
  readonly status: number | null;
  readonly stderr: string;
  readonly state: string | undefined;
  readonly initialCluster: string | undefined;
}

/** True where the programs are that the script runs, as on the image. */
export function canRunScripts(): boolean {
  return ['bash', 'curl', 'jq'].every((program) => spawnSync(program, ['--version']).status === 0);
}

/** Runs `/opt/sluice/member` of the fleet's user data as the instance of a zone would, with its files in a folder of their own. */
export function runMemberScript(cluster: EtcdCluster, zone: Zone, hasData: boolean): Begins {
  const root = mkdtempSync(join(tmpdir(), 'sluice-member-'));
  const address = new URL(cluster.endpoint(zone)).hostname;
  const all = (['a', 'b', 'c'] as const).map((each) => `etcd-eu-central-1${each}=${cluster.peerUrl(each)}`).join(',');
  const endpoints = (['a', 'b', 'c'] as const).map((each) => cluster.endpoint(each)).join(',');
  const led = (text: string): string =>
    text
      .replaceAll('${ETCD_INITIAL_CLUSTER}', all)
      .replaceAll('${ETCD_ENDPOINTS}', endpoints)
      .replaceAll('${REGION}', 'eu-central-1')
      .replaceAll(/\/(etc\/sluice|var\/lib\/etcd)/g, `${root}/$1`);
  try {
    mkdirSync(join(root, 'etc/sluice/pki'), { recursive: true });
    if (hasData) mkdirSync(join(root, 'var/lib/etcd/data/member'), { recursive: true });
    for (const [name, text] of Object.entries(cluster.files)) writeFileSync(join(root, 'etc/sluice/pki', name), text, { mode: 0o600 });
    writeFileSync(
      join(root, 'etc/sluice/instance.env'),
      `INSTANCE_ADDRESS=${address}\nINSTANCE_ZONE=eu-central-1${zone}\nINSTANCE_SEAT=${zone}\nINSTANCE_ID=i-1\n`,
    );
    writeFileSync(join(root, 'etc/sluice/member.json'), led(fileOf('/etc/sluice/member.json')));
    writeFileSync(join(root, 'member'), led(fileOf('/opt/sluice/member')));
    const { status, stderr } = spawnSync('bash', [join(root, 'member')], { encoding: 'utf8', timeout: 60_000 });
    const env = status === 0 ? readFileSync(join(root, 'etc/sluice/member.env'), 'utf8') : '';
    const value = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(env)?.[1];
    return { status, stderr, state: value('ETCD_INITIAL_CLUSTER_STATE'), initialCluster: value('ETCD_INITIAL_CLUSTER') };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function fileOf(path: string): string {
  const { files } = parse(readFileSync(USER_DATA, 'utf8')) as { files: { path: string; content: string }[] };
  const found = files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`user data has no file ${path}`);
  return found.content;
}
