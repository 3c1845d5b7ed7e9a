import { describe, expect, it } from 'vitest';
import { StackFailedError } from '#model/errors.ts';
import { reportLeftovers } from '../../../functions/stacks/report-leftovers.ts';
import { runStep } from '../../support/control-world.ts';
import { CLUSTER, createStacksWorld } from '../../support/stacks-world.ts';

describe('report-leftovers', () => {
  it('finds nothing of a deleted cluster, whatever others have', async () => {
    const world = createStacksWorld();
    world.stacks.put({ name: 'sluice-dev-2-network', status: 'CREATE_COMPLETE', tags: { 'sluice:cluster': 'dev-2' } });

    expect(await runStep(reportLeftovers, { cluster: CLUSTER }, world.ports)).toEqual({ leftovers: [] });
    expect(await runStep(reportLeftovers, { cluster: CLUSTER }, world.ports)).toEqual({ leftovers: [] });
  });

  it('names each stack that is left', async () => {
    const world = createStacksWorld();
    for (const role of ['network', 'etcd'])
      world.stacks.put({ name: `sluice-dev-1-${role}`, status: 'DELETE_FAILED', tags: { 'sluice:cluster': 'dev-1' } });

    const run = runStep(reportLeftovers, { cluster: CLUSTER }, world.ports);

    await expect(run).rejects.toThrow(StackFailedError);
    await expect(run).rejects.toThrow('after the deletion of dev-1 these stacks are left: sluice-dev-1-network, sluice-dev-1-etcd');
  });
});
