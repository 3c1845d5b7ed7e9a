import { describe, expect, it } from 'vitest';
import { lookAgainSeconds } from '#domain/wait-pace.ts';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { scenariosFor } from '../support/state-machines/scenarios.ts';
import { createStubFleet, type StubFleet } from '../support/state-machines/stub-fleet.ts';

const EXIST = { clusters: ['kube-1', 'kube-2', 'kube-3'] };
const LATE = ['open-promotion', 'report-rollout', 'report-rollout--verdict', 'rollout-succeeded'];
/** The rollout itself succeeded; only its promotion is missing. */
const AFTER_CONCLUSION = ['promotion-not-opened'];
/** States of the children of the Map. */
const CHILD = ['may-start', 'may-start--admitted', 'may-start--wait', 'update-cluster', 'settle-cluster--succeeded', 'cluster-settled'];

function updated(fleet: StubFleet): string[] {
  const updates = fleet.world.executions.filter(({ machine, status }) => machine === 'update-cluster' && status === 'SUCCEEDED');
  return updates.map(({ name }) => name).sort();
}

describe('rollout', () => {
  it('goes wave by wave: admitted, updated, settled, evaluated, soaked; then concludes and opens the promotion', async () => {
    const fleet = createStubFleet({ ...EXIST, notYet: 0 });

    const execution = await fleet.run('rollout');

    const states = execution.history.entered().filter((state) => !state.includes('--'));
    const wave = ['next-wave', 'run-wave', 'evaluate-wave', 'soak'];
    expect(execution.status).toBe('SUCCEEDED');
    expect(states).toEqual([
      'resolve-revision',
      'validate-rollout',
      'deliver-access',
      'start-restores',
      'plan-waves',
      ...wave,
      ...wave,
      'next-wave',
      'conclude-rollout',
      'open-promotion',
      'report-rollout',
      'rollout-succeeded',
    ]);
    expect(updated(fleet)).toEqual(['u-kube-1', 'u-kube-2', 'u-kube-3']);
  });

  it('starts no cluster of the second wave before the first has soaked', async () => {
    const fleet = createStubFleet(EXIST);

    await fleet.run('rollout');

    const [soaked, second] = [
      fleet.calls.lastIndexOf('rollout/soak', fleet.calls.lastIndexOf('rollout/next-wave')),
      fleet.world.find('update-cluster', 'u-kube-2'),
    ];
    const firstSoak = fleet.world
      .find('rollout')
      ?.history.events.find(({ type, details }) => type === 'TaskStateExited' && details['name'] === 'soak');
    expect(soaked).toBeGreaterThan(0);
    expect(second?.startedAt).toBeGreaterThanOrEqual(Date.parse(firstSoak?.timestamp ?? ''));
  });

  it('keeps the history of the parent small whatever the clusters take', async () => {
    const fleet = createStubFleet({ ...EXIST, notYet: 5 });

    const execution = await fleet.run('rollout');

    expect(execution.history.events.length).toBeLessThanOrEqual(500);
    expect(execution.largestPayload).toBeLessThanOrEqual(32 * 1024);
  });

  it('stays below the limit of events while it waits for a hold of weeks', async () => {
    const began = { at: 0 };
    const fleet: StubFleet = createStubFleet({
      ...EXIST,
      answers: {
        'resolve-revision': () => {
          const now = fleet.world.now();
          began.at = began.at === 0 ? now : began.at;
          const waits = now - began.at < 28 * 86_400_000;
          return { decision: waits ? 'wait' : 'start', waitSeconds: lookAgainSeconds(60, new Date(began.at), new Date(now)) };
        },
      },
    });

    const execution = await fleet.run('rollout');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.events.length).toBeLessThan(20_000);
  });

  it('does nothing where nothing is to do', async () => {
    const fleet = createStubFleet({ answers: { 'resolve-revision': () => ({ decision: 'nothing', waitSeconds: 0 }) } });

    const execution = await fleet.run('rollout');

    expect(execution.history.entered().at(-1)).toBe('rollout-not-needed');
    expect(updated(fleet)).toEqual([]);
  });

  it('halts on the verdict of a wave, and starts no more', async () => {
    const fleet = createStubFleet({ ...EXIST, answers: { 'evaluate-wave': () => ({ verdict: 'halt' }) } });

    const execution = await fleet.run('rollout');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'RolloutHalted' });
    expect(fleet.calls).toContain('rollout/halt-rollout');
    expect(updated(fleet)).toEqual(['u-kube-1']);
  });

  it('writes no proof when it is overtaken in the soak of its last wave', async () => {
    const soaks = { count: 0 };
    const fleet = createStubFleet({
      ...EXIST,
      answers: {
        soak: () => {
          soaks.count += 1;
          return { done: true, waitSeconds: 0, reason: '', overtaken: soaks.count === 2 };
        },
        'evaluate-wave': () => ({ verdict: soaks.count === 2 ? 'halt' : 'continue' }),
      },
    });

    const execution = await fleet.run('rollout');

    expect(updated(fleet)).toEqual(['u-kube-1', 'u-kube-2', 'u-kube-3']);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'RolloutHalted' });
    expect(fleet.calls).not.toContain('rollout/conclude-rollout');
    expect(fleet.calls).not.toContain('rollout/open-promotion');
  });

  it('settles a cluster that failed, lets the others of its wave go on, and asks for a verdict', async () => {
    const fleet = createStubFleet({
      ...EXIST,
      answers: {
        prune: ({ input }) => {
          if ((input['cluster'] as { name: string }).name === 'kube-2') throw Object.assign(new Error('no'), { name: 'RefusedError' });
          return {};
        },
      },
    });

    const execution = await fleet.run('rollout');

    expect(execution.status).toBe('SUCCEEDED');
    expect(updated(fleet)).toEqual(['u-kube-1', 'u-kube-3']);
    expect(fleet.calls.filter((call) => call === 'rollout/settle-cluster--failed')).toHaveLength(1);
    expect([...fleet.locks]).toEqual([]);
  });

  it('does not start a cluster that is not admitted', async () => {
    const fleet = createStubFleet({ ...EXIST, answers: { 'may-start': () => ({ admitted: false, waitSeconds: 0 }) } });

    await fleet.run('rollout');

    expect(updated(fleet)).toEqual([]);
  });

  it('takes its clusters down when it is aborted, and the rule hears of each of them', async () => {
    const fleet = createStubFleet({
      ...EXIST,
      answers: { 'roll-control-plane': () => ({ done: false, waitSeconds: 300, reason: 'long' }) },
    });
    const execution = fleet.world.start('rollout', 'rollout-test', {});
    await fleet.world.until(() => fleet.calls.includes('update-cluster/roll-control-plane'));

    fleet.world.stop(execution);
    await fleet.world.settle();

    expect(fleet.ended.map(({ machine }) => machine).sort()).toEqual(['rollout', 'update-cluster']);
    expect([...fleet.locks]).toEqual([]);
  });
});

describe('the end of a rollout', () => {
  it('tells what became of the promotion, also when that was broken off', async () => {
    const fleet = createStubFleet({
      ...EXIST,
      faults: [{ machine: 'rollout', state: 'open-promotion', kind: 'error', error: 'RefusedError' }],
    });

    const execution = await fleet.run('rollout');

    expect(execution.history.entered().slice(-4)).toEqual([
      'open-promotion',
      'report-rollout',
      'report-rollout--verdict',
      'promotion-not-opened',
    ]);
    expect(execution.error).toBe('RefusedError');
  });
});

describe('rollout, every fault at every state', async () => {
  const scenarios = await scenariosFor('rollout', 'rollout', EXIST);

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(150);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ ...EXIST, faults: [scenario.fault] });

    const execution = await fleet.run('rollout');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expect([...fleet.locks]).toEqual([]);
    // A child of the Map never fails its rollout: the verdict over the wave does.
    if (CHILD.includes(scenario.state)) expect(execution.status).toBe('SUCCEEDED');
    else if (
      execution.status === 'FAILED' &&
      !scenario.uncatchable &&
      !AFTER_CONCLUSION.includes(execution.history.entered().at(-1) ?? '')
    ) {
      expect(execution.error).toBe('RolloutHalted');
      expect(fleet.calls).toContain('rollout/halt-rollout');
    } else expectOutcome(execution, scenario, LATE);
    if (scenario.uncatchable && !CHILD.includes(scenario.state)) expect(fleet.ended).toContain(execution);
  });
});
