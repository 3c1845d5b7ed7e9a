import { afterAll, describe, expect, it } from 'vitest';
import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { type GroupView, type ScalingApi, startAutoScalingApi } from '../../local/machine-room/auto-scaling-api.ts';
import type { Machine } from '../../local/machine-room/types.ts';
import { type InstancesWorld, instancesContract, rollStateContract } from '../support/contracts/instances.ts';
import { createFakeInstances } from '../support/fakes/instances.ts';

const ACCOUNT = '111111111111';

describe('the fake', () => {
  instancesContract(async () => {
    const instances = createFakeInstances();
    instances.addGroup('dev-1', 'pool-a', { min: 1, max: 3, desired: 2, launchTemplateVersion: '4' });
    return { instances };
  });
  rollStateContract(async () => {
    const instances = createFakeInstances();
    instances.addGroup('dev-1', 'pool-a', { min: 1, max: 3, desired: 2 });
    return { instances, cluster: 'dev-1', role: 'pool-a' };
  });

  it('has no addresses to tell where nobody answers', async () => {
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'test' };
    const instances = createInstances({ endpoint: 'http://127.0.0.1:9', region: 'eu-central-1', credentials, maxAttempts: 1 });

    expect(await instances.freeAddresses(['subnet-1'])).toBeUndefined();
    expect(await instances.launchFailure('group')).toBeUndefined();
  });
});

describe('the Auto Scaling API of the machine room', () => {
  const apis: ScalingApi[] = [];
  afterAll(async () => {
    for (const api of apis) await api.close();
  });

  instancesContract(async (): Promise<InstancesWorld> => {
    let view = aGroup();
    const control = {
      groups: async () => [view],
      setDesired: (_group: GroupView, desired: number) => {
        view = { ...view, desired };
      },
      terminate: (_group: GroupView, instance: string, decrement: boolean) => {
        view = {
          ...view,
          desired: decrement ? view.desired - 1 : view.desired,
          machines: view.machines.map((machine) => (machine.id === instance ? { ...machine, state: 'Terminating' } : machine)),
        };
      },
      setSuspended: () => {},
      setHealth: () => {},
      completeAction: () => false,
      heartbeat: () => false,
    };
    const api = await startAutoScalingApi('http://127.0.0.1:9', control, async () => ACCOUNT);
    apis.push(api);
    const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'test' };
    return { instances: createInstances({ endpoint: api.url, region: 'eu-central-1', credentials, maxAttempts: 1 }) };
  });
});

function aGroup(): GroupView {
  const launchTemplate = { id: 'lt-1', name: 'pool', version: '4' };
  const tags = Object.entries({ 'sluice:cluster': 'dev-1', 'sluice:role': 'pool-a' }).map(([key, value]) => ({
    key,
    value,
    propagate: true,
  }));
  const place = { account: ACCOUNT, cluster: 'dev-1', role: 'pool-a' };
  const spec = {
    ...place,
    name: 'pool-group',
    arn: `arn:aws:autoscaling:eu-central-1:${ACCOUNT}:autoScalingGroup:x:autoScalingGroupName/pool-group`,
    min: 1,
    max: 3,
    declaredDesired: 2,
    zones: [{ name: 'eu-central-1a' }],
    launchTemplate,
    tags,
    createdAt: new Date('2026-01-01T00:00:00Z'),
    subnetIds: 'subnet-1',
  };
  const machine = (id: string, sequence: number): Machine => ({
    ...place,
    id,
    group: spec.name,
    zone: 'eu-central-1a',
    launchTemplateId: launchTemplate.id,
    launchTemplateName: launchTemplate.name,
    launchTemplateVersion: launchTemplate.version,
    sequence,
    launchedAt: 0,
    state: 'InService',
    health: 'Healthy',
    power: 'on',
    reason: '',
  });
  return { spec, desired: 2, suspended: new Set(), machines: [machine('i-1', 1), machine('i-2', 2)] };
}
