import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedIndex } from '#domain/etcd-health.ts';
import { ConflictError, RefusedError } from '#model/errors.ts';
import type { MemberStatus } from '#ports/etcd.ts';
import { ETCD_NEXT_VERSION, ETCD_VERSION } from '../../local/toolchain/versions.ts';
import { until } from '../support/child.ts';
import { type EtcdCluster, startEtcdCluster } from '../support/etcd-cluster.ts';
import { canRunScripts, runMemberScript } from '../support/member-script.ts';

const TARGET = '3.6.0';

function leaderOf(members: readonly MemberStatus[]): MemberStatus {
  const leader = members.find((member) => member.leader);
  if (leader === undefined) throw new Error('nobody leads');
  return leader;
}

describe('three real members', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcdCluster('127.81.0.0/16');
  });
  afterAll(() => cluster?.stop());

  it('tell who leads, what they have applied, and which version their data has', async () => {
    const members = await cluster.etcd.status();

    expect(new Set(members.map(({ leaderId }) => leaderId))).toEqual(new Set([leaderOf(members).memberId]));
    expect(committedIndex(members)).toBeGreaterThan(0);
    expect(Math.min(...members.map(({ raftApplied }) => raftApplied))).toBeGreaterThan(0);
    await until(
      'storage version',
      async () =>
        (await cluster.etcd.status()).every(({ storageVersion, downgradeTo }) => storageVersion === '3.6.0' && downgradeTo === '') ||
        undefined,
    );
    expect(await cluster.etcd.clusterVersion(cluster.endpoint('b'))).toBe('3.6.0');
    expect(members.map(({ peerUrls }) => peerUrls).sort()).toEqual([['a'], ['b'], ['c']].map(([zone]) => [cluster.peerUrl(zone as 'a')]));
  });

  it('hand leadership over, awaited; who does not lead can not', async () => {
    const before = await cluster.etcd.status();
    const leader = leaderOf(before);
    const [next, other] = before.filter((member) => !member.leader);

    await cluster.etcd.moveLeader(leader.endpoint, next?.memberId ?? '');

    expect(leaderOf(await cluster.settled()).memberId).toBe(next?.memberId);
    await expect(cluster.etcd.moveLeader(leader.endpoint, other?.memberId ?? '')).rejects.toBeInstanceOf(ConflictError);
  });

  it('take back a member that lost its data, as a learner that is promoted once it has caught up', async () => {
    const lost = (await cluster.settled()).find(({ name, leader }) => name.endsWith('c') && !leader) ?? (await handOver(cluster, 'c'));
    await cluster.kill('c');
    cluster.lose('c');
    const other = cluster.endpoint('a');

    await cluster.etcd.removeMember(other, lost.memberId);
    await expect(cluster.etcd.removeMember(other, lost.memberId)).rejects.toBeInstanceOf(ConflictError);
    // Who was just added must be connected to its peers for a while before the next change (strict-reconfig-check).
    const learner = await until('the learner is let in', async () =>
      cluster.etcd.addLearner(other, cluster.peerUrl('c')).catch(() => undefined),
    );
    await expect(cluster.etcd.addLearner(other, cluster.peerUrl('c'))).rejects.toBeInstanceOf(ConflictError);
    await expect(cluster.etcd.promote(other, learner)).rejects.toBeInstanceOf(ConflictError);
    const added = (await cluster.etcd.status()).find(({ memberId }) => memberId === learner);
    const peers = ['a', 'b', 'c'].map((zone) => `etcd-eu-central-1${zone}=${cluster.peerUrl(zone as 'a')}`).join(',');
    const child = cluster.start('c', undefined, ['--initial-cluster-state=existing', `--initial-cluster=${peers}`]);
    await until(
      'the learner is promoted',
      async () =>
        cluster.etcd.promote(other, learner).then(
          () => true,
          () => undefined,
        ),
      child,
    );

    expect(added).toMatchObject({ started: false, learner: true, healthy: false });
    expect(lost.memberId).not.toBe(learner);
    const members = await cluster.settled();
    expect(members.find(({ memberId }) => memberId === learner)).toMatchObject({
      learner: false,
      name: 'etcd-eu-central-1c',
      clusterId: lost.clusterId,
    });
  });

  // The machine room does the script's work in TypeScript; an image has what the script runs, a developer's machine may not.
  it.skipIf(!canRunScripts())("are asked by an instance's own script how it begins", async () => {
    const known = (await cluster.settled()).find(({ name }) => name.endsWith('b'));

    const withData = runMemberScript(cluster, 'b', true);
    const lost = runMemberScript(cluster, 'b', false);
    if (known?.leader === true) await handOver(cluster, 'b');
    await cluster.kill('b');
    cluster.lose('b');
    await cluster.etcd.removeMember(cluster.endpoint('a'), known?.memberId ?? '');
    const removed = runMemberScript(cluster, 'b', false);
    await until('the learner is let in', async () =>
      cluster.etcd.addLearner(cluster.endpoint('a'), cluster.peerUrl('b')).catch(() => undefined),
    );
    const added = runMemberScript(cluster, 'b', false);

    const all = (['a', 'b', 'c'] as const).map((zone) => `etcd-eu-central-1${zone}=${cluster.peerUrl(zone)}`);
    expect(withData).toMatchObject({ status: 0, state: 'new', initialCluster: all.join(',') });
    expect(lost).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('as started, and its data is not here: it must be let in anew'),
    });
    expect(removed).toMatchObject({ status: 1, stderr: expect.stringContaining('as absent') });
    expect(added).toMatchObject({ status: 0, state: 'existing' });
    expect(added.initialCluster?.split(',').sort()).toEqual(all);
    const child = cluster.start('b', undefined, ['--initial-cluster-state=existing', `--initial-cluster=${added.initialCluster}`]);
    const learner = (await cluster.etcd.status()).find((member) => member.learner)?.memberId ?? '';
    await until(
      'the learner is promoted',
      async () =>
        cluster.etcd.promote(cluster.endpoint('a'), learner).then(
          () => true,
          () => undefined,
        ),
      child,
    );
    await cluster.settled();
  });

  it.skipIf(!canRunScripts())('begin a cluster when nobody answers', async () => {
    const nobody = { ...cluster, endpoint: (zone: string) => `https://127.83.0.${zone.charCodeAt(0)}:2379` };

    expect(runMemberScript(nobody, 'a', false)).toMatchObject({ status: 0, state: 'new' });
  });

  it('refuse a downgrade of two minors, and to end one that is not under way', async () => {
    const endpoint = cluster.endpoint('a');

    await expect(cluster.etcd.downgrade(endpoint, 'validate', '3.4.0')).rejects.toBeInstanceOf(RefusedError);
    await expect(cluster.etcd.downgrade(endpoint, 'validate', '3.5.0')).resolves.toBeUndefined();
  });
});

async function handOver(cluster: EtcdCluster, from: 'a' | 'b' | 'c'): Promise<MemberStatus> {
  const members = await cluster.settled();
  const leader = leaderOf(members);
  await cluster.etcd.moveLeader(leader.endpoint, members.find((member) => !member.leader)?.memberId ?? '');
  const found = (await cluster.settled()).find(({ name }) => name.endsWith(from));
  if (found === undefined) throw new Error(`no member in zone ${from}`);
  return found;
}

describe(`real members of etcd ${ETCD_NEXT_VERSION}`, () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcdCluster('127.82.0.0/16', ETCD_NEXT_VERSION);
    await until(
      'storage version',
      async () => (await cluster.etcd.status()).every(({ storageVersion }) => storageVersion === '3.7.0') || undefined,
    );
  });
  afterAll(() => cluster?.stop());

  it('die of a binary of the minor before when their data was not prepared', async () => {
    await cluster.end('c');
    const child = cluster.start('c', ETCD_VERSION);

    await until('the member of the lower minor ends', async () => child.exited());

    expect(child.output()).toContain(`version \\"3.7.0\\" is not supported`);
    cluster.start('c', ETCD_NEXT_VERSION);
    await cluster.settled();
  });

  it('go down one by one once cluster and storage version have gone, and end the downgrade by themselves', async () => {
    const endpoint = cluster.endpoint('a');
    await cluster.etcd.downgrade(endpoint, 'validate', TARGET);
    await cluster.etcd.downgrade(endpoint, 'enable', TARGET);
    await expect(cluster.etcd.downgrade(endpoint, 'enable', TARGET)).rejects.toBeInstanceOf(ConflictError);
    await until(
      'all members to know of it',
      async () => (await cluster.etcd.status()).every(({ downgradeTo }) => downgradeTo === TARGET) || undefined,
    );

    await until('cluster and storage version', async () => {
      const members = await cluster.etcd.status();
      const agreed = await cluster.etcd.clusterVersion(endpoint);
      return (agreed === TARGET && members.every(({ storageVersion }) => storageVersion === TARGET)) || undefined;
    });
    for (const zone of ['a', 'b', 'c'] as const) {
      await cluster.end(zone);
      cluster.start(zone, ETCD_VERSION);
      await cluster.settled();
    }

    const members = await until('the end of the downgrade', async () => {
      const found = await cluster.settled();
      return found.every(({ downgradeTo }) => downgradeTo === '') ? found : undefined;
    });
    expect(members.map(({ version }) => version)).toEqual([ETCD_VERSION, ETCD_VERSION, ETCD_VERSION]);
  });
});
