import { beforeEach, describe, expect, it } from 'vitest';
import { closeRestore } from '../../../functions/github/close-restore.ts';
import { REPOSITORY, runStep } from '../../support/control-world.ts';
import { createGitHubWorld, type GitHubWorld } from '../../support/github-world.ts';

const cluster = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.1.0.0/16',
  channel: 'dev',
};
const restore = { id: 'r1', backup: '20260105T060000Z-422a689b6051', reason: 'lost' };
const INPUT = { cluster, restore, repository: REPOSITORY };
const LINE = '    restore: { id: r1, backup: 20260105T060000Z-422a689b6051, reason: lost }\n';
const FILE = (line: string) => `channel: dev\nclusters:\n  - name: dev-1 # first\n${line}    owner: x\n`;

let world: GitHubWorld;
beforeEach(async () => {
  world = await createGitHubWorld();
  world.github.push('main', { 'channels/dev.yaml': FILE(LINE) });
});

describe('close-restore', () => {
  it('proposes the file without the line; again it is the same pull request', async () => {
    const first = await runStep(closeRestore, INPUT, world, 'restore-a');
    const again = await runStep(closeRestore, INPUT, world, 'restore-a');

    expect(first).toMatchObject({ outcome: 'opened' });
    expect(again).toEqual(first);
    const pull = await world.github.getPullRequest(REPOSITORY, first.pullRequest ?? 0);
    expect(pull).toMatchObject({ baseRef: 'main', headRef: 'sluice/restored-dev-1-r1' });
    const { treeSha } = await world.github.getCommit(REPOSITORY, pull.headSha);
    const blob = (await world.github.getTree(REPOSITORY, treeSha)).find(({ path }) => path === 'channels/dev.yaml');
    expect(new TextDecoder().decode(await world.github.getBlob(REPOSITORY, blob?.sha ?? ''))).toBe(FILE(''));
  });

  it('has nothing to do when the line is gone, or asks for another restore', async () => {
    world.github.push('main', { 'channels/dev.yaml': FILE('') });
    expect(await runStep(closeRestore, INPUT, world, 'restore-a')).toEqual({ outcome: 'nothing', pullRequest: null });
    world.github.push('main', { 'channels/dev.yaml': FILE(LINE.replace('r1', 'r2')) });
    expect(await runStep(closeRestore, INPUT, world, 'restore-a')).toEqual({ outcome: 'nothing', pullRequest: null });
  });
});
