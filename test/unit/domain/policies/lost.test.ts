import { expect, it } from 'vitest';
import { lostNotes } from '#domain/policies/lost.ts';
import type { Settings } from '#model/settings.ts';
import { channelFile, gitId } from '../../../support/fleet.ts';

const file = channelFile('dev', 2);
const [first, second] = ['dev-1', 'dev-2'].map((cluster) => ({
  ...{ cluster, owner: 'ann', reason: 'a | b', until: '2026-02-01T00:00:00Z' },
}));

function settings(...lost: (typeof first)[]): Settings {
  const said = lost.filter((one) => one !== undefined);
  return { commit: gitId('c'), channels: [{ ...file, backup: { ...file.backup, lost: said } }] };
}

it('the plan tells what a new statement that etcd is gone allows, once', () => {
  const notes = lostNotes(settings(first), settings(first, second));

  expect(notes).toEqual([
    '**dev-2** may be deleted **without a last backup** until 2026-02-01, for its etcd is gone, says ann: a &#124; b.',
  ]);
  expect(lostNotes(settings(first), settings(first))).toEqual([]);
  expect(lostNotes(settings(first), settings())).toEqual([]);
});
