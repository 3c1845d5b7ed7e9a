import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { GroupView } from '../../../../local/machine-room/auto-scaling-api.ts';
import type { Hook } from '../../../../local/machine-room/lifecycle.ts';
import type { Machine } from '../../../../local/machine-room/types.ts';
import { ACCOUNT, type FleetWorld, groupSpec, startFleetWorld } from '../../../support/machine-room/fleet.ts';
import { eventually } from '../../../support/machine-room/world.ts';

let world: FleetWorld;

afterEach(() => world.close());

/** Looks until the fleet is as wanted. */
function reach<T>(what: string, look: (machines: readonly Machine[]) => T | undefined): Promise<T> {
  return eventually(what, 10, async () => {
    await world.fleet.look(ACCOUNT);
    return look(world.fleet.machines());
  });
}

function running(count = 1): Promise<Machine> {
  return reach(`${count} machines run`, (machines) =>
    world.processes.list().length === count && machines.length === count && machines.every(({ state }) => state === 'InService')
      ? machines[0]
      : undefined,
  );
}

async function group(): Promise<GroupView> {
  const [found] = await world.fleet.groups(ACCOUNT);
  if (found === undefined) throw new Error('no group');
  return found;
}

function hook(transition: 'LAUNCHING' | 'TERMINATING', changes: Partial<Hook> = {}): Hook {
  return {
    name: 'hook',
    transition: `autoscaling:EC2_INSTANCE_${transition}`,
    heartbeatSeconds: 600,
    defaultResult: 'ABANDON',
    ...changes,
  };
}

function volume(): string {
  return join(world.directory, ACCOUNT, 'volumes', 'c', '127.60.0.100');
}

describe('an instance', () => {
  it('is in service when it runs, also while its programs do not', async () => {
    world = startFleetWorld([groupSpec()]);
    world.injection.setBootDelay({ role: 'etcd-a' }, Number.POSITIVE_INFINITY);

    const held = await reach('it is held', ([machine]) =>
      machine?.reason === 'boot is held' && machine.state === 'InService' ? machine : undefined,
    );
    const programs = world.processes.list().length;
    world.injection.setBootDelay({ role: 'etcd-a' }, 0);

    expect(programs).toBe(0);
    expect(await running()).toMatchObject({ id: held.id, health: 'Healthy', power: 'on' });
  });

  it('that crashes with its disk runs again, and is the same', async () => {
    world = startFleetWorld([groupSpec()]);
    const { id } = await running();
    const [before] = world.processes.list();

    world.fleet.crash(id, { state: 'kept' });
    await eventually('its program to start again', 10, () => {
      const [now] = world.processes.list();
      return now !== undefined && now.pid !== before?.pid ? true : undefined;
    });

    expect(await running()).toMatchObject({ id, health: 'Healthy', power: 'on' });
    expect(world.nodes).toEqual([`silent ${id}`, `heard ${id}`]);
  });

  it('that is lost is found unhealthy and replaced, and its data volume stays', async () => {
    world = startFleetWorld([groupSpec()]);
    const { id } = await running();
    writeFileSync(join(volume(), 'data'), 'kept');

    world.fleet.crash(id, { state: 'lost' });
    await reach('another one', (machines) => machines.find((machine) => machine.id !== id && machines.length === 1));
    await running();

    expect(readFileSync(join(volume(), 'data'), 'utf8')).toBe('kept');
    expect(world.events).toContain(`${id} terminating failed its health check`);
  });

  it('may lose its data volume too', async () => {
    world = startFleetWorld([groupSpec()]);
    const { id } = await running();
    writeFileSync(join(volume(), 'data'), 'lost');

    world.fleet.crash(id, { state: 'lost', volume: 'lost' });
    await reach('another one', (machines) => machines.find((machine) => machine.id !== id && machines.length === 1));
    await running();

    expect(existsSync(join(volume(), 'data'))).toBe(false);
  });

  it('that is ended past its group is replaced, in order', async () => {
    world = startFleetWorld([groupSpec()]);
    const { id } = await running();

    world.fleet.shutDown(id);
    await reach('another one', (machines) => machines.find((machine) => machine.id !== id && machines.length === 1));

    expect(world.events.filter((event) => event.startsWith(id)).slice(-3)).toEqual([
      `${id} failed terminated past its group`,
      `${id} terminating failed its health check`,
      `${id} terminated failed its health check`,
    ]);
  });

  it('stays as it is while the health check is suspended', async () => {
    world = startFleetWorld([groupSpec()]);
    const { id } = await running();
    world.fleet.setSuspended(await group(), ['HealthCheck'], true);
    world.fleet.crash(id, { state: 'lost' });
    await eventually('its program to end', 10, () => (world.processes.list().length === 0 ? true : undefined));

    const left = await reach('its health would have been looked at', ([machine]) =>
      machine?.failingSince !== undefined && Date.now() - machine.failingSince > 100 ? machine : undefined,
    );
    world.fleet.setSuspended(await group(), ['HealthCheck'], false);

    expect(left).toMatchObject({ id, health: 'Healthy', state: 'InService' });
    await reach('another one', (machines) => machines.find((machine) => machine.id !== id));
  });

  it('is replaced when it is marked unhealthy', async () => {
    world = startFleetWorld([groupSpec()]);
    const { id } = await running();

    world.fleet.replace(id);

    await reach('another one', (machines) => machines.find((machine) => machine.id !== id));
  });

  it('that nobody knows is told so', async () => {
    world = startFleetWorld([groupSpec()]);
    await running();

    expect(() => world.fleet.crash('i-none', { state: 'kept' })).toThrow('there is no instance i-none');
  });
});

describe('a zone that is down', () => {
  const zones = ['a', 'b'].map((letter, index) => ({ name: `eu-central-1${letter}`, cidr: `127.60.${16 * index}.0/20` }));
  const stateOf = (pid: number): string | undefined => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

  it('stands still, and goes on where it stood', async () => {
    world = startFleetWorld([groupSpec()], { healthCheck: 1000 });
    const { id } = await running();
    const pid = world.processes.list()[0]?.pid ?? 0;

    world.fleet.setZoneDown('a', 'c', true);
    await eventually('it stands still', 10, () => (stateOf(pid) === 'T' ? true : undefined));
    const during = world.fleet.machines()[0]?.power;
    world.fleet.setZoneDown('a', 'c', false);
    await eventually('it goes on', 10, () => (stateOf(pid) !== 'T' ? true : undefined));

    expect(during).toBe('silent');
    expect(await running()).toMatchObject({ id, power: 'on' });
    expect(world.nodes).toEqual([`silent ${id}`, `heard ${id}`]);
  });

  it('is left by its group, which starts machines elsewhere and ends the old ones once it is back', async () => {
    world = startFleetWorld([groupSpec({ zones, min: 2, declaredDesired: 2 })]);
    await running(2);
    const lost = world.fleet.machines().find(({ zone }) => zone.endsWith('b'))?.id ?? '';

    world.fleet.setZoneDown('b', undefined, true);
    const during = await reach('both in zone a', (machines) => {
      const inA = machines.filter(({ zone, state }) => zone.endsWith('a') && state === 'InService');
      return inA.length === 2 && world.processes.list().length === 3 ? machines : undefined;
    });
    world.fleet.setZoneDown('b', undefined, false);
    const after = await reach('balance again', (machines) =>
      machines.length === 2 && machines.every(({ state }) => state === 'InService') && new Set(machines.map(({ zone }) => zone)).size === 2
        ? machines
        : undefined,
    );

    expect(during.find(({ id }) => id === lost)?.state).toMatch(/^Terminating/);
    expect(after.map(({ id }) => id)).not.toContain(lost);
    expect(world.events.some((event) => event.endsWith('for the balance of the zones'))).toBe(true);
  });

  it('starts no machine of a group that has no other', async () => {
    world = startFleetWorld([groupSpec()]);
    const { id } = await running();

    world.fleet.setZoneDown('a', undefined, true);
    await reach('the old one given up', ([machine]) => (machine?.state === 'Terminating:Proceed' ? true : undefined));
    const during = world.fleet.machines().map((machine) => machine.id);
    world.fleet.setZoneDown('a', undefined, false);
    const next = await running();

    expect(during).toEqual([id]);
    expect(next.id).not.toBe(id);
  });
});

describe('lifecycle hooks', () => {
  it('hold a launch until they are completed, while the instance boots', async () => {
    world = startFleetWorld([groupSpec()]);
    world.hooks.push(hook('LAUNCHING'));

    const { id } = await reach('it waits and runs', ([machine]) =>
      machine?.state === 'Pending:Wait' && world.processes.list().length === 1 ? machine : undefined,
    );
    const known = [world.fleet.completeAction(id, 'other', 'CONTINUE'), world.fleet.completeAction(id, 'hook', 'CONTINUE')];

    expect(known).toEqual([false, true]);
    await running();
  });

  it('that abandon a launch end the instance, and another comes', async () => {
    world = startFleetWorld([groupSpec()]);
    world.hooks.push(hook('LAUNCHING'));
    const { id } = await reach('it waits', ([machine]) => (machine?.state === 'Pending:Wait' ? machine : undefined));

    world.fleet.completeAction(id, 'hook', 'ABANDON');
    await reach('another one waits', (machines) => machines.find((machine) => machine.id !== id && machine.state === 'Pending:Wait'));

    expect(world.events).toContain(`${id} terminating a launch hook abandoned it`);
  });

  it('take their default when nobody completes them in time', async () => {
    world = startFleetWorld([groupSpec()]);
    world.hooks.push(hook('LAUNCHING', { heartbeatSeconds: 0.05, defaultResult: 'CONTINUE' }));

    await running();

    expect(world.events.some((event) => event.endsWith('waiting waits for lifecycle hook hook'))).toBe(true);
  });

  it('hold a termination: the instance serves until they are completed, whatever they say', async () => {
    world = startFleetWorld([groupSpec()]);
    world.hooks.push(hook('TERMINATING'));
    const { id } = await running();

    world.fleet.terminate(await group(), id, false);
    await reach('it waits', (machines) => machines.find((machine) => machine.id === id && machine.state === 'Terminating:Wait'));
    const during = [...world.nodes];
    const kept = world.fleet.heartbeat(id, 'hook');
    world.fleet.completeAction(id, 'hook', 'ABANDON');
    await reach('it is gone', (machines) => (machines.some((machine) => machine.id === id) ? undefined : true));

    expect(during).toEqual([]);
    expect(kept).toBe(true);
    expect(world.nodes).toContain(`leave ${id}`);
  });
});
