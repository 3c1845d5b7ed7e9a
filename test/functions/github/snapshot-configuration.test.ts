import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import type { CheckRef } from '#model/checks.ts';
import { InputError } from '#model/errors.ts';
import type { GitHub, TreeEntry } from '#ports/github.ts';
import { failPullRequest } from '../../../functions/control/fail-pull-request.ts';
import { readPullRequest } from '../../../functions/github/read-pull-request.ts';
import { snapshotConfiguration } from '../../../functions/github/snapshot-configuration.ts';
import { validate } from '../../../functions/plan/validate.ts';
import { AT, REPOSITORY, runStep } from '../../support/control-world.ts';
import { channelFile, clusterEntry, gitId } from '../../support/fleet.ts';
import { createGitHubWorld, type GitHubWorld, settingsOf } from '../../support/github-world.ts';

const CHANGE = { 'channels/cluster/versions.yaml': 'kubernetes: 1.36.3\n' };

let world: GitHubWorld;
beforeEach(async () => {
  world = await createGitHubWorld();
});

async function snapshot(number: number, github: GitHub = world.github) {
  const pull = await runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, world, 'pr-1');
  return runStep(snapshotConfiguration, { readPullRequest: pull }, { ...world, github }, 'pr-1');
}

/** GitHub whose trees of a configuration have these entries too. */
function withEntries(...entries: Partial<TreeEntry>[]): GitHub {
  const odd = entries.map(
    (entry, index): TreeEntry => ({
      path: `channels/cluster/odd-${index}`,
      type: 'blob',
      mode: '100644',
      sha: gitId('d'),
      size: 1,
      ...entry,
    }),
  );
  return { ...world.github, getTree: async (at, sha) => [...(await world.github.getTree(at, sha)), ...odd] };
}

describe('snapshot-configuration', () => {
  it('keeps both sides and the settings under their Git ids; twice it writes nothing new', async () => {
    const base = await world.revisionOf('dev');
    const number = await world.open('dev', CHANGE);
    const head = await world.revisionOf('change-1');

    const first = await snapshot(number);
    const kept = world.objects.contents();
    const second = await snapshot(number);

    const main = world.github.branches.get('main');
    expect(first).toEqual({
      baseRevision: base,
      branchRevision: base,
      headRevision: head,
      baseSettingsCommit: main,
      headSettingsCommit: main,
      e2eNeeded: true,
    });
    expect(second).toEqual(first);
    expect(world.objects.contents()).toEqual(kept);
    expect(world.read(keys.snapshot(head))).toEqual({
      revision: head,
      files: [{ path: 'versions.yaml', content: 'kubernetes: 1.36.3\n' }],
    });
    expect(world.read(keys.snapshot(base))).toMatchObject({ revision: base });
  });

  it('reads each blob of a known revision no second time', async () => {
    const number = await world.open('dev', CHANGE);
    await snapshot(number);
    const blind: GitHub = { ...world.github, getBlob: () => Promise.reject(new Error('a blob is read again')) };

    await expect(snapshot(number, blind)).resolves.toMatchObject({ e2eNeeded: true });
  });

  it('finds branches that settings name and that do not exist', async () => {
    const number = await world.open('main', settingsOf(channelFile('dev', 1, { branch: 'nowhere' })));

    const output = await snapshot(number);

    expect(output).toMatchObject({ missingBranches: ['nowhere'] });
    const merge = { readPullRequest: { kind: 'settings' as const, baseRef: 'main' }, snapshotConfiguration: output };
    const { findingsKey } = await runStep(validate, merge, world, 'pr-1');
    expect(world.read(findingsKey)).toContainEqual(
      expect.objectContaining({
        rule: 'branch',
        path: 'channels/dev.yaml',
        message: 'The branch nowhere does not exist. Push it first, or correct the name.',
      }),
    );
  });

  it('asks GitHub for no branch that nobody can have', async () => {
    const number = await world.open('main', { 'channels/dev.yaml': `channel: dev\nbranch: ${'x'.repeat(100_000)}\n` });

    expect(await snapshot(number)).not.toHaveProperty('missingBranches');
  });

  it('takes settings of both sides of a settings change', async () => {
    const number = await world.open('main', { 'channels/dev.yaml': 'channel: dev\nbranch: dev\n' });
    const { baseSha, mergeCommitSha } = await world.github.getPullRequest(REPOSITORY, number);

    const first = await snapshot(number);

    expect(first).toEqual({
      baseRevision: null,
      branchRevision: null,
      headRevision: null,
      baseSettingsCommit: baseSha,
      headSettingsCommit: mergeCommitSha,
      e2eNeeded: false,
    });
    expect(await snapshot(number)).toEqual(first);
    expect(world.read(keys.settings(mergeCommitSha ?? ''))).toMatchObject({
      files: [{ path: 'channels/alpha.yaml' }, { path: 'channels/dev.yaml', content: 'channel: dev\nbranch: dev\n' }],
    });
  });

  describe('beside settings that were pushed directly', () => {
    const WAIVER = {
      rule: 'privileged-pod',
      cluster: 'all',
      owner: 'somebody',
      reason: 'nobody looked',
      until: '2026-01-31T00:00:00Z',
    };
    let apply: string;
    beforeEach(async () => {
      apply = world.github.branches.get('main') ?? '';
      await world.put(keys.newestSettings(), { commit: apply, seenAt: AT });
      await world.record(clusterEntry('dev-1'), 'dev', await world.revisionOf('dev'));
    });

    it('judges a configuration by those that apply', async () => {
      world.github.push('main', settingsOf(channelFile('dev', 1, { waivers: [WAIVER] })));

      expect(await snapshot(await world.open('dev', CHANGE))).toMatchObject({ baseSettingsCommit: apply, headSettingsCommit: apply });
    });

    it('compares settings with those that apply, so that what vanished by the push is found', async () => {
      world.github.push('main', settingsOf(channelFile('dev', 0)));
      const number = await world.open('main', settingsOf(channelFile('alpha', 2, { follows: 'dev' })));
      const { mergeCommitSha } = await world.github.getPullRequest(REPOSITORY, number);

      const output = await snapshot(number);

      expect(output).toMatchObject({ baseSettingsCommit: apply, headSettingsCommit: mergeCommitSha });
      const merge = { readPullRequest: { kind: 'settings' as const, baseRef: 'main' }, snapshotConfiguration: output };
      const { findingsKey, ok } = await runStep(validate, merge, world, 'pr-1');
      expect(ok).toBe(false);
      expect(world.read(findingsKey)).toContainEqual(expect.objectContaining({ rule: 'removed-cluster' }));
    });

    it('goes by them also while what was pushed can not be read', async () => {
      world.github.push('main', { 'channels/dev.yaml': 'channel: [' });

      const repair = await snapshot(await world.open('main', settingsOf(channelFile('dev', 1))));

      expect(repair).toMatchObject({ baseSettingsCommit: apply });
    });

    it('goes by merged and checked ones at once, before a rollout has noted them', async () => {
      const merged = await world.mergeSettings(channelFile('dev', 1, { waivers: [WAIVER] }));

      const ofSettings = await snapshot(await world.open('main', settingsOf(channelFile('dev', 2))));
      const ofConfiguration = await snapshot(await world.open('dev', CHANGE));

      expect([ofSettings, ofConfiguration]).toMatchObject([{ baseSettingsCommit: merged }, { headSettingsCommit: merged }]);
    });
  });

  it('compares with what the channel has proven, not with what was only pushed to its branch', async () => {
    const proven = await world.revisionOf('dev');
    const commit = world.github.branches.get('dev') ?? '';
    await world.proof('dev', proven, { commit });
    world.github.push('dev', { 'channels/cluster/versions.yaml': 'kubernetes: 1.34.0\n' });
    const pushed = await world.revisionOf('dev');
    const number = await world.open('dev', { 'channels/cluster/README.md': 'Nothing that is rendered\n' });
    // As after a push that was refused before its files were read.
    expect(world.read(keys.snapshot(proven))).toBeUndefined();

    expect(await snapshot(number)).toMatchObject({ baseRevision: proven, branchRevision: pushed, e2eNeeded: true });
    expect(world.read(keys.snapshot(proven))).toMatchObject({ revision: proven });
  });

  it('compares with what a channel began with, while nothing is proven in it', async () => {
    const began = await world.revisionOf('dev');
    await snapshot(await world.open('dev', CHANGE));
    await world.put(keys.genesis('dev'), { channel: 'dev', revision: began, rollout: 'rollout-1', at: '2026-01-05T07:00:00Z' });
    world.github.push('dev', { 'channels/cluster/versions.yaml': 'kubernetes: 1.34.0\n' });

    expect(await snapshot(await world.open('dev', { 'channels/cluster/pools.yaml': '[]\n' }))).toMatchObject({ baseRevision: began });
  });

  it('says so when the files of what was proven are gone', async () => {
    await world.proof('dev', gitId('9'), { commit: world.github.branches.get('dev') ?? '' });

    await expect(snapshot(await world.open('dev', CHANGE))).rejects.toThrow(/snapshots\/9{40}\.json must be restored/);
  });

  it('says that a side has no configuration', async () => {
    world.github.push('dev', { 'channels/cluster/versions.yaml': null });
    const number = await world.open('dev', CHANGE);

    expect(await snapshot(number)).toMatchObject({ baseRevision: null, headRevision: expect.stringMatching(/^[0-9a-f]{40}$/) });
  });

  it('needs no e2e for the very step that has passed it', async () => {
    const number = await world.open('dev', CHANGE);
    const base = await world.revisionOf('dev');
    const head = await world.revisionOf('change-1');
    const e2e = {
      execution: 'e2e-1',
      channel: 'dev',
      baseRevision: base,
      passed: 3,
      failed: 0,
      durationSeconds: 60,
      at: '2026-01-05T07:00:00.000Z',
    };

    await world.evidence(head, { e2e });
    const proven = await snapshot(number);
    await world.evidence(head, { e2e: { ...e2e, baseRevision: gitId('9') } });
    const otherStep = await snapshot(number);
    await world.evidence(head, { e2e: { ...e2e, failed: 1 } });
    const failed = await snapshot(number);

    expect([proven, otherStep, failed].map(({ e2eNeeded }) => e2eNeeded)).toEqual([false, true, true]);
  });

  const LINK = /odd-0 is a link or a submodule; .* Put the file itself there\./;
  it.each([
    ['a symbolic link', [{ mode: '120000' }], 'plain-file', 'channels/cluster/odd-0', LINK],
    ['a submodule', [{ type: 'commit' as const, mode: '160000' }], 'plain-file', 'channels/cluster/odd-0', LINK],
    [
      'a way out',
      [{ path: 'channels/cluster/../../x' }],
      'plain-file',
      'channels/cluster',
      /"channels\/cluster\/\.\.\/\.\.\/x" is no name of a/,
    ],
    [
      'a file over 1 MiB',
      [{ size: 1024 * 1024 + 1 }],
      'too-large',
      'channels/cluster/odd-0',
      /1048577 bytes, more than 1048576\. Split it/,
    ],
    [
      'more than 20 MiB together',
      Array.from({ length: 21 }, () => ({ size: 1024 * 1024 })),
      'too-large',
      'channels/cluster',
      /than 20971520\. Move/,
    ],
    [
      '100,000 files',
      Array.from({ length: 100_000 }, () => ({})),
      'too-large',
      'channels/cluster',
      /has 100001 files, more than 2000\. Move out/,
    ],
  ])('refuses %s before anything is read, and says so at its place', async (_, entries, rule, path, message) => {
    const number = await world.open('dev', CHANGE);
    const github: GitHub = { ...withEntries(...entries), getBlob: () => Promise.reject(new Error('read before it was refused')) };
    // The settings on main are read before and kept.
    const pull = await runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, world, 'pr-1');

    await expect(snapshot(number, github)).rejects.toThrow(InputError);
    await expect(snapshot(number, github)).rejects.toThrow(message);
    expect(Object.keys(world.objects.contents()).filter((key) => key.startsWith('snapshots/'))).toEqual([]);
    const error = { Error: 'InputError', Cause: JSON.stringify({ errorType: 'InputError', errorMessage: 'refused' }) };
    await runStep(failPullRequest, { readPullRequest: pull, error }, world, 'pr-1');
    const check = await world.checks.wanted((pull as { check: CheckRef }).check);
    expect(check).toMatchObject({ status: 'completed', conclusion: 'failure', findings: [{ rule, path, line: 1, level: 'failure' }] });
    expect(check?.findings[0]?.message).toMatch(message);
  });

  it('says when it is the base that can’t be read, and annotates nothing of the change', async () => {
    const number = await world.open('dev', CHANGE);
    const pull = await runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, world, 'pr-1');
    const base = (await world.github.getCommit(REPOSITORY, world.github.branches.get('dev') ?? '')).treeSha;
    const odd = withEntries({ mode: '120000' });
    const github: GitHub = { ...odd, getTree: (at, sha) => (sha === base ? odd : world.github).getTree(at, sha) };

    await expect(snapshot(number, github)).rejects.toThrow(
      /^the base branch as it is can't be read: .*odd-0 is a link.* mend it by a push$/,
    );
    expect((await world.checks.wanted((pull as { check: CheckRef }).check))?.findings).toEqual([]);
  });
});
