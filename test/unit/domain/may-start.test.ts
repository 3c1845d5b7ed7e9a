import { describe, expect, test } from 'vitest';
import { admit, newLedger, settle } from '#domain/ledger.ts';
import { decideStart, known, mayRollNodes, type StartFacts, unknown } from '#domain/may-start.ts';
import { channelFile, clusterEntry, gitId } from '../../support/fleet.ts';

const NOW = new Date('2026-01-05T08:00:00Z');
const REVISION = gitId('b');
const HOLD = { revision: gitId('a'), reason: 'look first', owner: 'team-a', until: '2026-01-04T00:00:00Z' };
const FREEZE = { from: '2026-01-05T00:00:00Z', until: '2026-01-05T12:00:00Z', scope: 'nodes' as const, reason: 'sale' };

function facts(change: Partial<StartFacts> = {}): StartFacts {
  return {
    cluster: 'beta-1',
    revision: REVISION,
    execution: 'update-beta-1',
    now: NOW,
    halt: known(null),
    channel: known(channelFile('beta', 2)),
    ledger: known(newLedger('rollout-1', 0)),
    gate: known({ open: true, reason: 'pull-request' }),
    supersededBy: known(null),
    lock: known(null),
    ...change,
  };
}

function spentLedger(): ReturnType<typeof newLedger> {
  return settle(newLedger('rollout-1', 0), 'beta-2', { outcome: 'failed', execution: 'e', error: 'DeadlineError', cause: 'c' });
}

function admittedLedger(): ReturnType<typeof newLedger> {
  const admission = admit(newLedger('rollout-1', 0), 'beta-1', NOW);
  if (!admission.admitted) throw new Error('a fresh ledger admits');
  return admission.ledger;
}

describe('a cluster', () => {
  test('starts when nothing is in the way', () => {
    expect(decideStart(facts())).toMatchObject({ decision: 'allow' });
  });

  test.each(['halt', 'channel', 'ledger', 'gate', 'supersededBy', 'lock'] as const)('does not start when %s could not be read', (part) => {
    expect(decideStart(facts({ [part]: unknown(`the ${part}`) }))).toMatchObject({
      decision: 'refuse',
      why: 'unread',
      reason: expect.stringContaining(part),
    });
  });

  test.each([
    [
      'the budget is spent',
      { ledger: known(spentLedger()) },
      { decision: 'refuse', why: 'budget', reason: '1 failed (beta-2), the failure budget is 0' },
    ],
    ['a newer rollout is there', { supersededBy: known('rollout-2') }, { decision: 'refuse', why: 'superseded' }],
    ['the gate is shut', { gate: known({ open: false, reason: 'not proven' }) }, { decision: 'refuse', why: 'gate', reason: 'not proven' }],
    [
      'it is held elsewhere, although the hold ended',
      { channel: known(channelFile('beta', 2, { hold: HOLD })) },
      { decision: 'refuse', why: 'skip' },
    ],
    ['it left the settings', { channel: known(channelFile('beta', 0)) }, { decision: 'refuse', why: 'skip' }],
    [
      'it is decommissioned',
      { channel: known(channelFile('beta', 0, { clusters: [clusterEntry('beta-1', { state: 'decommission' })] })) },
      { decision: 'refuse', why: 'skip' },
    ],
    [
      'the fleet is halted',
      { halt: known({ halted: true, reason: 'fire', by: 'ann', at: NOW.toISOString() }) },
      { decision: 'wait', until: null, reason: 'the fleet is halted by ann: fire' },
    ],
    [
      'the channel is frozen',
      { channel: known(channelFile('beta', 2, { freeze: [{ ...FREEZE, scope: 'all' }] })), rollsNodes: false },
      { decision: 'wait', until: FREEZE.until, reason: 'beta is frozen until 2026-01-05 12:00 UTC: sale' },
    ],
    [
      'node rolls are frozen and nobody looked whether it rolls',
      { channel: known(channelFile('beta', 2, { freeze: [FREEZE] })) },
      { decision: 'wait' },
    ],
    [
      'somebody else changes it',
      { lock: known({ subject: 'beta-1', fence: 3, holder: 'other', expiresAt: '2026-01-05T09:00:00Z' }) },
      { decision: 'wait', reason: 'beta-1 is being changed by other' },
    ],
  ] satisfies [string, Partial<StartFacts>, object][])('does not start when %s', (_, change, expected) => {
    expect(decideStart(facts(change))).toMatchObject(expected);
  });

  test.each([
    ['it was admitted before, whatever came since', { ledger: known(admittedLedger()), supersededBy: known('rollout-2') }],
    ['only node rolls are frozen and it rolls none', { channel: known(channelFile('beta', 2, { freeze: [FREEZE] })), rollsNodes: false }],
    [
      'node rolls are frozen and are left for later',
      { channel: known(channelFile('beta', 2, { freeze: [{ ...FREEZE, nodes: 'later' }] })) },
    ],
    ['its own hold names this revision', { channel: known(channelFile('beta', 2, { hold: { ...HOLD, revision: REVISION } })) }],
    [
      'the lock of another has run out',
      { lock: known({ subject: 'beta-1', fence: 3, holder: 'other', expiresAt: '2026-01-05T08:00:00Z' }) },
    ],
    [
      'its own execution holds the lock',
      { lock: known({ subject: 'beta-1', fence: 3, holder: 'update-beta-1', expiresAt: '2026-01-05T09:00:00Z' }) },
    ],
  ] satisfies [string, Partial<StartFacts>][])('starts when %s', (_, change) => {
    expect(decideStart(facts(change))).toMatchObject({ decision: 'allow' });
  });
});

test.each([
  ['a manifest', 'components/dns/deployment.yaml', false],
  ['a test', 'tests/conformance.yaml', false],
  ['versions', 'versions.yaml', true],
  ['user data', 'user-data/node.yaml', true],
])('a change of %s: rolls nodes is %s', (_, path, expected) => {
  const before = [{ path, content: 'a' }];

  expect(mayRollNodes(before, [{ path, content: 'b' }])).toBe(expected);
  expect(mayRollNodes(before, before)).toBe(false);
  expect(mayRollNodes(undefined, before)).toBe(true);
});
