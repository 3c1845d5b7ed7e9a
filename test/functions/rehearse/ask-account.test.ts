import { describe, expect, it } from 'vitest';
import { InputError, SluiceError } from '#model/errors.ts';
import type { Reach } from '#ports/reach.ts';
import { proveUpgrade } from '../../../functions/rehearsal/prove-upgrade.ts';
import { askAccount } from '../../../functions/rehearse/ask-account.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';

const ID = '20260105T060000Z-422a689b6051';
const checkRehearsal = {
  id: ID,
  snapshot: { key: `backups/${CLUSTER.name}/${ID}/snapshot.db`, sha256: 'a'.repeat(64) },
  revision: 9,
  counts: { pods: 1 },
  kubernetes: '1.35.4',
};
const to = { kubernetes: '1.36.3', etcd: '3.6.16' };
const input = { cluster: CLUSTER, checkRehearsal, to, backup: { id: ID }, from: to, title: 'whoever asks', progress: null };
const CALL = {
  step: 'prove-upgrade',
  machine: 'rehearse-upgrade',
  state: 'prove-upgrade',
  execution: 'rehearse-1',
  startedAt: '2026-01-05T08:00:00Z',
  input,
  with: {},
};
const RESULT = { outcome: 'passed', reason: 'served', orphans: [], orphanedResources: 0, seconds: 1 };

function fakeReach(answer: () => unknown = () => RESULT) {
  const invoked: Parameters<Reach['invoke']>[] = [];
  const reach: Reach = {
    async invoke(...invocation) {
      invoked.push(invocation);
      return answer();
    },
  };
  return { reach, invoked };
}

describe('the call to an account', () => {
  it('carries the backup and two versions, and nothing else of the state', async () => {
    const { reach, invoked } = fakeReach();

    expect(await askAccount(CALL, { reach })).toEqual(RESULT);
    const { with: _, ...call } = CALL;
    expect(invoked).toEqual([[CLUSTER, 'rehearsal', { ...call, input: { cluster: CLUSTER, checkRehearsal, to } }, 'rehearse-1']]);
    expect(proveUpgrade.input.parse(Object(invoked[0]?.[2]).input)).toEqual({ cluster: CLUSTER, checkRehearsal, to });
  });

  it.each([
    ['another step', { ...CALL, step: 'prove-api' }],
    ['a version that is none', { ...CALL, input: { ...input, to: { ...to, kubernetes: '../../x' } } }],
    ['one version only', { ...CALL, input: { ...input, to: { kubernetes: '1.36.3' } } }],
    ['more than two versions', { ...CALL, input: { ...input, to: { ...to, flags: '--x' } } }],
    ['a backup that is none', { ...CALL, input: { ...input, checkRehearsal: { ...checkRehearsal, id: 'b1' } } }],
    ['no cluster', { ...CALL, input: { ...input, cluster: undefined } }],
    ['no call at all', 'hello'],
  ])('is not made for %s', async (_, call) => {
    const { reach, invoked } = fakeReach();

    await expect(askAccount(call, { reach })).rejects.toBeInstanceOf(InputError);
    expect(invoked).toEqual([]);
  });

  it('refuses an answer of another shape, and passes an error on by its name', async () => {
    await expect(
      askAccount(
        CALL,
        fakeReach(() => ({ outcome: 'fine' })),
      ),
    ).rejects.toThrow(/answered in another shape/);
    const failing = fakeReach(() => {
      throw new SluiceError('down');
    });
    await expect(askAccount(CALL, failing)).rejects.toThrow('down');
  });
});
