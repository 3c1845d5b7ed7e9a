import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { seedRepository } from '../../../local/fleet.ts';
import { git } from '../../../local/git.ts';
import { referenceSnapshot } from '../../support/reference-fleet.ts';

let directory: string | undefined;
afterEach(async () => {
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

it('seeds every channel with the reference configuration, but for the API that would need pods that answer', async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-fleet-'));
  const bare = join(directory, 'fleet.git');
  await git(directory, 'init', '-q', '--bare', bare);

  await seedRepository(join(import.meta.dirname, '../../..'), bare, join(directory, 'work'));

  const reference = referenceSnapshot().files.map(({ path }) => path);
  for (const branch of ['dev', 'alpha', 'beta']) {
    const listed = await git(bare, 'ls-tree', '-r', '--name-only', branch, 'channels/cluster/');
    const seeded = listed
      .trim()
      .split('\n')
      .map((path) => path.replace('channels/cluster/', ''));
    expect(reference.filter((path) => !seeded.includes(path))).toEqual([
      'components/metrics-api/api.yaml',
      'components/metrics-api/component.yaml',
    ]);
    expect(seeded.filter((path) => !reference.includes(path))).toEqual([]);
  }
});
