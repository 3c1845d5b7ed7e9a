import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { keys } from '#domain/names.ts';
import { InputError, NotFoundError, TransientError } from '#model/errors.ts';
import type { GitHub } from '#ports/github.ts';
import type { Releases } from '#ports/releases.ts';
import { chooseUpgrade } from '../../../functions/github/choose-upgrade.ts';
import { proposeUpgrade } from '../../../functions/github/propose-upgrade.ts';
import { reportUpgrade } from '../../../functions/plan/report-upgrade.ts';
import { REPOSITORY, runStep } from '../../support/control-world.ts';
import { createFakeReleases } from '../../support/fakes/releases.ts';
import { createGitHubWorld, type GitHubWorld } from '../../support/github-world.ts';
import { edited, referenceSnapshot } from '../../support/reference-fleet.ts';

const NAME = `${REPOSITORY.owner}/${REPOSITORY.name}`;
const TAGS = { kubernetes: ['v1.37.2', 'v1.36.3', 'v1.36.1', 'v1.35.4'], etcd: ['v3.6.16', 'v3.8.0-alpha.0'] };
const ETCD = { kubernetes: [], etcd: ['v3.6.17'] };

let world: GitHubWorld;
/** Bodies of the pull requests that were opened, by number. */
let bodies: Map<number, string>;
beforeEach(async () => {
  world = await createGitHubWorld();
  bodies = new Map();
  for (const branch of ['dev', 'alpha']) world.github.push(branch, cluster({}));
});

/** The reference configuration, with files replaced. */
function cluster(changed: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(referenceSnapshot(changed).files.map(({ path, content }) => [`channels/cluster/${path}`, content]));
}

function github(change: Partial<GitHub> = {}): GitHub {
  return {
    ...world.github,
    async createPullRequest(at, request) {
      const pull = await world.github.createPullRequest(at, request);
      bodies.set(pull.number, request.body);
      return pull;
    },
    ...change,
  };
}

async function choose(tags: Parameters<typeof createFakeReleases>[0] = TAGS) {
  return runStep(chooseUpgrade, { repository: NAME }, { ...world, releases: createFakeReleases(tags) });
}

/** The machine's steps one after another, as far as they go. */
async function run(tags: Parameters<typeof createFakeReleases>[0] = TAGS, over: GitHub = github()) {
  const chosen = await choose(tags);
  return chosen.decision === 'nothing' ? chosen : propose(chosen, over);
}

async function propose(chosen: Awaited<ReturnType<typeof choose>>, over: GitHub = github()) {
  const report = await runStep(reportUpgrade, { chooseUpgrade: chosen }, world);
  const state = { repository: NAME, chooseUpgrade: chosen, reportUpgrade: report };
  return runStep(proposeUpgrade, state, { ...world, github: over });
}

function open() {
  return world.github.listOpenPullRequests(REPOSITORY, { base: 'dev' });
}

async function fileOf(commit: string, path: string): Promise<string> {
  const { treeSha } = await world.github.getCommit(REPOSITORY, commit);
  const entry = (await world.github.getTree(REPOSITORY, treeSha)).find((one) => one.path === path);
  return new TextDecoder().decode(await world.github.getBlob(REPOSITORY, entry?.sha ?? ''));
}

describe('a newer version', () => {
  it('is proposed to the first channel: one commit on its head that changes versions.yaml only', async () => {
    const head = world.github.branches.get('dev') ?? '';

    const output = await run();

    const [pull, ...more] = await open();
    const commit = await world.github.getCommit(REPOSITORY, pull?.headSha ?? '');
    expect(more).toEqual([]);
    expect(output).toEqual({ outcome: 'opened', reason: `#${pull?.number} proposes 1.36.3`, pullRequest: pull?.number });
    expect(pull).toMatchObject({ headRef: 'sluice/upgrade-kubernetes-1.36.3', title: 'Raise Kubernetes from 1.35.4 to 1.36.3' });
    expect(commit.parents).toEqual([head]);
    expect(commit.message).toContain('Sluice-Upgrade: kubernetes 1.36.3');
    expect(await world.github.listChangedFiles(REPOSITORY, pull?.number ?? 0)).toEqual(['channels/cluster/versions.yaml']);
    const [before, after] = await Promise.all([head, commit.sha].map((one) => fileOf(one, 'channels/cluster/versions.yaml')));
    expect(after).toBe(before?.replace('1.35.4', '1.36.3'));
  });

  it('takes the tests along when they are older', async () => {
    await run({ kubernetes: ['v1.36.5'], etcd: [] });

    const [pull] = await open();
    const after: unknown = parse(await fileOf(pull?.headSha ?? '', 'channels/cluster/versions.yaml'));
    expect(after).toMatchObject({ kubernetes: '1.36.5', e2eTests: '1.36.5', etcd: '3.6.16' });
    expect(bodies.get(pull?.number ?? 0)).toContain('`e2eTests` goes to 1.36.5 as well.');
  });

  it('says which binaries are missing, and which are there', async () => {
    const artifact = {
      name: 'kubernetes',
      version: '1.36.3',
      state: 'ready',
      files: [{ file: 'kube-apiserver', sha256: 'a'.repeat(64), bytes: 1 }],
    };
    await world.put(keys.artifact('kubernetes', '1.36.3'), artifact);
    await world.put(keys.artifact('e2e', '1.36.3'), { ...artifact, name: 'e2e', state: 'building' });

    await run();

    const [body = ''] = bodies.values();
    expect(body).toContain('### Not published yet\n\n- `e2e 1.36.3`\n');
    expect(body).not.toContain('- `kubernetes 1.36.3`');
  });

  it('comes with what validation says of it', async () => {
    const path = 'components/kube-proxy/daemonset.yaml';
    world.github.push('dev', cluster(edited(path, 'v${KUBERNETES_VERSION}', 'v1.37.0')));

    await run();

    const [body = ''] = bodies.values();
    expect(body).toMatch(/- \*\*failure\*\* `version-skew` `channels\/cluster\/components\/kube-proxy\/daemonset\.yaml:\d+` /);
  });
});

describe('the same version', () => {
  it('is proposed once, whoever runs again: from the beginning or in the middle', async () => {
    const chosen = await choose();
    const first = await propose(chosen);

    const repeated = await propose(chosen);
    const nextDay = await run();

    expect(repeated).toEqual(first);
    expect(nextDay).toMatchObject({ decision: 'nothing', reason: expect.stringMatching(/^#\d+ is open: one upgrade at a time$/) });
    expect(await open()).toHaveLength(1);
  });

  it('is not proposed again when it was closed or merged and went back; the next one is', async () => {
    const chosen = await choose();
    await propose(chosen);
    const [pull] = await open();
    await world.github.updatePullRequest(REPOSITORY, pull?.number ?? 0, { state: 'closed' });

    const again = await run();
    const inTheMiddle = await propose(chosen);
    const newer = await run({ ...TAGS, kubernetes: [...TAGS.kubernetes, 'v1.36.4'] });

    expect(again).toMatchObject({ decision: 'nothing', reason: `kubernetes 1.36.3 was proposed by #${pull?.number}` });
    expect(inTheMiddle).toMatchObject({ outcome: 'nothing', reason: `1.36.3 was proposed by #${pull?.number}` });
    expect(newer).toMatchObject({ outcome: 'opened' });
    expect((await open()).map(({ headRef }) => headRef)).toEqual(['sluice/upgrade-kubernetes-1.36.4']);
  });

  it('is one pull request when two runs meet', async () => {
    const chosen = await choose();

    const both = await Promise.allSettled([propose(chosen), propose(chosen)]);

    expect(both).toEqual([
      { status: 'fulfilled', value: expect.objectContaining({ outcome: 'opened' }) },
      { status: 'fulfilled', value: expect.objectContaining({ outcome: 'opened' }) },
    ]);
    expect(await open()).toHaveLength(1);
  });
});

describe('never two at a time', () => {
  it('when another is open', async () => {
    const chosen = await choose();
    await run(ETCD);

    const output = await propose(chosen);

    expect(output).toMatchObject({ outcome: 'nothing', reason: expect.stringContaining('one upgrade at a time') });
    expect(await open()).toHaveLength(1);
  });

  it('when another is opened at the same moment: the first one stays', async () => {
    const chosen = await choose();
    const other = await choose(ETCD);

    const output = await propose(
      chosen,
      github({
        async createPullRequest(at, request) {
          // Just before ours.
          await propose(other);
          return world.github.createPullRequest(at, request);
        },
      }),
    );

    expect(output).toMatchObject({ outcome: 'nothing', reason: expect.stringContaining('was opened at the same time') });
    expect((await open()).map(({ headRef }) => headRef)).toEqual(['sluice/upgrade-etcd-3.6.17']);
  });

  it('counts neither promotions nor pull requests of people or forks', async () => {
    await world.open('dev', { 'channels/cluster/pools.yaml': 'pools: []\n' });
    world.github.openFromFork({ 'a.txt': 'a' }, 'dev');

    expect(await run()).toMatchObject({ outcome: 'opened' });
  });
});

describe('nothing is proposed', () => {
  it('when everything is of the newest version', async () => {
    const tags = { kubernetes: ['v1.35.4'], etcd: ['v3.6.16'] };

    expect(await run(tags)).toMatchObject({ decision: 'nothing', reason: 'everything is of the newest version' });
  });

  it('of a minor while a later channel is behind', async () => {
    world.github.push('alpha', cluster(edited('versions.yaml', '1.35.4', '1.34.4')));

    expect(await run()).toMatchObject({ decision: 'nothing', reason: 'Kubernetes 1.36 waits until alpha has 1.35 (it has 1.34.4)' });
  });

  it('on a branch that moved on', async () => {
    const chosen = await choose();
    world.github.push('dev', cluster(edited('versions.yaml', '3.6.16', '3.6.15')));

    expect(await propose(chosen)).toMatchObject({ outcome: 'nothing', reason: 'dev moved on since it was looked at' });
    expect(await open()).toEqual([]);
  });

  it.each([
    ['versions.yaml can not be read', 'dev', { 'channels/cluster/versions.yaml': 'kubernetes: 1\n' }, InputError],
    ['versions.yaml is not there', 'dev', { 'channels/cluster/versions.yaml': null }, NotFoundError],
    ['the settings are not valid', 'main', { 'channels/dev.yaml': 'channel: dev\n' }, InputError],
  ])('and an error says so when %s', async (_name, branch, files, expected) => {
    world.github.push(branch, files);

    await expect(run()).rejects.toThrow(expected);
    expect(await open()).toEqual([]);
  });

  it('when GitHub does not tell what is released: the machine tries again', async () => {
    const releases: Releases = { list: () => Promise.reject(new TransientError('rate limit')) };

    await expect(runStep(chooseUpgrade, { repository: NAME }, { ...world, releases })).rejects.toThrow(TransientError);
  });
});
