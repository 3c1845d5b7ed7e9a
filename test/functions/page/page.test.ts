import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { PageView } from '#model/page.ts';
import type { SettingsFiles } from '#model/pull-request.ts';
import type { Acknowledged, ChannelFile } from '#model/settings.ts';
import { AT, createControlWorld, NEW, OLD, SETTINGS_COMMIT } from '../../support/control-world.ts';
import { clusterEntry } from '../../support/fleet.ts';
import { askPage, NOW, pageFleet, suspiciousIndex } from '../../support/page-fleet.ts';

async function viewOf(world: Parameters<typeof askPage>[0]): Promise<PageView> {
  return PageView.parse(JSON.parse((await askPage(world, { query: { format: 'json' } })).body));
}

async function betaOf(world: Parameters<typeof askPage>[0]): Promise<PageView['channels'][number]> {
  const found = (await viewOf(world)).channels.find(({ channel }) => channel === 'beta');
  if (found === undefined) throw new Error('there is no beta');
  return found;
}

/** Says in beta's channel file that backups are right. */
async function acknowledge(world: Parameters<typeof askPage>[0], acknowledged: readonly Acknowledged[]): Promise<void> {
  const stored = world.read(keys.settings(SETTINGS_COMMIT)) as SettingsFiles;
  const files = stored.files.map((one) => {
    if (one.path !== 'channels/beta.yaml') return one;
    const file = JSON.parse(one.content) as ChannelFile;
    return { ...one, content: JSON.stringify({ ...file, backup: { ...file.backup, acknowledged } }) };
  });
  await world.put(keys.settings(SETTINGS_COMMIT), { ...stored, files });
}

describe('the page of a rollout at work', () => {
  it('shows each cluster with its state, and why it waits', async () => {
    const { world } = await pageFleet();

    const { clusters } = await betaOf(world);

    expect(clusters.map(({ name, state, waits }) => [name, state, waits.map(({ reason }) => reason).join(' | ')])).toEqual([
      ['beta-1', 'current', ''],
      ['beta-2', 'updating', 'roll-node-pools waits: draining general-3: 2 pods left'],
      [
        'beta-3',
        'partly updated',
        'update-3 began to change it and holds its lock no more: nobody works on it | failed in update-3: StackFailedError: EtcdA: no capacity in zone a',
      ],
      ['beta-4', 'behind', 'its turn in rollout-1: wave 2 of 2, rest'],
    ]);
  });

  it('shows revisions, versions and the backup of the last update', async () => {
    const { world } = await pageFleet();

    const [first, second] = (await betaOf(world)).clusters;

    expect(first).toMatchObject({ revision: NEW, target: NEW, kubernetes: '1.35.4', backup: { takenAt: '2026-01-05T06:30:00Z' } });
    expect(second).toMatchObject({ revision: OLD, updating: { execution: 'update-2', revision: NEW }, backup: null });
  });

  it('shows the newest proven backup, whoever took it, and what is wrong with backups', async () => {
    const { world } = await pageFleet();
    const scheduled = { id: '20260105T074500Z-0123456789ab', takenAt: '2026-01-05T07:45:00.000Z' };
    const drilled = { id: '20260105T063000Z-0123456789ab', takenAt: '2026-01-05T06:30:00.000Z' };
    const index = {
      cluster: 'beta-1',
      newestProven: scheduled,
      newestDrilled: drilled,
      bytes: 1,
      seconds: 1,
      failures: 0,
      lastFailure: null,
    };
    await world.put(keys.backupIndex('beta-1'), index);
    await world.put(keys.backupIndex('beta-2'), {
      ...index,
      cluster: 'beta-2',
      newestProven: drilled,
      failures: 2,
      lastFailure: { at: '2026-01-05T07:50:00.000Z', execution: 'scheduled-beta-2-1-1', reason: 'BackupNotProvenError: L0 fails' },
    });
    await world.objects.put(keys.backupIndex('beta-3'), '{');

    const [first, second, third, fourth] = (await betaOf(world)).clusters;

    expect(first).toMatchObject({ backup: scheduled, drilledAt: drilled.takenAt, backupProblems: [] });
    expect(second?.backupProblems).toEqual(['2 failed since: BackupNotProvenError: L0 fails']);
    expect(third?.backupProblems).toMatchObject([expect.stringContaining("can't be read")]);
    expect(fourth).toMatchObject({ backup: null, drilledAt: null, backupProblems: [] });
    world.clock.advance(3 * 3600);
    expect((await betaOf(world)).clusters[0]?.backupProblems).toEqual(['none of the last two intervals of 1h']);
  });

  it('shows what is stored and what it costs, and what became of the removal of old backups', async () => {
    const { world } = await pageFleet();
    const newest = { id: '20260105T074500Z-0123456789ab', takenAt: '2026-01-05T07:45:00.000Z' };
    const index = { newestProven: newest, newestDrilled: newest, bytes: 500_000_000, seconds: 1, failures: 0, lastFailure: null };
    const result = {
      removed: 1,
      removedBytes: 1,
      kept: 244,
      keptBytes: 122e9,
      left: 0,
      locked: 0,
      unclear: 0,
      objectLock: true,
      newest: newest.id,
      told: ['b: locked'],
    };
    const removal = { at: AT, execution: 'run-1', result, failures: 0, reason: null };
    await world.put(keys.backupIndex('beta-1'), { ...index, cluster: 'beta-1', removal });
    const unclear = { ...removal, failures: 1, reason: 'RefusedError: no', result: { ...result, unclear: 1, told: ['b: not signed'] } };
    await world.put(keys.backupIndex('beta-2'), { ...index, cluster: 'beta-2', removal: unclear });

    const [first, second, third] = (await betaOf(world)).clusters;

    expect(first).toMatchObject({ stored: { backups: 244, bytes: 122e9, usdMonth: 4.47 }, backupProblems: [] });
    expect(second?.backupProblems).toEqual(['old ones were not removed: RefusedError: no', 'not as it should be: b: not signed']);
    expect(third?.stored).toBeNull();
    expect((await askPage(world)).body).toContain('244 stored, 122.0 GB, about 4.47 USD a month');
  });

  it('shows a suspicious backup with its numbers, also as data, until it is acknowledged', async () => {
    const { world } = await pageFleet();
    const index = suspiciousIndex('beta-1');
    await world.put(keys.backupIndex('beta-1'), index);

    const [first, second] = (await betaOf(world)).clusters;
    const { body } = await askPage(world);

    const { findings, comparedWith, content } = index.suspicious;
    expect(first?.suspicious).toEqual({ backup: content.id, comparedWith, findings });
    expect(second?.suspicious).toBeNull();
    expect(body).toContain('<li>configmaps: 3 objects instead of 40 (92 % less)</li>');
    await acknowledge(world, [{ cluster: 'beta-1', backup: content.id, owner: 'ann', reason: 'right', until: '2026-02-01T00:00:00Z' }]);
    expect((await betaOf(world)).clusters[0]?.suspicious).toBeNull();
  });

  it('shows the waves with what became of each cluster', async () => {
    const { world } = await pageFleet();

    const [rollout] = (await viewOf(world)).rollouts;

    expect(rollout).toMatchObject({ state: 'under way', channel: 'beta', pullRequest: 7, mergedBy: 'ann' });
    expect(rollout?.waves.map(({ state, clusters }) => [state, clusters.map((cluster) => cluster.state)])).toEqual([
      ['done', ['succeeded']],
      ['running', ['started', 'failed', 'waits']],
    ]);
  });

  it('shows a soak with how much of it is done', async () => {
    const { world } = await pageFleet();
    await world.put(keys.rollout('rollout-1', 'ledger'), {
      rollout: 'rollout-1',
      budget: 0,
      started: { 'beta-1': NOW },
      succeeded: { 'beta-1': { execution: 'update-1', backup: null, seconds: 3 } },
      failed: {},
    });
    await world.put(keys.rollout('rollout-1', 'soak-0'), { healthySeconds: 20, since: NOW, lastSeen: NOW, wasHealthy: true });

    const [rollout] = (await viewOf(world)).rollouts;

    expect(rollout?.waves.map(({ state, soak }) => [state, soak])).toEqual([
      ['soaking', { healthySeconds: 20, seconds: 60 }],
      ['to come', null],
    ]);
  });

  it('tells how to go on where no rollout is under way for a cluster that is behind', async () => {
    const { world } = await pageFleet();
    const check = world.read(keys.check('c'.repeat(40), 'sluice / rollout'));
    await world.put(keys.check('c'.repeat(40), 'sluice / rollout'), { ...(check as object), status: 'completed', conclusion: 'failure' });

    const last = (await betaOf(world)).clusters.at(-1);

    expect(last).toMatchObject({
      state: 'behind',
      waits: [{ reason: 'no rollout is under way for it: re-run the check sluice / rollout' }],
    });
  });
});

describe('what keeps clusters', () => {
  const hold = { revision: OLD, reason: 'DNS is slow', owner: 'Ann', until: '2026-01-06T08:00:00Z' };

  it('is a hold, with its end: the cluster is current at the revision that it is held at', async () => {
    const { world } = await pageFleet(4, {
      clusters: ['beta-1', 'beta-2', 'beta-3', 'beta-4'].map((name) => clusterEntry(name, name === 'beta-4' ? { hold } : {})),
    });

    const last = (await betaOf(world)).clusters.at(-1);

    expect(last?.state).toBe('current');
    expect(last?.waits).toEqual([{ reason: 'beta-4 is held at aaaaaaaaaaaa by Ann: DNS is slow', until: hold.until, since: null }]);
  });

  it('is a hold whose end has passed, until somebody releases it', async () => {
    const { world } = await pageFleet(4, { hold: { ...hold, until: '2026-01-04T08:00:00Z' } });

    const last = (await betaOf(world)).clusters.at(-1);

    expect(last?.waits[0]?.reason).toContain('the hold ended 2026-01-04 08:00 UTC: release or extend it');
  });

  it('is a freeze, until its end, and only where something is to be done', async () => {
    const { world } = await pageFleet(4, {
      freeze: [{ from: '2026-01-05T00:00:00Z', until: '2026-01-06T00:00:00Z', scope: 'all', reason: 'sale' }],
    });

    const { clusters, freezes } = await betaOf(world);

    expect(freezes).toMatchObject([{ active: true, reason: 'sale' }]);
    expect(clusters[0]?.waits).toEqual([]);
    expect(clusters[1]?.waits.map(({ reason }) => reason)).toEqual(['roll-node-pools waits: draining general-3: 2 pods left']);
    expect(clusters.at(-1)?.waits[0]).toMatchObject({ reason: 'beta is frozen: sale', until: '2026-01-06T00:00:00Z' });
  });

  it('is what left nodes as they were: the cluster is behind until they are replaced', async () => {
    const { world, beta } = await pageFleet();
    const [first] = beta.clusters;
    if (first === undefined) throw new Error('beta has no cluster');
    await world.record(first, 'beta', NEW, { nodesLater: { nodes: 3, reason: 'beta is frozen for nodes: sale' } });

    const [cluster] = (await betaOf(world)).clusters;

    expect(cluster?.state).toBe('behind');
    expect(cluster?.waits[0]?.reason).toBe('3 nodes are still of the generation before: beta is frozen for nodes: sale');
  });

  it('is the kill switch', async () => {
    const { world } = await pageFleet();
    await world.put(keys.halt(), { halted: true, reason: 'etcd alarms', by: 'Ann', at: NOW });

    const view = await viewOf(world);

    expect(view.halt).toEqual({ by: 'Ann', reason: 'etcd alarms', at: NOW });
    expect((await askPage(world)).body).toContain('The fleet is halted');
  });

  it('is the lock of another execution, until its lease ends', async () => {
    const { world } = await pageFleet();
    await world.put(keys.lock('beta-1'), { subject: 'beta-1', fence: 1, holder: 'backup-1', expiresAt: '2026-01-05T08:30:00.000Z' });

    expect((await betaOf(world)).clusters[0]?.waits).toMatchObject([
      { reason: 'locked by backup-1; the lease ends', until: '2026-01-05T08:30:00.000Z' },
    ]);
  });
});

describe('what can not be read', () => {
  it.each([
    ['a record', keys.cluster('beta-1')],
    ['a lock', keys.lock('beta-1')],
  ])('is shown in the row of its cluster, the others stay: %s', async (_what, key) => {
    const { world } = await pageFleet();
    await world.put(key, { broken: true });

    const [first, ...others] = (await betaOf(world)).clusters;

    expect(first?.waits.map(({ reason }) => reason).join()).toContain(`${key} has the wrong shape`);
    expect(others).toHaveLength(3);
  });

  it('of a rollout is shown with it, and counts as under way', async () => {
    const { world } = await pageFleet();
    await world.put(keys.check('c'.repeat(40), 'sluice / rollout'), 'no check');

    const [rollout] = (await viewOf(world)).rollouts;

    expect(rollout).toMatchObject({ state: "can't be read" });
    expect(rollout?.problems.join()).toContain('has the wrong shape');
  });

  it('hides nothing else when the store does not answer for one object', async () => {
    const { world } = await pageFleet();
    world.objects.beforeEach = (_operation, key) => {
      if (key === keys.cluster('beta-2')) throw new Error('503 Slow Down');
    };

    const { clusters } = await betaOf(world);

    expect(clusters.map(({ state }) => state)).toEqual(['current', "can't be read", 'partly updated', 'behind']);
    expect(clusters[1]?.waits[0]?.reason).toBe("can't be read: clusters/beta-2.json: 503 Slow Down");
  });

  it('makes the answer a 503 where it is the settings', async () => {
    const { world } = await pageFleet();
    await world.put(keys.settings(SETTINGS_COMMIT), {
      commit: SETTINGS_COMMIT,
      files: [{ path: 'channels/dev.yaml', content: 'channel: [' }],
    });

    const answer = await askPage(world);

    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('are not valid');
    expect(answer.body).not.toContain('there is no fleet');
  });
});

describe('an empty fleet', () => {
  it('says what to do first: the mark, then the settings', async () => {
    const world = createControlWorld();
    const before = await viewOf(world);
    await world.found();

    const after = await viewOf(world);

    expect(before).toMatchObject({ state: 'empty', first: expect.stringContaining('control/fleet.json') });
    expect(after).toMatchObject({ state: 'empty', first: expect.stringContaining('sluice init') });
  });
});

describe('pull requests and e2e accounts', () => {
  it('are shown, the newest first, with their check', async () => {
    const { world } = await pageFleet();
    for (const number of [9, 10]) {
      await world.put(keys.pullRequest(number), {
        number,
        generation: 1,
        execution: `pr-${number}`,
        headSha: `${number % 10}`.repeat(40),
        work: null,
        replaces: null,
        approved: null,
      });
    }
    await world.put(keys.check('9'.repeat(40), 'sluice'), {
      ref: { repository: { owner: 'a', name: 'b' }, sha: '9'.repeat(40), name: 'sluice' },
      status: 'completed',
      conclusion: 'failure',
      title: 'Two findings',
      summary: '',
      startedAt: NOW,
    });
    await world.put(keys.lock('e2e-200000000091'), {
      subject: 'e2e-200000000091',
      fence: 1,
      holder: 'e2e-7',
      expiresAt: '2026-01-06T08:00:00.000Z',
    });

    const { pullRequests, slots } = await viewOf(world);

    expect(pullRequests.map(({ number, state, title }) => [number, state, title])).toEqual([
      [10, 'no check yet', ''],
      [9, 'failure', 'Two findings'],
    ]);
    expect(slots.map(({ account, holder }) => [account, holder])).toEqual([
      ['200000000091', 'e2e-7'],
      ['200000000092', null],
    ]);
  });
});

describe('the answer', () => {
  it('is HTML to a browser and JSON to a program that asks for it', async () => {
    const { world } = await pageFleet();

    const browser = await askPage(world, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
    const program = await askPage(world, { headers: { accept: 'application/json' } });

    expect(browser.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(program.headers['content-type']).toBe('application/json');
  });

  it.each([
    [{ method: 'POST' }, 405],
    [{ path: '/etc' }, 404],
    [{ path: '/plans/' }, 404],
    [{ path: `/plans/${'a'.repeat(64)}`, method: 'POST' }, 405],
  ])('refuses what is no look at the page: %o', async (request, status) => {
    const world = createControlWorld();

    expect((await askPage(world, request)).statusCode).toBe(status);
    expect(world.objects.calls).toEqual([]);
  });

  it('to a plan’s address is its text, with nothing of it taken for markup', async () => {
    const { world } = await pageFleet();
    const hash = 'a'.repeat(64);
    await world.objects.put(keys.plan(hash), '**1 cluster.**\n</pre><script>alert(1)</script>\n<details>&amp;</details>');

    const { statusCode, headers, body } = await askPage(world, { path: `/plans/${hash}` });

    expect([statusCode, headers['content-type'], headers['cache-control']]).toEqual([200, 'text/html; charset=utf-8', 'no-store']);
    expect(headers['content-security-policy']).toBe((await askPage(world)).headers['content-security-policy']);
    expect(body).toContain(
      '<pre>**1 cluster.**\n&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;\n&lt;details&gt;&amp;amp;&lt;/details&gt;</pre>',
    );
    expect((await askPage(world, { path: `/plans/${'b'.repeat(64)}` })).statusCode).toBe(404);
  });

  it('to a plan’s address fits into what a function may answer, however long the plan', async () => {
    const { world } = await pageFleet();
    const hash = 'a'.repeat(64);
    await world.objects.put(keys.plan(hash), `"${'"'.repeat(99)}\n`.repeat(20_000));

    const answer = await askPage(world, { path: `/plans/${hash}` });

    expect(answer.body).toMatch(new RegExp(`Cut here: \\d+ more lines\\.\\*\\* The whole text: plans/${hash}\\.md in the hub`));
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(6 * 1024 * 1024);
    expect(answer.body.length).toBeGreaterThan(5_000_000);
  });

  it('writes nothing', async () => {
    const { world } = await pageFleet();
    const before = world.objects.contents();
    world.objects.calls.length = 0;

    await askPage(world);

    expect(world.objects.contents()).toEqual(before);
    expect(new Set(world.objects.calls.map(({ operation }) => operation))).toEqual(new Set(['get', 'list']));
  });
});
