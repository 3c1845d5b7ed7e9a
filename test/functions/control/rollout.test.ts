import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import type { ResolveRevision } from '#model/resolve-revision.ts';
import type { WaveItem } from '#model/rollout.ts';
import type { ChannelFile } from '#model/settings.ts';
import { concludeRollout } from '../../../functions/control/conclude-rollout.ts';
import { evaluateWave } from '../../../functions/control/evaluate-wave.ts';
import { haltRollout } from '../../../functions/control/halt-rollout.ts';
import { mayStart } from '../../../functions/control/may-start.ts';
import { nextWave } from '../../../functions/control/next-wave.ts';
import { planWaves } from '../../../functions/control/plan-waves.ts';
import { reportRollout } from '../../../functions/control/report-rollout.ts';
import { settleCluster } from '../../../functions/control/settle-cluster.ts';
import { soak } from '../../../functions/control/soak.ts';
import {
  COMMIT,
  type ControlWorld,
  createControlWorld,
  NEW,
  OLD,
  putFleet,
  REPOSITORY,
  ROLLOUT_CHECK,
  resolved,
  runStep,
  SETTINGS_COMMIT,
} from '../../support/control-world.ts';
import { channelFile, clusterEntry, gitId } from '../../support/fleet.ts';

const planned = { rolloutId: 'rollout-1' };
let world: ControlWorld;
let beta: ChannelFile;
beforeEach(async () => {
  world = createControlWorld();
  beta = await putFleet(world);
});

async function plan(change: Partial<ResolveRevision> = {}): Promise<{ rolloutId: string; waves: number; clusters: number }> {
  return runStep(planWaves, { resolveRevision: resolved(change) }, world);
}

async function waveItems(index = 0, planWavesOutput: { rolloutId: string } = planned): Promise<readonly WaveItem[]> {
  return (await runStep(nextWave, { planWaves: planWavesOutput, nextWave: { index: index - 1 } }, world)).items;
}

async function canary(): Promise<WaveItem> {
  const [item] = await waveItems();
  if (item === undefined) throw new Error('there is a canary');
  return item;
}

/** What update-cluster does to the record. */
async function updated(item: WaveItem): Promise<void> {
  const entry = beta.clusters.find(({ name }) => name === item.cluster.name) ?? clusterEntry(item.cluster.name);
  await world.record(entry, item.cluster.channel, item.revision, {
    execution: item.executionName,
    rollout: item.rolloutId,
    backup: 'backup-1',
  });
}

async function succeed(item: WaveItem): Promise<void> {
  await runStep(mayStart, item, world);
  world.clock.advance(120);
  await updated(item);
  await runStep(settleCluster, { ...item, outcome: 'succeeded', update: { output: { backup: { id: 'backup-1' } } } }, world);
}

async function fail(
  item: WaveItem,
  error = { Error: 'StackFailedError', Cause: '{"errorType":"StackFailedError","errorMessage":"PoolAutoScalingGroup: bad subnet"}' },
): Promise<void> {
  await runStep(mayStart, item, world);
  await runStep(settleCluster, { ...item, outcome: 'failed', error }, world);
}

describe('plan-waves', () => {
  test('pins inputs, waves and ledger; repeated, it answers what is pinned although the fleet moved on', async () => {
    const first = await plan();
    const pinned = world.read(keys.rollout('rollout-1', 'inputs'));
    await updated(await canary());

    expect(await plan()).toEqual(first);
    expect(first).toEqual({ rolloutId: 'rollout-1', waves: 2, clusters: 3 });
    expect(world.read(keys.rollout('rollout-1', 'inputs'))).toEqual(pinned);
    expect(world.read(keys.rollout('rollout-1', 'ledger'))).toMatchObject({ budget: 0, started: {} });
    expect(pinned).toMatchObject({
      waves: [
        { name: 'canary', clusters: ['beta-1'], soakSeconds: 60 },
        { name: 'rest', clusters: ['beta-2', 'beta-3'] },
      ],
    });
  });

  test('a crash between the writes is made good by the next call', async () => {
    let writes = 0;
    world.objects.beforeEach = (operation) => {
      if (operation.startsWith('put')) writes += 1;
      if (writes === 2) throw new Error('crash');
    };
    await expect(plan()).rejects.toThrow('crash');
    world.objects.beforeEach = undefined;

    expect(await plan()).toMatchObject({ waves: 2, clusters: 3 });
    expect((await waveItems(1)).map(({ cluster }) => cluster.name)).toEqual(['beta-2', 'beta-3']);
  });

  test('refuses a revision that the channel before has not proven', async () => {
    world.objects.remove(keys.channelProof('alpha', NEW));

    await expect(plan()).rejects.toMatchObject({ name: 'GateClosedError', message: expect.stringContaining('has not succeeded in alpha') });
    expect(world.read(keys.rollout('rollout-1', 'inputs'))).toBeUndefined();
  });

  test('a change of settings reaches changed and new clusters only, new ones at the newest proven revision', async () => {
    const added = {
      ...beta,
      clusters: [...beta.clusters, clusterEntry('beta-4')].map((entry) =>
        entry.name === 'beta-2' ? { ...entry, owner: 'team-b' } : entry,
      ),
    };
    await world.settings([channelFile('dev', 1), channelFile('alpha', 1, { follows: 'dev' }), added]);

    const result = await plan({ kind: 'settings', channel: null, revision: null, basis: 'settings' });

    expect(result).toMatchObject({ waves: 2, clusters: 2 });
    expect((await waveItems(0)).map(({ cluster, revision }) => [cluster.name, revision])).toEqual([['beta-2', OLD]]);
    expect((await waveItems(1)).map(({ cluster, revision }) => [cluster.name, revision])).toEqual([['beta-4', OLD]]);
  });

  test('a rollout that is planned late does not bring older settings back', async () => {
    await world.put(keys.newestSettings(), { commit: gitId('6'), seenAt: '2026-01-05T07:00:00Z' });
    world.clock.advance(3600);

    await plan();

    expect(world.read(keys.newestSettings())).toMatchObject({ commit: gitId('6') });
  });

  test('a channel begins once, with what is noted then; emptied, it does not begin again', async () => {
    world = createControlWorld();
    await world.found();
    await world.settings([channelFile('dev', 1)]);
    const heads = { dev: { commit: COMMIT, revision: NEW } };
    const first = { kind: 'settings' as const, channel: null, revision: null, basis: 'settings' as const, heads };
    await plan(first);
    expect(world.read(keys.genesis('dev'))).toMatchObject({ channel: 'dev', revision: NEW, rollout: 'rollout-1' });

    const other = plan({ ...first, rolloutId: 'rollout-2', heads: { dev: { commit: gitId('d'), revision: OLD } } });
    expect(await other).toMatchObject({ clusters: 1 });
    const [item] = await waveItems(0, { rolloutId: 'rollout-2' });
    expect(item?.revision, 'what it began with, not what was pushed since').toBe(NEW);

    for (const key of Object.keys(world.objects.contents())) if (!key.startsWith('settings/')) world.objects.remove(key);
    await expect(plan(first)).rejects.toMatchObject({ name: 'GateClosedError', message: expect.stringContaining('its records are lost') });
    expect(world.read(keys.genesis('dev'))).toBeUndefined();
  });

  test('a new channel without any revision says what is missing', async () => {
    await world.settings([channelFile('dev', 1), channelFile('gamma', 1, { follows: 'dev' })]);

    await expect(plan({ kind: 'settings', channel: null, revision: null, basis: 'settings' })).rejects.toMatchObject({
      name: 'GateClosedError',
      message: expect.stringContaining('gamma'),
    });
  });
});

describe('next-wave', () => {
  test('gives wave after wave and ends', async () => {
    await plan();
    const first = await runStep(nextWave, { planWaves: planned }, world);
    const second = await runStep(nextWave, { planWaves: planned, nextWave: first }, world);
    const end = await runStep(nextWave, { planWaves: planned, nextWave: second }, world);

    expect(first).toMatchObject({ index: 0, more: true, size: 1, maxConcurrency: 1 });
    expect(second).toMatchObject({ index: 1, more: true, size: 2, maxConcurrency: 2 });
    expect(end).toMatchObject({ index: 2, more: false, items: [] });
    expect(await runStep(nextWave, { planWaves: planned, nextWave: first }, world)).toEqual(second);
  });
});

describe('may-start', () => {
  test('admits once; repeated, it stays admitted', async () => {
    await plan();
    const item = await canary();

    expect(await runStep(mayStart, item, world)).toMatchObject({ admitted: true, waitSeconds: 0 });
    const ledger = world.read(keys.rollout('rollout-1', 'ledger'));
    world.clock.advance(60);
    expect(await runStep(mayStart, item, world)).toMatchObject({ admitted: true });
    expect(world.read(keys.rollout('rollout-1', 'ledger'))).toEqual(ledger);
  });

  test('waits while the fleet is halted, and goes on after', async () => {
    await plan();
    await world.put(keys.halt(), { halted: true, reason: 'fire', by: 'ann', at: '2026-01-05T08:00:00Z' });
    expect(await runStep(mayStart, await canary(), world)).toMatchObject({
      admitted: false,
      waitSeconds: 30,
      reason: 'the fleet is halted by ann: fire',
    });
    await world.put(keys.halt(), { halted: false, reason: 'out', by: 'ann', at: '2026-01-05T08:00:00Z' });

    expect(await runStep(mayStart, await canary(), world)).toMatchObject({ admitted: true });
  });

  test('looks less and less often at what stays in the way for days', async () => {
    await plan();
    const item = await canary();
    await world.put(keys.halt(), { halted: true, reason: 'fire', by: 'ann', at: '2026-01-05T08:00:00Z' });
    const waitAfter = async (seconds: number) => {
      world.clock.advance(seconds);
      return (await runStep(mayStart, item, world)).waitSeconds;
    };

    expect(await waitAfter(0)).toBe(30);
    expect(await waitAfter(3600)).toBe(300);
    expect(await waitAfter(86_400)).toBe(1800);
  });

  test.each([
    keys.halt(),
    keys.rollout('rollout-1', 'ledger'),
    keys.lock('beta-1'),
    keys.channelProof('alpha', NEW),
    keys.newestRollout('beta'),
    keys.rollout('rollout-1', 'inputs'),
  ])('nothing starts while %s can not be read', async (key) => {
    await plan();
    const item = await canary();
    await world.objects.put(key, 'torn');

    await expect(runStep(mayStart, item, world)).rejects.toMatchObject({
      name: 'GateClosedError',
      message: expect.stringContaining('could not be read'),
    });
  });

  test('a store that does not answer is tried again, not refused', async () => {
    await plan();
    const item = await canary();
    world.objects.beforeEach = () => {
      throw Object.assign(new Error('slow down'), { name: 'TransientError' });
    };

    await expect(runStep(mayStart, item, world)).rejects.toMatchObject({ name: 'TransientError' });
  });

  test('is refused when a newer rollout of the channel was planned', async () => {
    await plan();
    const item = await canary();
    world.clock.advance(60);
    await world.evidence(gitId('d'));
    await world.proof('alpha', gitId('d'));
    await plan({ rolloutId: 'rollout-2', revision: gitId('d') });

    expect(await runStep(mayStart, item, world)).toMatchObject({
      admitted: false,
      waitSeconds: 0,
      reason: 'the newer rollout rollout-2 covers this cluster',
    });
  });

  test('a hold in newer settings acts at once', async () => {
    await plan();
    const item = await canary();
    world.clock.advance(60);
    const commit = gitId('6');
    const hold = { revision: OLD, reason: 'look first', owner: 'team-a', until: '2026-02-01T00:00:00Z' };
    await world.settings([channelFile('dev', 1), channelFile('alpha', 1, { follows: 'dev' }), { ...beta, hold }], commit);
    await world.put(keys.newestSettings(), { commit, seenAt: '2026-01-05T08:01:00Z' });

    expect(await runStep(mayStart, item, world)).toMatchObject({
      admitted: false,
      waitSeconds: 0,
      reason: expect.stringContaining('held at aaaaaaaaaaaa by team-a'),
    });
  });

  test('a freeze of node rolls lets a change of manifests through', async () => {
    const freeze = [{ from: '2026-01-05T00:00:00Z', until: '2026-01-05T12:00:00Z', scope: 'nodes' as const, reason: 'sale' }];
    await world.settings([channelFile('dev', 1), channelFile('alpha', 1, { follows: 'dev' }), { ...beta, freeze }]);
    await plan();
    const item = await canary();
    const snapshot = (revision: string, image: string, kubernetes: string) =>
      world.put(keys.snapshot(revision), {
        revision,
        files: [
          { path: 'components/dns.yaml', content: image },
          { path: 'versions.yaml', content: kubernetes },
        ],
      });
    await snapshot(OLD, 'a', '1.35.4');
    await snapshot(NEW, 'b', '1.36.3');
    expect(await runStep(mayStart, item, world)).toMatchObject({
      admitted: false,
      waitSeconds: 60,
      reason: expect.stringContaining('frozen until 2026-01-05 12:00 UTC'),
    });
    await snapshot(NEW, 'b', '1.35.4');

    expect(await runStep(mayStart, item, world)).toMatchObject({ admitted: true });
  });

  test('two clusters admitted at once are both in the ledger', async () => {
    await plan();
    const [second, third] = await waveItems(1);
    let raced = false;
    world.objects.beforeEach = async (operation) => {
      if (operation !== 'putIfMatch' || raced) return;
      raced = true;
      await runStep(mayStart, third, world);
    };

    await runStep(mayStart, second, world);

    expect(world.read(keys.rollout('rollout-1', 'ledger'))).toMatchObject({
      started: { 'beta-2': expect.any(String), 'beta-3': expect.any(String) },
    });
  });

  test('nothing starts once the budget is spent', async () => {
    await plan();
    await fail(await canary());
    const [second] = await waveItems(1);

    expect(await runStep(mayStart, second, world)).toMatchObject({
      admitted: false,
      waitSeconds: 0,
      reason: '1 failed (beta-1), the failure budget is 0',
    });
  });
});

describe('settle-cluster', () => {
  test('keeps backup and duration; the first result stays', async () => {
    await plan();
    const item = await canary();
    await succeed(item);

    expect(await runStep(settleCluster, { ...item, outcome: 'failed', error: { Error: 'X', Cause: 'late' } }, world)).toEqual({
      outcome: 'succeeded',
    });
    expect(world.read(keys.rollout('rollout-1', 'ledger'))).toMatchObject({
      succeeded: { 'beta-1': { execution: item.executionName, backup: 'backup-1', seconds: 120 } },
      failed: {},
    });
  });

  test('keeps the error behind a nested execution', async () => {
    await plan();
    const item = await canary();
    const Cause = JSON.stringify({
      ExecutionArn: 'arn',
      Status: 'FAILED',
      Error: 'DeadlineError',
      Cause: JSON.stringify({ errorType: 'DeadlineError', errorMessage: 'control plane not ready' }),
    });

    await fail(item, { Error: 'States.TaskFailed', Cause });

    expect(world.read(keys.rollout('rollout-1', 'ledger'))).toMatchObject({
      failed: { 'beta-1': { error: 'DeadlineError', cause: 'control plane not ready' } },
    });
  });

  test('a name that was taken by this very work counts as that work ended', async () => {
    await plan();
    const item = await canary();
    world.executions.set('update-cluster', item.executionName, { status: 'SUCCEEDED' });

    const error = { Error: 'StepFunctions.ExecutionAlreadyExistsException', Cause: 'exists' };

    expect(await runStep(settleCluster, { ...item, outcome: 'failed', error }, world)).toEqual({ outcome: 'succeeded' });
  });
});

describe('evaluate-wave', () => {
  const input = { planWaves: planned, nextWave: { index: 0 } };

  test('goes on after a wave that succeeded', async () => {
    await plan();
    await succeed(await canary());

    expect(await runStep(evaluateWave, input, world)).toEqual({
      verdict: 'continue',
      failed: [],
      succeeded: 1,
      reason: '1 updated, 0 failed',
      supersededBy: null,
    });
  });

  test('halts when more failed than the budget', async () => {
    await plan();
    await fail(await canary());

    expect(await runStep(evaluateWave, input, world)).toMatchObject({ verdict: 'halt', failed: ['beta-1'] });
  });

  test('a cluster that started and never ended counts as failed', async () => {
    await plan();
    await runStep(mayStart, await canary(), world);

    expect(await runStep(evaluateWave, input, world)).toMatchObject({
      verdict: 'halt',
      failed: ['beta-1'],
      reason: 'beta-1 started and never ended',
    });
  });

  test('halts when a newer rollout took over', async () => {
    await plan();
    await succeed(await canary());
    await plan({ rolloutId: 'rollout-2' });
    world.clock.advance(1);

    expect(await runStep(evaluateWave, input, world)).toMatchObject({ verdict: 'halt', supersededBy: 'rollout-2' });
  });
});

describe('soak', () => {
  const input = { planWaves: planned, nextWave: { index: 0 } };

  test('runs only while healthy', async () => {
    await plan();
    const item = await canary();
    await succeed(item);

    expect(await runStep(soak, input, world)).toMatchObject({ done: false, waitSeconds: 60 });
    world.clock.advance(40);
    expect(await runStep(soak, input, world)).toMatchObject({ done: false, waitSeconds: 20, reason: 'healthy for 40 s of 60 s' });
    await world.record(beta.clusters[0] ?? clusterEntry('beta-1'), 'beta', OLD);
    world.clock.advance(40);
    expect(await runStep(soak, input, world)).toMatchObject({
      done: false,
      reason: expect.stringContaining('not at its revision any more: beta-1'),
    });
    await updated(item);
    world.clock.advance(40);
    expect(await runStep(soak, input, world)).toMatchObject({ done: false, reason: 'healthy for 40 s of 60 s' });
    world.clock.advance(20);
    expect(await runStep(soak, input, world)).toMatchObject({ done: true });
  });

  test('of the last wave that is overtaken leads to the verdict that the newer one took over', async () => {
    await plan();
    for (const item of [...(await waveItems(0)), ...(await waveItems(1))]) await succeed(item);
    const last = { planWaves: planned, nextWave: { index: 1 } };
    expect(await runStep(soak, last, world)).toMatchObject({ done: false, overtaken: false });
    world.clock.advance(30);
    await world.evidence(gitId('d'));
    await world.proof('alpha', gitId('d'));
    await plan({ rolloutId: 'rollout-2', revision: gitId('d') });

    expect(await runStep(soak, last, world)).toMatchObject({ done: true, overtaken: true });
    expect(await runStep(evaluateWave, last, world)).toMatchObject({ verdict: 'halt', supersededBy: 'rollout-2' });
  });

  test('is given up when it never gets healthy', async () => {
    await plan();
    await succeed(await canary());
    await world.put(keys.halt(), { halted: true, reason: 'fire', by: 'ann', at: '2026-01-05T08:00:00Z' });
    await runStep(soak, input, world);
    world.clock.advance(3601);

    await expect(runStep(soak, input, world)).rejects.toMatchObject({
      name: 'DeadlineError',
      message: expect.stringContaining('halted by ann'),
    });
  });
});

describe('conclude-rollout', () => {
  async function runAll(): Promise<void> {
    await plan();
    for (const item of [...(await waveItems(0)), ...(await waveItems(1))]) await succeed(item);
  }

  test('writes the proof with every cluster and ends the check in green; repeated, the proof stays', async () => {
    await runAll();

    expect(await runStep(concludeRollout, { planWaves: planned }, world)).toEqual({ proven: ['beta'] });
    const proof = world.read(keys.channelProof('beta', NEW));
    world.clock.advance(60);
    await runStep(concludeRollout, { planWaves: planned }, world);

    expect(world.read(keys.channelProof('beta', NEW))).toEqual(proof);
    expect(proof).toMatchObject({
      commit: COMMIT,
      rollout: 'rollout-1',
      basis: 'pull-request',
      clusters: [{ name: 'beta-1', backup: 'backup-1', durationSeconds: 120 }, { name: 'beta-2' }, { name: 'beta-3' }],
    });
    expect(await world.checks.wanted(ROLLOUT_CHECK)).toMatchObject({ status: 'in_progress', title: 'Proven; what follows is proposed' });
  });

  test.each([
    ['opened', { openPromotion: { outcome: 'opened', reason: '#9 proposes it to gamma' } }, 'Promotion: #9 proposes it to gamma.'],
    ['refused', { openPromotion: { outcome: 'refused', reason: 'gamma has a hotfix' } }, '**Not promoted:** Gamma has a hotfix.'],
    [
      'broken off',
      { error: { Error: 'RefusedError', Cause: '{"errorType":"RefusedError","errorMessage":"GitHub answered 403"}' } },
      '**The promotion could not be opened:** GitHub answered 403. First: re-run this check.',
    ],
  ])('report-rollout ends the check in green and says that the promotion was %s', async (_, result, said) => {
    await runAll();
    await runStep(concludeRollout, { planWaves: planned }, world);
    world.clock.advance(60);

    await runStep(reportRollout, { planWaves: planned, ...result }, world);

    const check = await world.checks.wanted(ROLLOUT_CHECK);
    expect(check).toMatchObject({ status: 'completed', conclusion: 'success', title: 'bbbbbbbbbbbb on 3 clusters of beta in 7 min' });
    expect(check?.summary).toContain(said);
  });

  test.each([
    ['report-rollout', (deliverAccess: object) => runStep(reportRollout, { planWaves: planned, deliverAccess }, world)],
    ['halt-rollout', (deliverAccess: object) => runStep(haltRollout, { repository: REPOSITORY, commit: COMMIT, deliverAccess }, world)],
  ])('%s tells to which clusters it could not be brought who may log in', async (_, end) => {
    await runAll();

    await end({ delivered: 2, failed: 1, reason: 'beta-1: S3 answered 503' });

    const check = await world.checks.wanted(ROLLOUT_CHECK);
    expect(check?.status).toBe('completed');
    expect(check?.summary).toContain('**Who may log in could not be brought to 1 cluster** (beta-1: S3 answered 503).');
  });

  test('a cluster whose nodes were left for later proves nothing, and a change of settings reaches it again', async () => {
    await runAll();
    const key = keys.cluster('beta-2');
    await world.objects.put(key, JSON.stringify({ ...(world.read(key) as object), nodesLater: { nodes: 3, reason: 'frozen' } }));

    await runStep(concludeRollout, { planWaves: planned }, world);
    const result = await plan({ kind: 'settings', channel: null, revision: null, basis: 'settings', rolloutId: 'rollout-2' });

    const proof = world.read(keys.channelProof('beta', NEW)) as { clusters: { name: string }[] };
    expect(proof.clusters.map(({ name }) => name)).toEqual(['beta-1', 'beta-3']);
    expect(result).toMatchObject({ clusters: 1 });
  });

  test('writes no proof when no cluster runs the revision', async () => {
    await plan();

    expect(await runStep(concludeRollout, { planWaves: planned }, world)).toEqual({ proven: [] });
    expect(await world.objects.get(keys.channelProof('beta', NEW))).toBeUndefined();
  });

  test('a revision that comes back has the commit of its newest rollout', async () => {
    await world.proof('beta', NEW, { commit: gitId('1'), finishedAt: '2026-01-01T00:00:00.000Z' });
    await runAll();

    await runStep(concludeRollout, { planWaves: planned }, world);

    expect(world.read(keys.channelProof('beta', NEW))).toMatchObject({ commit: COMMIT, rollout: 'rollout-1' });
  });

  test('the first settings leave a genesis proof for each channel that was created whole', async () => {
    world = createControlWorld();
    await world.found();
    beta = channelFile('beta', 2, { follows: 'dev' });
    await world.settings([channelFile('dev', 1), beta]);
    const heads = { dev: { commit: COMMIT, revision: NEW }, beta: { commit: gitId('d'), revision: OLD } };
    expect(await plan({ kind: 'settings', channel: null, revision: null, basis: 'settings', heads })).toMatchObject({
      waves: 1,
      clusters: 3,
    });
    const [first, ...others] = await waveItems(0);
    if (first === undefined) throw new Error('dev-1 is created');
    await succeed(first);

    expect(await runStep(concludeRollout, { planWaves: planned }, world)).toEqual({ proven: ['dev'] });
    for (const item of others) await succeed(item);
    expect(await runStep(concludeRollout, { planWaves: planned }, world)).toEqual({ proven: ['dev', 'beta'] });
    expect(world.read(keys.channelProof('beta', OLD))).toMatchObject({
      basis: 'genesis',
      commit: gitId('d'),
      clusters: [{ name: 'beta-1' }, { name: 'beta-2' }],
    });
  });
});

describe('halt-rollout', () => {
  const input = { repository: REPOSITORY, commit: COMMIT, resolveRevision: resolved() };

  test('names the failed clusters, why, and the first command', async () => {
    await plan();
    await fail(await canary());
    const verdict = await runStep(evaluateWave, { planWaves: planned, nextWave: { index: 0 } }, world);

    await runStep(haltRollout, { ...input, evaluateWave: verdict }, world);

    const check = await world.checks.wanted(ROLLOUT_CHECK);
    expect(check).toMatchObject({ status: 'completed', conclusion: 'failure', title: 'Halted: beta-1 failed' });
    expect(check?.summary).toContain('First: open the execution of beta-1 named below');
    expect(check?.summary).toContain('PoolAutoScalingGroup: bad subnet');
  });

  test('an error before any wave is shown on the commit', async () => {
    const error = { Error: 'GateClosedError', Cause: '{"errorType":"GateClosedError","errorMessage":"pushed to beta directly"}' };

    await runStep(haltRollout, { repository: REPOSITORY, commit: COMMIT, error }, world);

    expect(await world.checks.wanted(ROLLOUT_CHECK)).toMatchObject({
      conclusion: 'failure',
      summary: expect.stringContaining('Pushed to beta directly.'),
    });
  });

  test('a rollout that was taken over is not red', async () => {
    await plan();
    const evaluated = { verdict: 'halt', reason: 'newer', supersededBy: 'rollout-2' };

    await runStep(haltRollout, { ...input, evaluateWave: evaluated }, world);

    expect(await world.checks.wanted(ROLLOUT_CHECK)).toMatchObject({ conclusion: 'cancelled', title: 'A newer rollout took over' });
  });

  test('a cancelled rollout says by whom', async () => {
    const error = { Error: 'CancelledError', Cause: '{"errorType":"CancelledError","errorMessage":"cancelled by ann: wrong one"}' };

    await runStep(haltRollout, { ...input, error }, world);

    expect(await world.checks.wanted(ROLLOUT_CHECK)).toMatchObject({
      conclusion: 'cancelled',
      summary: expect.stringContaining('Cancelled by ann: wrong one.'),
    });
  });
});

test('the settings of a rollout that are gone stop it', async () => {
  world.objects.remove(keys.settings(SETTINGS_COMMIT));

  await expect(plan()).rejects.toMatchObject({ name: 'NotFoundError' });
});
