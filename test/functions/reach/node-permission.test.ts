import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import type { ClusterRef } from '#model/settings.ts';
import { nodePermission } from '../../../functions/reach/node-permission.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';

const COMMIT = 'c'.repeat(40);
const REVISION = 'a'.repeat(40);
const NOW = '2026-01-05T08:00:00Z';
const CLUSTER: ClusterRef = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'production',
  network: '10.1.0.0/16',
  channel: 'dev',
};

function channelFile(more: string): string {
  const { name, account, region, environment, network } = CLUSTER;
  return `channel: dev
branch: dev
waves: [{ name: all, percent: 100 }]
maxConcurrentClusters: 1
soak: 1m
clusters: [{ name: ${name}, account: '${account}', region: ${region}, environment: ${environment}, network: ${network} }]
${more}`;
}

async function asked(more = '', { halted = false, cluster = CLUSTER, since = NOW, kept = true } = {}) {
  const objects = createFakeObjects();
  if (kept) await objects.put(keys.newestSettings(), JSON.stringify({ commit: COMMIT, seenAt: NOW }));
  const files = [{ path: 'channels/dev.yaml', content: channelFile(more) }];
  await objects.put(keys.settings(COMMIT), JSON.stringify({ commit: COMMIT, files }));
  if (halted) await objects.put(keys.halt(), JSON.stringify({ halted, reason: 'fire', by: 'ann', at: NOW }));
  const input = { revision: REVISION, rollNodePools: { since } };
  return nodePermission(cluster, input, { objects, clock: { now: () => new Date(NOW) } });
}

function freeze(until: string, more: string): string {
  return `freeze: [{ from: '2026-01-05T00:00:00Z', until: '${until}', reason: sale${more} }]`;
}

describe('whether another node may be begun', () => {
  it.each<[string, string, object, object]>([
    ['nothing is in the way', '', {}, { decision: 'go' }],
    ['halted', '', { halted: true }, { decision: 'wait', reason: 'the fleet is halted by ann: fire' }],
    ['no settings', '', { kept: false }, { decision: 'wait', reason: expect.stringContaining('could not be read') }],
    [
      'another hold',
      `hold: { revision: ${'b'.repeat(40)}, owner: bob, reason: wait, until: '2026-02-01T00:00:00Z' }`,
      {},
      { decision: 'wait', reason: expect.stringContaining('held at bbbbbbbbbbbb by bob') },
    ],
    [
      'a hold at this revision',
      `hold: { revision: ${REVISION}, owner: bob, reason: wait, until: '2026-02-01T00:00:00Z' }`,
      {},
      { decision: 'go' },
    ],
    [
      'a freeze that ends before the roll gives up',
      freeze('2026-01-05T12:00:00Z', ''),
      {},
      { decision: 'wait', reason: expect.stringContaining('frozen until 2026-01-05 12:00') },
    ],
    ['one that does not', freeze('2026-01-05T20:00:00Z', ''), {}, { decision: 'later', reason: expect.stringContaining('sale') }],
    [
      'one that does not, for the roll is old',
      freeze('2026-01-05T12:00:00Z', ''),
      { since: '2026-01-05T00:00:00Z' },
      { decision: 'later', reason: expect.stringContaining('sale') },
    ],
    [
      'one that says later',
      freeze('2026-01-05T09:00:00Z', ', scope: nodes, nodes: later'),
      {},
      { decision: 'later', reason: expect.stringContaining('sale') },
    ],
    ['one that is over', freeze('2026-01-05T08:00:00Z', ''), {}, { decision: 'go' }],
    [
      'a cluster that is in no channel file',
      '',
      { cluster: { ...CLUSTER, name: 'dev-9' } },
      { decision: 'wait', reason: expect.stringContaining('no channel file') },
    ],
    [
      'an e2e cluster, whatever there is',
      freeze('2026-01-05T20:00:00Z', ''),
      { halted: true, cluster: { ...CLUSTER, environment: 'e2e' } },
      { decision: 'go' },
    ],
  ])('%s', async (_name, more, options, expected) => {
    expect(await asked(more, options)).toEqual(expected);
  });

  it('no without a revision', async () => {
    const ports = { objects: createFakeObjects(), clock: { now: () => new Date(NOW) } };

    expect(await nodePermission(CLUSTER, {}, ports)).toMatchObject({ decision: 'wait' });
  });
});
