import { describe, expect, test } from 'vitest';
import { desiredRevision, isProven, mayRollOut, newestSucceeded, type RolloutFacts } from '#domain/evidence.ts';
import { mayPromote, promotedCommits, promotionMessage } from '#domain/promotion.ts';
import type { ChannelProof, RevisionEvidence } from '#model/records.ts';
import { gitId } from '../../support/fleet.ts';

const NOW = new Date('2026-01-05T08:00:00Z');
const OLD = gitId('a');
const NEW = gitId('b');
const COMMIT = gitId('c');
const evidence: RevisionEvidence = {
  revision: NEW,
  check: { pullRequest: 7, headSha: COMMIT, execution: 'pr-7', at: '2026-01-05T07:00:00Z', channel: 'dev', baseRevision: OLD },
  equalIn: {},
  e2e: { execution: 'e2e-7', channel: 'dev', baseRevision: OLD, passed: 3, failed: 0, durationSeconds: 60, at: '2026-01-05T07:00:00Z' },
};

function proof(channel: string, revision: string, finishedAt = '2026-01-05T07:00:00Z'): ChannelProof {
  return {
    channel,
    revision,
    commit: COMMIT,
    rollout: `r-${finishedAt}`,
    basis: 'pull-request',
    clusters: [{ name: 'dev-1', execution: 'update-dev-1', backup: null, durationSeconds: 60 }],
    startedAt: finishedAt,
    finishedAt,
  };
}

function facts(change: Partial<RolloutFacts> = {}): RolloutFacts {
  return {
    channel: { channel: 'beta', branch: 'beta', follows: 'alpha' },
    head: { commit: COMMIT, revision: NEW, mergedPullRequest: 7 },
    evidence,
    ownProof: undefined,
    upstreamProof: proof('alpha', NEW),
    hasProofs: true,
    genesis: null,
    isFounded: true,
    running: [OLD],
    waivers: [],
    now: NOW,
    ...change,
  };
}

const waiver = { channel: 'beta', revision: NEW, owner: 'ann', reason: 'outage', until: '2026-01-06T00:00:00Z' };
const hold = { revision: OLD, reason: 'look first', owner: 'team-a', until: '2026-01-06T00:00:00Z' };

describe('the head of a channel branch', () => {
  test.each([
    ['proven upstream', {}, 'pull-request'],
    [
      'the first of its channel',
      {
        hasProofs: false,
        running: [],
        evidence: undefined,
        upstreamProof: undefined,
        head: { commit: COMMIT, revision: NEW, mergedPullRequest: null },
      },
      'genesis',
    ],
    [
      'a genesis that stopped half-way',
      { hasProofs: false, genesis: NEW, running: [NEW], evidence: undefined, upstreamProof: undefined },
      'genesis',
    ],
    [
      'a genesis that stopped before any cluster was there, the mark taken away since',
      { hasProofs: false, genesis: NEW, isFounded: false, running: [], evidence: undefined, upstreamProof: undefined },
      'genesis',
    ],
    ['checked as equal to what the channel has proven', { evidence: { ...evidence, equalIn: { beta: OLD }, e2e: null } }, 'pull-request'],
    ['gone back to', { evidence: undefined, upstreamProof: undefined, ownProof: proof('beta', NEW) }, 'proven-here'],
    ['a hotfix with a waiver and e2e of its own', { upstreamProof: undefined, waivers: [waiver] }, 'hotfix'],
    [
      'held at this very revision',
      { channel: { channel: 'beta', branch: 'beta', follows: 'alpha', hold: { ...hold, revision: NEW } } },
      'pull-request',
    ],
  ] satisfies [string, Partial<RolloutFacts>, string][])('starts when it is %s', (_, change, basis) => {
    expect(mayRollOut(facts(change))).toEqual({ decision: 'start', basis });
  });

  test.each([
    ['it has no configuration', { head: { commit: COMMIT, revision: null, mergedPullRequest: 7 } }, 'no channels/cluster/'],
    ['it was pushed directly', { head: { commit: COMMIT, revision: NEW, mergedPullRequest: null } }, 'pushed to beta directly'],
    ['no check succeeded', { evidence: undefined }, 'no successful check'],
    ['its evidence is of other content', { evidence: { ...evidence, revision: OLD } }, 'no successful check'],
    ['its e2e failed', { evidence: { ...evidence, e2e: { ...evidence.e2e, failed: 1 } as RevisionEvidence['e2e'] } }, '1 e2e tests'],
    ['upstream has not proven it', { upstreamProof: undefined }, 'has not succeeded in alpha'],
    ['upstream proved it on no cluster', { upstreamProof: { ...proof('alpha', NEW), clusters: [] } }, 'has not succeeded in alpha'],
    ['upstream proved other content', { upstreamProof: proof('alpha', OLD) }, 'has not succeeded in alpha'],
    ['another channel proved it', { upstreamProof: proof('dev', NEW) }, 'has not succeeded in alpha'],
    ['the waiver has ended', { upstreamProof: undefined, waivers: [{ ...waiver, until: '2026-01-05T08:00:00Z' }] }, 'record a waiver'],
    [
      'a hotfix has no e2e',
      { upstreamProof: undefined, waivers: [waiver], evidence: { ...evidence, e2e: null } },
      'needs an e2e run of its own',
    ],
    [
      'a hotfix changes nothing here but has no e2e',
      { upstreamProof: undefined, waivers: [waiver], evidence: { ...evidence, equalIn: { beta: OLD }, e2e: null } },
      'a hotfix needs an e2e run of its own',
    ],
    [
      'it was equal only for another channel',
      { evidence: { ...evidence, equalIn: { dev: OLD }, e2e: null } },
      'it changed nothing for dev; for beta it needs',
    ],
    [
      'the records are lost: the bucket looks new and nobody said that it is',
      { hasProofs: false, isFounded: false, running: [], evidence: undefined, upstreamProof: undefined },
      'its records are lost: bring them back first',
    ],
    [
      'the channel began with something else',
      { hasProofs: false, genesis: OLD, running: [], evidence: undefined, upstreamProof: undefined },
      'no successful check',
    ],
    [
      'the channel is held',
      { channel: { channel: 'beta', branch: 'beta', follows: 'alpha', hold } },
      'held at aaaaaaaaaaaa by team-a: look first; until 2026-01-06 00:00 UTC',
    ],
    [
      'the hold has ended',
      { channel: { channel: 'beta', branch: 'beta', follows: 'alpha', hold: { ...hold, until: '2026-01-05T08:00:00Z' } } },
      'release or extend it',
    ],
  ] satisfies [string, Partial<RolloutFacts>, string][])('waits when %s', (_, change, reason) => {
    expect(mayRollOut(facts(change))).toMatchObject({ decision: 'wait', reason: expect.stringContaining(reason) });
  });

  test('a channel whose clusters run other things is no genesis', () => {
    expect(
      isProven({ ...facts({ hasProofs: false, running: [OLD], evidence: undefined, upstreamProof: undefined }), revision: NEW }),
    ).toMatchObject({ proven: false });
  });
});

describe('the revision that a cluster should run', () => {
  const proofs = [proof('beta', OLD, '2026-01-01T00:00:00Z'), proof('beta', NEW, '2026-01-02T00:00:00Z')];

  test('is the newest that succeeded, whatever the order of the records', () => {
    expect(desiredRevision({ name: 'beta-1' }, { channel: 'beta' }, proofs.toReversed(), NOW)).toEqual({
      revision: NEW,
      basis: 'channel',
      holdEnded: null,
    });
    expect(newestSucceeded([])).toBeUndefined();
  });

  test("is its own hold's before its channel's, and an ended hold stays", () => {
    const own = { ...hold, revision: gitId('d'), until: '2026-01-04T00:00:00Z' };

    expect(desiredRevision({ name: 'beta-1', hold: own }, { channel: 'beta', hold }, proofs, NOW)).toEqual({
      revision: gitId('d'),
      basis: 'cluster-hold',
      holdEnded: 'beta-1 is held at dddddddddddd by team-a: look first; the hold ended 2026-01-04 00:00 UTC: release or extend it',
    });
    expect(desiredRevision({ name: 'beta-1' }, { channel: 'beta', hold }, proofs, NOW)).toMatchObject({
      revision: OLD,
      basis: 'channel-hold',
      holdEnded: null,
    });
  });
});

describe('a promotion', () => {
  const source = { channel: 'alpha', proofs: [proof('alpha', NEW)], commit: COMMIT, revision: NEW, history: new Set([NEW, OLD]) };
  const target = { channel: 'beta', branch: 'beta', head: gitId('e'), revision: OLD, promoted: new Set<string>() };

  test('is opened with both parents, and replaces the open one of its hop', () => {
    const decision = mayPromote({ source, target, open: [{ number: 3, headRef: 'sluice/promote-alpha-to-beta-000000000000' }] });

    expect(decision).toMatchObject({
      decision: 'open',
      branch: 'sluice/promote-alpha-to-beta-cccccccccccc',
      parents: [gitId('e'), COMMIT],
      replaces: [3],
    });
  });

  test.each([
    ['it is there', { target: { ...target, revision: NEW } }, 'nothing'],
    ['it is open', { open: [{ number: 3, headRef: 'sluice/promote-alpha-to-beta-cccccccccccc' }] }, 'nothing'],
    ['the target went back from it', { target: { ...target, promoted: new Set([COMMIT]) } }, 'nothing'],
    [
      'something newer succeeded',
      { source: { ...source, proofs: [...source.proofs, proof('alpha', gitId('f'), '2026-01-05T07:30:00Z')] } },
      'nothing',
    ],
    ['it has not succeeded in the source', { source: { ...source, proofs: [] } }, 'refuse'],
    ['the target has no configuration', { target: { ...target, revision: null } }, 'refuse'],
  ])('is not opened when %s', (_, change, decision) => {
    expect(mayPromote({ source, target, open: [], ...change })).toMatchObject({ decision });
  });

  test('is refused while the target holds a hotfix that the source lacks, by name', () => {
    const hotfix = gitId('9');

    expect(mayPromote({ source, target: { ...target, revision: hotfix }, open: [] })).toMatchObject({
      decision: 'refuse',
      hotfix,
      reason: expect.stringContaining('merge beta back to alpha first'),
    });
    expect(mayPromote({ source, target: { ...target, revision: hotfix, isContained: true }, open: [] })).toMatchObject({
      decision: 'open',
    });
  });

  test('is known later from the trailer of its commit', () => {
    const message = promotionMessage('alpha', 'beta', NEW, COMMIT);
    const commits = new Map([[gitId('1'), { sha: gitId('1'), parents: [gitId('2')], revision: NEW, message: `${message}` }]]);

    expect([...promotedCommits(commits, gitId('1'))]).toEqual([COMMIT]);
  });
});
