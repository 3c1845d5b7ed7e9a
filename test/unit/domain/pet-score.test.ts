import { describe, expect, it } from 'vitest';
import { petScore, petScoreNotes } from '#domain/pet-score.ts';
import { parseSettings } from '#domain/settings.ts';
import type { ChannelFile, ClusterEntry } from '#model/settings.ts';
import { channelFile, clusterEntry, gitId } from '../../support/fleet.ts';
import { referenceSettings } from '../../support/reference-fleet.ts';

const hold = { revision: gitId('a'), reason: 'bug', owner: 'ada', until: '2026-02-01T00:00:00Z' };
const waiver = { rule: 'image-tag', cluster: 'all', owner: 'ada', reason: 'moving', until: '2026-02-01T00:00:00Z' };

function fleet(...channels: ChannelFile[]) {
  return { channels };
}

const plain = fleet(channelFile('dev', 2), channelFile('beta', 90, { follows: 'dev' }));
const held = { ...clusterEntry('dev-1', { hold, owner: 'ada', state: 'decommission' }) };
const pets = fleet(
  channelFile('dev', 0, { hold, waivers: [waiver, waiver], clusters: [held] }),
  channelFile('beta', 3, { waivers: [waiver] }),
);

describe('petScore', () => {
  it('is 0 for the reference fleet, and for any number of equal clusters', () => {
    const settings = parseSettings(referenceSettings()).value?.settings;

    expect(settings && petScore(settings)).toEqual({ score: 0, fields: 0, waivers: 0, holds: 0 });
    expect(petScore(plain)).toEqual({ score: 0, fields: 0, waivers: 0, holds: 0 });
  });

  it('counts holds of clusters and channels, and waivers', () => {
    expect(petScore(pets)).toEqual({ score: 5, fields: 0, waivers: 3, holds: 2 });
  });

  it('counts every other field of a cluster, also one that is added later', () => {
    const later: ClusterEntry & { size: string } = { ...clusterEntry('dev-1'), size: 'large' };

    expect(petScore(fleet({ ...channelFile('dev', 0), clusters: [later] }))).toEqual({ score: 1, fields: 1, waivers: 0, holds: 0 });
  });
});

describe('petScoreNotes', () => {
  it('says what makes the score, and what it was', () => {
    expect(petScoreNotes(pets)).toEqual(['**Pet score 5**: 3 waivers, 2 holds of single clusters or channels.']);
    expect(petScoreNotes(pets, plain)).toEqual(['**Pet score 5** (was 0): 3 waivers, 2 holds of single clusters or channels.']);
    expect(petScoreNotes(fleet(channelFile('dev', 1, { hold })))).toEqual(['**Pet score 1**: 1 hold of single clusters or channels.']);
  });

  it('is told of once more when it becomes 0, and then no more', () => {
    expect(petScoreNotes(plain, pets)).toEqual(['**Pet score 0** (was 5): no cluster is treated in a way of its own.']);
    expect(petScoreNotes(plain)).toEqual([]);
  });
});
