import { describe, expect, it } from 'vitest';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { errorChain, type Scenario, scenariosFor } from '../support/state-machines/scenarios.ts';
import { createStubFleet } from '../support/state-machines/stub-fleet.ts';

const LATE = ['conclude-pull-request', 'pull-request-checked', 'pull-request-gone'];

describe('pull-request', () => {
  it('reads, snapshots, validates, plans, reports, runs e2e, concludes', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('pull-request');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toEqual([
      ...[
        'pull-request--subject',
        'read-pull-request',
        'read-pull-request--kind',
        'snapshot-configuration',
        'validate',
        'validate--ok',
        'plan',
      ],
      ...['preview-change-sets--wanted', 'preview-change-sets', 'preview-change-sets--done', 'preview-change-sets--wait'],
      ...['preview-change-sets', 'preview-change-sets--done', 'report-plan'],
      ...['begin-rehearsal--needed', 'begin-rehearsal', 'e2e--needed', 'e2e'],
      ...['conclude-rehearsal--needed', 'conclude-rehearsal', 'conclude-rehearsal--done', 'conclude-rehearsal--wait'],
      ...['conclude-rehearsal', 'conclude-rehearsal--done', 'conclude-pull-request', 'pull-request-checked'],
    ]);
    expect(execution.output).toMatchObject({ e2e: { execution: 'e-pull-request-test', collectResults: {} } });
  });

  it.each([
    [
      'the pull request is gone',
      { 'read-pull-request': () => ({ kind: 'gone' }) },
      ['pull-request--subject', 'read-pull-request', 'read-pull-request--kind', 'pull-request-gone'],
    ],
    [
      'validation finds errors',
      { validate: () => ({ ok: false }) },
      [
        'pull-request--subject',
        'read-pull-request',
        'read-pull-request--kind',
        'snapshot-configuration',
        'validate',
        'validate--ok',
        'report-plan--invalid',
        'pull-request-checked',
      ],
    ],
  ])('ends early when %s', async (_, answers, expected) => {
    const fleet = createStubFleet({ answers });

    const execution = await fleet.run('pull-request');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toEqual(expected);
  });

  it.each([
    ['a base that moved', { look: { branch: 'dev', commit: 'c' } }, ['find-pull-requests', 'pull-request-gone']],
    ['a merge group', { mergeGroup: { headSha: 'c' } }, ['check-merge-group', 'pull-request-checked']],
  ])('answers %s without reading one pull request', async (_, what, expected) => {
    const fleet = createStubFleet();

    const execution = await fleet.run('pull-request', { repository: { owner: 'o', name: 'r' }, cause: 'c1', ...what });

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toEqual(['pull-request--subject', ...expected]);
  });

  it('names itself as the root of what it starts, so that a cancel reaches all of it', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('pull-request');

    const updates = fleet.world.executions.filter(({ machine }) => machine === 'update-cluster' || machine === 'e2e');
    expect(updates).toHaveLength(3);
    for (const { input } of updates) expect(input).toMatchObject({ root: execution.name });
    const deletion = fleet.world.find('delete-cluster');
    expect(deletion?.input).not.toHaveProperty('root');
  });

  it.each([
    ['no cluster is affected', { plan: () => ({ affectsClusters: false, previews: 0, upgrades: false }) }],
    ['this very step is proven', { 'snapshot-configuration': () => ({ e2eNeeded: false }) }],
  ])('runs no e2e when %s', async (_, answers) => {
    const fleet = createStubFleet({ answers });

    const execution = await fleet.run('pull-request');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.world.find('e2e')).toBeUndefined();
  });

  it('asks CloudFormation nothing when there is nothing to ask', async () => {
    const fleet = createStubFleet({ answers: { plan: () => ({ affectsClusters: true, previews: 0, upgrades: false }) } });

    const execution = await fleet.run('pull-request');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.calls.filter((call) => call.includes('preview-change-sets'))).toEqual([]);
  });

  it('rehearses nothing when the versions stay, and waits for a rehearsal also when e2e is not needed', async () => {
    const plan = { affectsClusters: true, previews: 0 };
    const same = createStubFleet({ answers: { plan: () => ({ ...plan, upgrades: false }) } });
    const proven = createStubFleet({
      answers: { plan: () => ({ ...plan, upgrades: true }), 'snapshot-configuration': () => ({ e2eNeeded: false }) },
    });

    const runs = [await same.run('pull-request'), await proven.run('pull-request')];

    expect(runs.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(same.calls.filter((call) => call.includes('rehearsal'))).toEqual([]);
    expect(proven.calls.filter((call) => /rehearsal|e2e/.test(call))).toEqual([
      'pull-request/begin-rehearsal',
      'pull-request/conclude-rehearsal',
      'pull-request/conclude-rehearsal',
    ]);
  });

  it('is red when the rehearsal finds something, although e2e has passed', async () => {
    const fleet = createStubFleet({
      faults: [{ machine: 'pull-request', state: 'conclude-rehearsal', kind: 'error', error: 'RehearsalFailedError' }],
    });

    const execution = await fleet.run('pull-request');

    expect(errorChain(execution)).toEqual(['RehearsalFailedError']);
    expect(execution.history.entered().slice(-3)).toEqual(['conclude-rehearsal', 'fail-pull-request', 'pull-request-failed']);
    expect([...fleet.clusters, ...fleet.slots, ...fleet.locks]).toEqual([]);
  });

  it.each(['preview-change-sets--abandon', 'preview-change-sets'])(
    'goes on with the plan by the templates when %s fails',
    async (state) => {
      const fault = (at: string) => ({ machine: 'pull-request', state: at, kind: 'error' as const, error: 'RefusedError' });
      const fleet = createStubFleet({ faults: [fault('preview-change-sets'), ...(state.endsWith('abandon') ? [fault(state)] : [])] });

      const execution = await fleet.run('pull-request');

      expect(execution.status).toBe('SUCCEEDED');
      expect(
        execution.history
          .entered()
          .filter((one) => /preview|report-plan/.test(one))
          .slice(-2),
      ).toEqual(['preview-change-sets--abandon', 'report-plan']);
      expect(execution.output).toMatchObject({ previewError: { Error: 'RefusedError' } });
    },
  );

  it('is red with the cause when e2e fails deep inside, and leaves nothing', async () => {
    const fleet = createStubFleet({
      faults: [{ machine: 'update-cluster', state: 'advance-stack--control-plane', kind: 'error', error: 'StackFailedError' }],
    });

    const execution = await fleet.run('pull-request');

    expect(errorChain(execution)).toEqual(['States.TaskFailed', 'States.TaskFailed', 'StackFailedError']);
    expect(fleet.calls).toContain('pull-request/fail-pull-request');
    expect([...fleet.clusters, ...fleet.slots, ...fleet.locks]).toEqual([]);
  });

  it('stays below 32 KiB', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('pull-request');

    expect(execution.largestPayload).toBeLessThanOrEqual(32 * 1024);
  });
});

describe('pull-request, every fault at every state', async () => {
  // Without an answer of CloudFormation the plan is told by the templates; only a cancel ends the run there.
  const degrades = ({ state, uncatchable, fault }: Scenario): boolean =>
    state === 'preview-change-sets' && !uncatchable && fault.kind !== 'cancel';
  const found = await scenariosFor('pull-request', 'pull-request');
  const scenarios = found.map((scenario) => (degrades(scenario) ? { ...scenario, harmless: true } : scenario));

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(100);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ faults: [scenario.fault] });

    const execution = await fleet.run('pull-request');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expectOutcome(execution, scenario, LATE);
    const reported = fleet.calls.some((call) => call === 'pull-request/fail-pull-request' || call === 'pull-request/conclude-pull-request');
    if (scenario.uncatchable) expect(fleet.ended).toContain(execution);
    else expect(reported).toBe(true);
  });
});
