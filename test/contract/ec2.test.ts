import { afterAll, describe, expect, it } from 'vitest';
import { createAddresses } from '#adapters/ec2/addresses.ts';
import { createEtcdVolumes } from '#adapters/ec2/volumes.ts';
import { TransientError } from '#model/errors.ts';
import { type GroupView, type ScalingApi, startAutoScalingApi } from '../../local/machine-room/auto-scaling-api.ts';

const ACCOUNT = '111111111111';
const CREATED = new Date('2026-01-05T08:00:00.000Z');

function machine(id: string, fields: object): object {
  return { id, cluster: 'beta-1', role: 'etcd-a', zone: 'eu-central-1a', state: 'InService', ...fields };
}

const MACHINES = [
  machine('i-1', { address: '10.0.0.11', volume: { id: 'vol-1', createdAt: CREATED } }),
  machine('i-2', { role: 'etcd-b', zone: 'eu-central-1b', volume: { id: 'vol-2', createdAt: CREATED } }),
  machine('i-3', { role: 'etcd-c', state: 'Terminating', volume: { id: 'vol-3', createdAt: CREATED } }),
  machine('i-6', { role: 'etcd-d', volume: { id: 'vol-6', createdAt: CREATED } }),
  machine('i-4', { cluster: 'beta-2', volume: { id: 'vol-4', createdAt: CREATED } }),
  machine('i-5', { role: 'control-plane', address: '10.0.0.100' }),
];

describe('EC2 as the machine room answers it', () => {
  const apis: ScalingApi[] = [];
  afterAll(async () => {
    for (const api of apis) await api.close();
  });

  async function config() {
    const control = {
      groups: async () => [{ machines: MACHINES } as unknown as GroupView],
      setDesired: () => {},
      terminate: () => {},
      setSuspended: () => {},
      setHealth: () => {},
      completeAction: () => false,
      heartbeat: () => false,
    };
    const api = await startAutoScalingApi('http://127.0.0.1:9', control, async () => ACCOUNT);
    apis.push(api);
    return { endpoint: api.url, region: 'eu-central-1', credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'test' }, maxAttempts: 1 };
  }

  it('tells the addresses of the instances that have one', async () => {
    const addresses = createAddresses(await config());

    expect(await addresses(['i-1', 'i-2', 'i-5'])).toEqual(
      new Map([
        ['i-1', '10.0.0.11'],
        ['i-5', '10.0.0.100'],
      ]),
    );
    expect(await addresses([])).toEqual(new Map());
    await expect(addresses(['i-1', 'i-9'])).rejects.toBeInstanceOf(TransientError);
  });

  it("tells the data volumes of a cluster's members, with their age and who has them", async () => {
    const volumes = createEtcdVolumes(await config());

    expect(await volumes('beta-1')).toEqual([
      { id: 'vol-1', zone: 'eu-central-1a', seat: 'a', createdAt: CREATED, instance: 'i-1' },
      { id: 'vol-2', zone: 'eu-central-1b', seat: 'b', createdAt: CREATED, instance: 'i-2' },
      { id: 'vol-6', zone: 'eu-central-1a', seat: 'd', createdAt: CREATED, instance: 'i-6' },
    ]);
    expect(await volumes('beta-3')).toEqual([]);
  });
});
