import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountView } from '../../../local/machine-room/aws.ts';
import { createFleet, type Fleet } from '../../../local/machine-room/fleet.ts';
import { createInjection, type Injection } from '../../../local/machine-room/injection.ts';
import type { Hook } from '../../../local/machine-room/lifecycle.ts';
import { createProcessTable, type ProcessTable } from '../../../local/machine-room/processes.ts';
import type { GroupSpec } from '../../../local/machine-room/scaling.ts';
import type { Pace } from '../../../local/machine-room/types.ts';
import { ignitionDocument, service } from './documents.ts';
import { temporaryDirectory } from './world.ts';

export const ACCOUNT = '111111111111';

/** A fleet whose account is in memory and whose instances run a program that only waits. */
export interface FleetWorld {
  readonly fleet: Fleet;
  readonly processes: ProcessTable;
  readonly injection: Injection;
  readonly directory: string;
  readonly groups: GroupSpec[];
  readonly hooks: Hook[];
  /** What the clusters were told of nodes. */
  readonly nodes: string[];
  readonly events: string[];
  close(): Promise<void>;
}

export function groupSpec(changes: Partial<GroupSpec> = {}): GroupSpec {
  return {
    account: ACCOUNT,
    name: 'group',
    arn: 'arn:group',
    cluster: 'c',
    role: 'etcd-a',
    min: 1,
    max: 3,
    declaredDesired: 1,
    zones: [{ name: 'eu-central-1a', cidr: '127.60.0.0/20' }],
    launchTemplate: { id: 'lt', name: 'lt', version: '1' },
    tags: [],
    createdAt: new Date(0),
    subnetIds: '',
    ...changes,
  };
}

export function startFleetWorld(groups: readonly GroupSpec[], pace: Partial<Pace> = {}): FleetWorld {
  const place = temporaryDirectory();
  const program = join(place.path, 'program');
  writeFileSync(program, '#!/bin/sh\nexec sleep 1000\n');
  chmodSync(program, 0o755);
  const document = ignitionDocument(
    {
      '/etc/sluice/binaries.json': JSON.stringify([{ name: 'etcd', version: '1' }]),
      '/etc/sluice/volume.json': JSON.stringify({ mount: '/var/lib/etcd' }),
    },
    { 'etcd.service': service(['/opt/bin/etcd', '--listen-client-urls=https://127.0.0.1:1', '--listen-peer-urls=https://127.0.0.1:2']) },
  );
  const pointer = {
    ignition: { version: '3.4.0', config: { replace: { source: 's3://b/k', verification: { hash: `sha256-${document.sha256}` } } } },
  };
  const processes = createProcessTable(place.path);
  const injection = createInjection();
  const world = { groups: [...groups], hooks: [] as Hook[], nodes: [] as string[], events: [] as string[] };
  const view: AccountView = {
    groups: async () => world.groups,
    hooks: async (_group, transition) => world.hooks.filter((hook) => hook.transition === transition),
    launchTemplate: async () => ({
      userData: Buffer.from(JSON.stringify(pointer)).toString('base64'),
      instanceType: '',
      profileArn: undefined,
    }),
    stackValues: async () => undefined,
    object: async () => Buffer.from(document.text),
    secretFiles: async () => ({}),
    roleSession: () => Promise.reject(new Error('no machine here has a role')),
    invoke: () => Promise.reject(new Error('no machine here invokes a function')),
    region: 'eu-central-1',
    stsHost: '127.0.0.1',
  };
  const fleet = createFleet({
    directory: place.path,
    binaries: async () => program,
    viewOf: () => view,
    processes,
    clusters: {
      update: async () => undefined,
      joinNode: async () => undefined,
      leaveNode: (_account, _cluster, node) => void world.nodes.push(`leave ${node}`),
      silenceNode: (_account, _cluster, node, silent) => void world.nodes.push(`${silent ? 'silent' : 'heard'} ${node}`),
      close: async () => undefined,
    },
    injection,
    pace: { healthCheck: 0.02, rebalance: 0.02, reboot: 0.02, ...pace },
    emit: (machine, kind, reason) => void world.events.push(`${machine.id} ${kind} ${reason}`),
  });
  return {
    ...world,
    fleet,
    processes,
    injection,
    directory: place.path,
    close: async () => {
      await fleet.close();
      await processes.close();
      place.remove();
    },
  };
}
