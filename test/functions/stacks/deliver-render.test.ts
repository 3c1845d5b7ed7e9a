import { describe, expect, it } from 'vitest';
import { sha256 } from '#domain/hash.ts';
import { accountKeys } from '#domain/names.ts';
import { NotFoundError, TransientError } from '#model/errors.ts';
import { Render } from '#model/render.ts';
import { deliverRender } from '../../../functions/stacks/deliver-render.ts';
import { runStep } from '../../support/control-world.ts';
import { aStack, CLUSTER, createStacksWorld } from '../../support/stacks-world.ts';

const ETCD = '{"ignition":{"version":"3.4.0"},"of":"etcd"}';
const NODE = '{"ignition":{"version":"3.4.0"},"of":"node"}';
const STACKS = [
  aStack('network'),
  aStack('etcd', { ignition: ETCD, ignitionHash: sha256(ETCD) }),
  aStack('pool-general', { ignition: NODE, ignitionHash: sha256(NODE) }),
];

describe('deliver-render', () => {
  it('brings the render and each Ignition document into the account; twice it changes nothing', async () => {
    const world = createStacksWorld();
    const hash = await world.deliver(STACKS);

    const first = await runStep(deliverRender, { cluster: CLUSTER, render: { hash } }, world.ports);
    const delivered = world.bucket.contents();
    const second = await runStep(deliverRender, { cluster: CLUSTER, render: { hash } }, world.ports);

    expect([first, second]).toEqual([{ ignition: 2 }, { ignition: 2 }]);
    expect(world.bucket.contents()).toEqual(delivered);
    expect(delivered[accountKeys.ignition(sha256(ETCD))]).toBe(ETCD);
    expect(delivered[accountKeys.ignition(sha256(NODE))]).toBe(NODE);
    const manifests = Render.parse(JSON.parse(delivered[accountKeys.manifests(hash)] ?? ''));
    expect(manifests.stacks.map(({ role }) => role)).toEqual(['network', 'etcd', 'pool-general']);
  });

  it('names the render last, so that who finds it finds all of it', async () => {
    const world = createStacksWorld();
    const hash = await world.deliver(STACKS);
    world.bucket.beforeEach = (_, key) => {
      if (key === accountKeys.ignition(sha256(NODE))) throw new TransientError('S3 answered 503');
    };

    await expect(runStep(deliverRender, { cluster: CLUSTER, render: { hash } }, world.ports)).rejects.toThrow(TransientError);
    const half = Object.keys(world.bucket.contents());
    world.bucket.beforeEach = undefined;
    await runStep(deliverRender, { cluster: CLUSTER, render: { hash } }, world.ports);

    expect(half).not.toContain(accountKeys.manifests(hash));
    expect(Object.keys(world.bucket.contents())).toHaveLength(3);
  });

  it('says which step must run first', async () => {
    const world = createStacksWorld();

    const run = runStep(deliverRender, { cluster: CLUSTER, render: { hash: '0'.repeat(64) } }, world.ports);

    await expect(run).rejects.toThrow(NotFoundError);
    await expect(run).rejects.toThrow('the render step must run first');
  });
});
