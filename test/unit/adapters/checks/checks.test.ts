import { beforeEach, describe, expect, it } from 'vitest';
import { type Announce, createChecks } from '#adapters/checks/checks.ts';
import { keys } from '#domain/names.ts';
import { type CheckRef, type ProgressLine, WantedCheck } from '#model/checks.ts';
import { ConflictError, TransientError } from '#model/errors.ts';
import type { Checks } from '#ports/checks.ts';
import { createFakeClock, type FakeClock } from '../../../support/fakes/clock.ts';
import { createFakeObjects, type FakeObjects } from '../../../support/fakes/objects.ts';

const REF: CheckRef = { repository: { owner: 'acme', name: 'fleet' }, sha: 'a'.repeat(40), name: 'sluice / rollout' };
const KEY = keys.check(REF.sha, REF.name);
const BEGIN = { ref: REF, status: 'in_progress' as const, title: 'Rolling out', summary: '', execution: 'rollout-1' };

let objects: FakeObjects;
let clock: FakeClock;
let checks: Checks;
let announced: CheckRef[];
beforeEach(() => {
  objects = createFakeObjects();
  clock = createFakeClock();
  announced = [];
  checks = createChecks(objects, async (ref) => void announced.push(ref), clock);
});

function line(change: Partial<ProgressLine> = {}): ProgressLine {
  return {
    execution: 'update-dev-1',
    machine: 'update-cluster',
    step: 'advance-stack--network',
    cluster: 'dev-1',
    state: 'running',
    at: clock.now().toISOString(),
    ...change,
  };
}

function wanted(): WantedCheck {
  return WantedCheck.parse(JSON.parse(objects.contents()[KEY] ?? 'null'));
}

describe('want', () => {
  it('begins a check, tells the publisher, and which execution it belongs to', async () => {
    await checks.want(BEGIN);

    expect(wanted()).toEqual({ ...BEGIN, findings: [], progress: [], startedAt: clock.now().toISOString() });
    expect(announced).toEqual([REF]);
    expect(JSON.parse(objects.contents()[keys.checkOfExecution('rollout-1')] ?? '')).toEqual(REF);
  });

  it('keeps what the same execution has told and replaces the rest', async () => {
    const findings = [{ rule: 'waves', level: 'warning' as const, path: 'channels/dev.yaml', line: 3, message: 'few waves' }];
    await checks.want({ ...BEGIN, text: 'plan', findings });
    await checks.progress(REF, line());
    clock.advance(60);

    await checks.want({ ...BEGIN, title: 'Wave 2', summary: 'half done' });

    expect(wanted()).toMatchObject({
      title: 'Wave 2',
      summary: 'half done',
      text: 'plan',
      findings,
      startedAt: '2026-01-05T08:00:00.000Z',
    });
    expect(wanted().progress).toHaveLength(1);
  });

  it('begins a new attempt with nothing of the one before', async () => {
    await checks.want({ ...BEGIN, text: 'plan' });
    await checks.progress(REF, line({ state: 'failed', reason: 'no subnet' }));
    await checks.want({ ...BEGIN, status: 'completed', conclusion: 'failure', title: 'Failed' });
    clock.advance(60);

    await checks.want({ ...BEGIN, execution: 'rollout-2' });

    expect(wanted()).toEqual({ ...BEGIN, execution: 'rollout-2', findings: [], progress: [], startedAt: '2026-01-05T08:01:00.000Z' });
  });

  it('completes with the time, and an update without execution belongs to the one that is there', async () => {
    await checks.want(BEGIN);
    await checks.progress(REF, line());

    await checks.want({ ref: REF, status: 'completed', conclusion: 'success', title: 'Done', summary: 'all' });

    expect(wanted()).toMatchObject({ execution: 'rollout-1', conclusion: 'success', completedAt: clock.now().toISOString() });
    expect(wanted().progress).toHaveLength(1);
  });

  it('announces again what is there already: the message may have been lost', async () => {
    await checks.want(BEGIN);
    await checks.want(BEGIN);

    expect(announced).toHaveLength(2);
    expect(objects.calls.filter(({ operation }) => operation === 'putIfMatch')).toEqual([]);
  });

  it('fails when the publisher could not be told, so that the step is tried again', async () => {
    const silent: Announce = () => Promise.reject(new TransientError('SQS answered 503'));

    await expect(createChecks(objects, silent, clock).want(BEGIN)).rejects.toThrow(TransientError);
    await checks.want(BEGIN);

    expect(announced).toEqual([REF]);
  });
});

describe('progress', () => {
  it('adds a line for each execution and step, and replaces it by its next state', async () => {
    await checks.want(BEGIN);

    await checks.progress(REF, line());
    await checks.progress(REF, line({ step: 'issue-identity' }));
    await checks.progress(REF, line({ execution: 'update-dev-2', cluster: 'dev-2' }));
    await checks.progress(REF, line({ state: 'done' }));

    expect(wanted().progress.map(({ execution, step, state }) => [execution, step, state])).toEqual([
      ['update-dev-1', 'advance-stack--network', 'done'],
      ['update-dev-1', 'issue-identity', 'running'],
      ['update-dev-2', 'advance-stack--network', 'running'],
    ]);
  });

  it('writes and announces no line twice, and keeps since when it stands', async () => {
    await checks.want(BEGIN);
    await checks.progress(REF, line({ state: 'waiting', reason: 'CREATE_IN_PROGRESS' }));
    const before = objects.contents();
    clock.advance(10);

    await checks.progress(REF, line({ state: 'waiting', reason: 'CREATE_IN_PROGRESS' }));

    expect(objects.contents()).toEqual(before);
    expect(announced).toHaveLength(2);
  });

  it('takes the next look of a step that waits for no news', async () => {
    await checks.want(BEGIN);
    await checks.progress(REF, line());
    await checks.progress(REF, line({ state: 'waiting', reason: 'CREATE_IN_PROGRESS' }));
    const before = objects.contents();
    clock.advance(10);

    await checks.progress(REF, line());
    await checks.progress(REF, line({ state: 'waiting', reason: 'CREATE_IN_PROGRESS' }));

    expect(objects.contents()).toEqual(before);
    expect(announced).toHaveLength(3);
  });

  it('shows that a failed step runs again', async () => {
    await checks.want(BEGIN);
    await checks.progress(REF, line({ state: 'failed', reason: 'throttled' }));

    await checks.progress(REF, line());

    expect(wanted().progress).toMatchObject([{ state: 'running' }]);
  });

  it('leaves alone a check that nobody wanted, and one that is completed', async () => {
    await checks.progress(REF, line());
    expect(objects.contents()).toEqual({});

    await checks.want({ ...BEGIN, status: 'completed', conclusion: 'success' });
    await checks.progress(REF, line());

    expect(wanted().progress).toEqual([]);
    expect(announced).toHaveLength(1);
  });
});

describe('note', () => {
  it('stands below what the check says, once, and is told', async () => {
    await checks.want({ ...BEGIN, summary: 'Planned.' });
    await checks.note(REF, 'First.');
    await checks.note(REF, 'Second.');

    expect(wanted()).toMatchObject({ status: 'in_progress', summary: 'Planned.\n\n---\n\nSecond.', execution: 'rollout-1' });
    expect(announced).toHaveLength(3);
  });

  it('makes no check', async () => {
    await checks.note(REF, 'First.');

    expect(objects.contents()).toEqual({});
    expect(announced).toEqual([]);
  });

  it('does not bring a check back that is completed while the note is written', async () => {
    await checks.want(BEGIN);
    objects.beforeEach = async (operation) => {
      if (operation !== 'putIfMatch') return;
      objects.beforeEach = undefined;
      await checks.want({ ...BEGIN, status: 'completed', conclusion: 'failure', title: 'It conflicts with dev' });
    };

    await checks.note(REF, 'First.');

    expect(wanted()).toMatchObject({ status: 'completed', conclusion: 'failure', summary: '\n\n---\n\nFirst.' });
  });
});

describe('many writers at once', () => {
  it('loses no line of clusters that report at the same time', async () => {
    await checks.want(BEGIN);
    const names = Array.from({ length: 40 }, (_, index) => `update-dev-${index}`);

    await Promise.all(names.map((execution) => checks.progress(REF, line({ execution }))));

    expect(
      wanted()
        .progress.map(({ execution }) => execution)
        .sort(),
    ).toEqual(names.sort());
  });

  it('keeps a line that was written between reading and writing', async () => {
    await checks.want(BEGIN);
    let raced = false;
    objects.beforeEach = async (operation) => {
      if (operation !== 'putIfMatch' || raced) return;
      raced = true;
      await checks.progress(REF, line({ execution: 'update-dev-2' }));
    };

    await checks.progress(REF, line());

    expect(wanted().progress.map(({ execution }) => execution)).toEqual(['update-dev-2', 'update-dev-1']);
  });

  it('does not bring a completed check back to life', async () => {
    await checks.want(BEGIN);
    let raced = false;
    objects.beforeEach = async (operation) => {
      if (operation !== 'putIfMatch' || raced) return;
      raced = true;
      await checks.want({ ...BEGIN, status: 'completed', conclusion: 'failure', title: 'Failed' });
    };

    await checks.progress(REF, line());

    expect(wanted()).toMatchObject({ status: 'completed', progress: [] });
  });

  it('creates one check when two begin it at once', async () => {
    await Promise.all([checks.want(BEGIN), checks.want({ ...BEGIN, title: 'Again' })]);

    expect(['Rolling out', 'Again']).toContain(wanted().title);
    expect(wanted().execution).toBe('rollout-1');
  });

  it('gives up with ConflictError when it always loses', async () => {
    await checks.want(BEGIN);
    let number = 0;
    objects.beforeEach = async (operation, key) => {
      if (operation !== 'putIfMatch') return;
      number += 1;
      const { beforeEach } = objects;
      objects.beforeEach = undefined;
      await objects.put(key, JSON.stringify({ ...wanted(), summary: `by another ${number}` }));
      objects.beforeEach = beforeEach;
    };

    const lost = checks.progress(REF, line());

    await expect(lost).rejects.toThrow(ConflictError);
    await expect(lost).rejects.toThrow('sluice / rollout');
    expect(number).toBe(12);
  });
});
