import { expect, it } from 'vitest';
import type { Instances } from '#ports/instances.ts';

/** What the suite needs: one cluster `dev-1` with group `pool-a`: 1 to 3, desired 2, version 4, both instances in service. */
export interface InstancesWorld {
  readonly instances: Instances;
}

/** The behaviour that every implementation of port Instances has. */
export function instancesContract(make: () => Promise<InstancesWorld>): void {
  it('finds a group by its tags only', async () => {
    const { instances } = await make();

    const found = await instances.group('dev-1', 'pool-a');
    const others = await Promise.all([instances.group('dev-1', 'pool-b'), instances.group('dev-2', 'pool-a')]);

    expect(found).toMatchObject({ min: 1, max: 3, desired: 2, launchTemplateVersion: '4' });
    expect(found?.instances).toHaveLength(2);
    expect(found?.instances).toMatchObject([
      { lifecycleState: 'InService', healthStatus: 'Healthy', launchTemplateVersion: '4' },
      { lifecycleState: 'InService', healthStatus: 'Healthy', launchTemplateVersion: '4' },
    ]);
    expect(others).toEqual([undefined, undefined]);
  });

  it('sets the desired capacity; the same again changes nothing', async () => {
    const { instances } = await make();
    const name = (await instances.group('dev-1', 'pool-a'))?.name ?? '';

    await instances.setDesiredCapacity(name, 3);
    await instances.setDesiredCapacity(name, 3);

    expect((await instances.group('dev-1', 'pool-a'))?.desired).toBe(3);
  });

  it('refuses a desired capacity that the group does not allow', async () => {
    const { instances } = await make();
    const name = (await instances.group('dev-1', 'pool-a'))?.name ?? '';

    await expect(instances.setDesiredCapacity(name, 4)).rejects.toThrow();
  });

  it('ends an instance, with or without making the group smaller', async () => {
    const { instances } = await make();
    const [first, second] = (await instances.group('dev-1', 'pool-a'))?.instances ?? [];

    await instances.terminate(first?.id ?? '', true);
    const smaller = await instances.group('dev-1', 'pool-a');
    await instances.terminate(second?.id ?? '', false);
    const replaced = await instances.group('dev-1', 'pool-a');

    expect(smaller?.desired).toBe(1);
    expect(smaller?.instances.find(({ id }) => id === first?.id)?.lifecycleState ?? 'Terminating').toMatch(/^Terminat/);
    expect(replaced?.desired).toBe(1);
  });
}

/** What a group remembers of a roll, and what is switched off for it. `make` gives a group whose `name` is given. */
export function rollStateContract(make: () => Promise<InstancesWorld & { readonly cluster: string; readonly role: string }>): void {
  it('keeps a note, replaces it and removes it; the same again changes nothing', async () => {
    const { instances, cluster, role } = await make();
    const group = async () => instances.group(cluster, role);
    const name = (await group())?.name ?? '';
    const seen = [(await group())?.note];

    for (const note of ['3 1 rebalances 2026-01-01T00:00:00.000Z', '3 2 rebalances 2026-01-01T00:00:00.000Z', undefined, undefined]) {
      await instances.setNote(name, note);
      seen.push((await group())?.note);
    }

    const [first, second] = ['3 1 rebalances 2026-01-01T00:00:00.000Z', '3 2 rebalances 2026-01-01T00:00:00.000Z'];
    expect(seen).toEqual([undefined, first, second, undefined, undefined]);
  });

  it('switches the balancing of zones off and on; the same again changes nothing', async () => {
    const { instances, cluster, role } = await make();
    const name = (await instances.group(cluster, role))?.name ?? '';
    const seen: (boolean | undefined)[] = [];

    for (const on of [false, false, true, true]) {
      await instances.setRebalance(name, on);
      seen.push((await instances.group(cluster, role))?.rebalances);
    }

    expect(seen).toEqual([false, false, true, true]);
  });

  it('tells its zones, its subnets and their free addresses', async () => {
    const { instances, cluster, role } = await make();

    const group = await instances.group(cluster, role);
    const free = await instances.freeAddresses(group?.subnets ?? []);
    const none = await instances.freeAddresses([]);

    expect([group?.zones.length, group?.subnets.length]).toEqual([3, 3]);
    expect([...(free?.keys() ?? [])].toSorted()).toEqual([...(group?.subnets ?? [])].toSorted());
    expect([...(free?.values() ?? [])].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    expect(none).toBeUndefined();
  });

  it('has no launch that failed to tell of where all went well', async () => {
    const { instances, cluster, role } = await make();

    expect(await instances.launchFailure((await instances.group(cluster, role))?.name ?? '')).toBeUndefined();
  });
}
