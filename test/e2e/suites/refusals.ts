import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { annotationsOf, completedCheck, DIRECTORY, executionsAbout, fileOf, propose, type Scene } from '../../support/e2e/scene.ts';
import { cloneOf } from '../../support/local-github.ts';

const DEPLOYMENT = 'channels/cluster/components/ingress/deployment.yaml';
const CHECK_SECONDS = 60;

/** Pull requests and pushes that must be refused with a clear word and start nothing. */
export function refusalsSuite(scene: () => Scene): void {
  describe('refused on GitHub', () => {
    test('a broken YAML file: annotated at its line, no e2e', async () => {
      const text = await fileOf(scene(), 'dev', DEPLOYMENT);
      const line = text.split('\n').findIndex((row) => row.startsWith('metadata:')) + 1;
      const pull = await propose(scene(), 'broken-yaml', 'dev', { [DEPLOYMENT]: text.replace(/^metadata:/m, 'metadata: {') });

      const check = await completedCheck(scene(), pull.head.sha, 'sluice', CHECK_SECONDS);

      expect(check.conclusion, check.said).toBe('failure');
      const annotations = await annotationsOf(scene(), check);
      expect(annotations[0]).toMatchObject({ path: DEPLOYMENT, annotation_level: 'failure' });
      expect(Math.abs((annotations[0]?.start_line ?? 0) - line)).toBeLessThanOrEqual(3);
      await expectOnlyLooked(scene(), pull.number);
    });

    test('an unknown variable: annotated at its line, no e2e', async () => {
      const text = await fileOf(scene(), 'dev', DEPLOYMENT);
      const changed = text.replace(/image: (\S+)/, 'image: $1-${NO_SUCH_VARIABLE}');
      const line = changed.split('\n').findIndex((row) => row.includes('NO_SUCH_VARIABLE')) + 1;
      const pull = await propose(scene(), 'unknown-variable', 'dev', { [DEPLOYMENT]: changed });

      const check = await completedCheck(scene(), pull.head.sha, 'sluice', CHECK_SECONDS);

      expect(check.conclusion, check.said).toBe('failure');
      // Beside it is a notice that nobody knows the next minor's schemas yet.
      const annotations = (await annotationsOf(scene(), check)).filter(({ annotation_level: level }) => level === 'failure');
      expect(annotations).toEqual([expect.objectContaining({ path: DEPLOYMENT, start_line: line })]);
      expect(annotations[0]?.message).toContain('NO_SUCH_VARIABLE');
      await expectOnlyLooked(scene(), pull.number);
    });

    test('a pull request from a fork: asks for a review first', async () => {
      const url = await scene().world.github.fork('stranger');
      const directory = join(DIRECTORY, 'fork-clone');
      await rm(directory, { recursive: true, force: true });
      const fork = await cloneOf(url, directory, scene().world.operator.token);
      await fork.push('gift', { [DEPLOYMENT]: await fileOf(scene(), 'dev', DEPLOYMENT), 'channels/cluster/gift.txt': 'a gift\n' }, 'dev');
      const pull = await scene().operator.openPullRequest({ title: 'A gift', body: '', head: 'stranger:gift', base: 'dev' });

      const check = await completedCheck(scene(), pull.head.sha, 'sluice', CHECK_SECONDS);

      expect(check.conclusion, check.said).toBe('action_required');
      await expectOnlyLooked(scene(), pull.number);
    });

    test('settings and configuration mixed: says which belongs where', async () => {
      const settings = await fileOf(scene(), 'main', 'channels/dev.yaml');
      const text = await fileOf(scene(), 'dev', DEPLOYMENT);
      const pull = await propose(scene(), 'mixed', 'dev', {
        'channels/dev.yaml': settings.replace('soak: 10s', 'soak: 20s'),
        [DEPLOYMENT]: `# changed\n${text}`,
      });

      const check = await completedCheck(scene(), pull.head.sha, 'sluice', CHECK_SECONDS);

      expect(check.conclusion, check.said).toBe('failure');
      expect(check.said).toContain('settings to main');
      expect(check.said).toContain('configuration to a channel branch');
      await expectOnlyLooked(scene(), pull.number);
    });

    test('a channel file that names a branch which does not exist', async () => {
      const settings = await fileOf(scene(), 'main', 'channels/beta.yaml');
      const pull = await propose(scene(), 'branch-of-nobody', 'main', {
        'channels/beta.yaml': settings.replace(/^branch: .*$/m, 'branch: nowhere'),
      });

      const check = await completedCheck(scene(), pull.head.sha, 'sluice', CHECK_SECONDS);

      expect(check.conclusion, check.said).toBe('failure');
      expect(check.said).toContain('nowhere');
      await expectOnlyLooked(scene(), pull.number);
    });

    test('a direct push to a channel branch: stays red, no cluster is updated', async () => {
      const before = await executionsAbout(scene(), 'beta-1');
      const text = await fileOf(scene(), 'beta', DEPLOYMENT);
      const commit = await scene().clone.push('beta', { [DEPLOYMENT]: `# pushed by hand\n${text}` });

      const check = await completedCheck(scene(), commit, 'sluice / rollout', CHECK_SECONDS);

      expect(check.conclusion, check.said).toBe('failure');
      expect(check.said).toContain('pushed to beta directly');
      expect(before).not.toEqual([]);
      expect((await executionsAbout(scene(), 'beta-1')).map(({ name }) => name)).toEqual(before.map(({ name }) => name));
    });
  });
}

/** The pull request was looked at, and nothing else was started for it. */
async function expectOnlyLooked(scene: Scene, number: number): Promise<void> {
  const machines = (await executionsAbout(scene, `#${number}`)).map(({ machine }) => machine);
  expect(new Set(machines)).toEqual(new Set(['pull-request']));
}
