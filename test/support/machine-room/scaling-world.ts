import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { type GroupView, startAutoScalingApi } from '../../../local/machine-room/auto-scaling-api.ts';
import type { Machine } from '../../../local/machine-room/types.ts';
import { ACCOUNT, groupSpec } from './fleet.ts';

/** Name of the first group; it needs escaping in XML. */
export const GROUP = 'g & co';

/** The Auto Scaling API over groups in memory. */
export interface ScalingWorld {
  client(accessKeyId?: string): AutoScalingClient;
  readonly groups: GroupView[];
  /** What the room was told to do. */
  readonly calls: string[];
  /** XML that was sent back. */
  readonly answers: string[];
  /** Requests that went on to the emulator. */
  readonly forwarded: string[];
  /** Hooks that instances wait for, `instance hook`. */
  readonly open: Set<string>;
  close(): Promise<void>;
}

export function machineView(changes: Partial<Machine> = {}): Machine {
  return {
    id: 'i-1',
    account: ACCOUNT,
    cluster: 'c',
    role: 'pool-x',
    group: GROUP,
    zone: 'eu-central-1a',
    launchTemplateId: 'lt-1',
    launchTemplateName: 'template',
    launchTemplateVersion: '3',
    sequence: 1,
    launchedAt: 0,
    state: 'InService',
    health: 'Healthy',
    power: 'on',
    reason: '',
    ...changes,
  };
}

export function groupView(changes: Partial<GroupView['spec']> = {}): GroupView {
  const spec = groupSpec({
    name: GROUP,
    role: 'pool-x',
    max: 2,
    launchTemplate: { id: 'lt-1', name: 'template', version: '4' },
    tags: [{ key: 'sluice:role', value: 'pool-x', propagate: true }],
    createdAt: new Date('2026-01-01T00:00:00Z'),
    subnetIds: 'subnet-1',
    ...changes,
  });
  return { spec, desired: 1, suspended: new Set(['AZRebalance']), machines: [machineView({ group: spec.name })] };
}

export async function startScalingWorld(): Promise<ScalingWorld> {
  const groups = [groupView()];
  const calls: string[] = [];
  const answers: string[] = [];
  const forwarded: string[] = [];
  const open = new Set(['i-1 hook']);
  const upstream = createServer(async (request, response) => {
    forwarded.push(Buffer.concat(await request.toArray()).toString());
    response.end(
      '<DescribePoliciesResponse><DescribePoliciesResult><ScalingPolicies/></DescribePoliciesResult></DescribePoliciesResponse>',
    );
  });
  const endpoint = await listen(upstream);
  const api = await startAutoScalingApi(
    endpoint,
    {
      groups: async (account) => (account === ACCOUNT ? groups : []),
      setDesired: (_group, desired) => void calls.push(`desired ${desired}`),
      terminate: (_group, id, decrement) => void calls.push(`terminate ${id} ${decrement}`),
      setSuspended: (_group, names, on) => void calls.push(`${on ? 'suspend' : 'resume'} ${names.join()}`),
      setHealth: (_group, id, healthy) => void calls.push(`health ${id} ${healthy}`),
      completeAction: (id, hook, result) => open.delete(`${id} ${hook}`) && calls.push(`complete ${id} ${hook} ${result}`) > 0,
      heartbeat: (id, hook) => open.has(`${id} ${hook}`) && calls.push(`heartbeat ${id} ${hook}`) > 0,
    },
    async (key) => (key === 'ASIASESSION' ? ACCOUNT : key),
    (xml) => void answers.push(xml),
  );
  return {
    client: (accessKeyId = ACCOUNT) =>
      new AutoScalingClient({
        endpoint: api.url,
        region: 'eu-central-1',
        credentials: { accessKeyId, secretAccessKey: 'x' },
        maxAttempts: 1,
      }),
    groups,
    calls,
    answers,
    forwarded,
    open,
    close: async () => {
      await api.close();
      upstream.closeAllConnections();
      upstream.close();
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
