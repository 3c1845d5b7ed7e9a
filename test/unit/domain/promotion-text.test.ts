import { expect, test } from 'vitest';
import { promotionText } from '#domain/promotion-text.ts';
import type { ChannelProof, RevisionEvidence } from '#model/records.ts';
import { gitId } from '../../support/fleet.ts';

const proof: ChannelProof = {
  channel: 'dev',
  revision: gitId('b'),
  commit: gitId('c'),
  rollout: 'rollout-dev-1',
  basis: 'pull-request',
  clusters: [{ name: 'dev-1', execution: 'update-dev-1', backup: '20260105-0800', durationSeconds: 640 }],
  startedAt: '2026-01-05T08:00:00Z',
  finishedAt: '2026-01-05T08:12:00Z',
};
const evidence: RevisionEvidence = {
  revision: gitId('b'),
  check: { pullRequest: 7, headSha: gitId('1'), execution: 'pr-7', at: '2026-01-05T07:30:00Z', channel: 'dev', baseRevision: gitId('a') },
  equalIn: {},
  e2e: {
    execution: 'e2e-7',
    channel: 'dev',
    baseRevision: gitId('a'),
    passed: 12,
    failed: 0,
    durationSeconds: 300,
    at: '2026-01-05T07:30:00Z',
  },
};
const facts = { source: 'dev', target: 'alpha', revision: gitId('b'), proof, evidence };

test('says what merging does and shows the proof of each cluster', () => {
  const { title, body } = promotionText({ ...facts, link: (machine, name) => `https://example.com/${machine}/${name}` });

  expect(title).toBe('Promote bbbbbbbbbbbb from dev to alpha');
  expect(body).toBe(
    [
      'Merging rolls revision `bbbbbbbbbbbb` out to **alpha**. The content is exactly what runs in dev.',
      '',
      'Rollout to dev: succeeded 2026-01-05 08:12 UTC on 1 cluster in 12 min ([rollout-dev-1](https://example.com/rollout/rollout-dev-1)).',
      '',
      'Check of #7: passed 2026-01-05 07:30 UTC ([pr-7](https://example.com/pull-request/pr-7)).',
      'e2e: 12 passed, 0 failed in 5 min, update from `aaaaaaaaaaaa` ([e2e-7](https://example.com/e2e/e2e-7)).',
      '',
      '| cluster | result | etcd backup | duration | execution |',
      '|---|---|---|---|---|',
      '| dev-1 | updated | `20260105-0800` proven | 11 min | [update-dev-1](https://example.com/update-cluster/update-dev-1) |',
      '',
      `Revision: \`${gitId('b')}\`, commit ${gitId('c')}`,
    ].join('\n'),
  );
});

test('a promotion without proof warns', () => {
  expect(promotionText({ ...facts, proof: undefined, evidence: undefined }).body).toContain('do not merge before one has succeeded');
});

test('a large fleet is cut, visibly, within the limit of GitHub', () => {
  const [cluster] = proof.clusters;
  const clusters = Array.from({ length: 2000 }, (_, index) => ({
    ...cluster,
    name: `dev-${index}`,
    execution: `update-${index}`,
    backup: null,
    durationSeconds: 5,
  }));

  const { body } = promotionText({ ...facts, proof: { ...proof, clusters } });

  expect(body.length).toBeLessThanOrEqual(60_000);
  expect(body).toMatch(/… and \d+ more clusters/);
});
