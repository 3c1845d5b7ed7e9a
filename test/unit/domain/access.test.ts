import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterAccess, reviewPerson } from '#domain/access.ts';
import { ClusterAccess, EmergencyAccess, Login } from '#model/access.ts';
import { ChannelFile } from '#model/settings.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const LOGIN = Login.parse({ issuer: 'https://login.example.com', audience: 'sluice', readers: ['engineers'], writers: ['platform'] });

function access(change: Partial<ClusterAccess> = {}): ClusterAccess {
  return { cluster: 'beta-1', production: true, commit: 'c', login: LOGIN, emergency: [], ...change };
}

function emergency(from: string, until: string, user = 'ann'): EmergencyAccess {
  return { user, cluster: 'beta-1', reason: 'the shop is down', from: `2026-01-01T${from}Z`, until: `2026-01-01T${until}Z` };
}

function groups(of: ClusterAccess, claims: Record<string, unknown>): readonly string[] {
  return reviewPerson(of, LOGIN, claims, NOW).user?.groups ?? [];
}

describe('what a person gets', () => {
  it.each([
    ['a reader', true, ['engineers'], ['sluice:read-only']],
    ['a writer in production', true, ['engineers', 'platform'], ['sluice:read-only']],
    ['a writer elsewhere', false, ['platform'], ['sluice:read-only', 'sluice:write']],
    ['a writer who is no reader, in production', true, ['platform'], []],
    ['a stranger', false, ['sales'], []],
    ['somebody whose token names our groups', true, ['sluice:emergency', 'system:masters'], []],
  ])('%s', (_, production, theirs, expected) => {
    expect(groups(access({ production }), { sub: 'ann', groups: theirs })).toEqual(expected);
  });

  it.each([
    ['before it begins', emergency('12:00:01', '13:00:00'), []],
    ['from its beginning', emergency('12:00:00', '13:00:00'), ['sluice:read-only', 'sluice:emergency']],
    ['until before its end', emergency('11:00:00', '12:00:01'), ['sluice:read-only', 'sluice:emergency']],
    ['at its end', emergency('11:00:00', '12:00:00'), []],
    ['for somebody else', emergency('11:00:00', '13:00:00', 'bob'), []],
  ])('by an entry for an emergency, %s', (_, entry, expected) => {
    expect(groups(access({ emergency: [entry] }), { sub: 'ann', groups: [] })).toEqual(expected);
  });

  it('is nothing without a name, or with an address that nobody verified', () => {
    const byMail = { ...LOGIN, claims: { user: 'email', groups: 'groups' } };

    expect(reviewPerson(access(), LOGIN, { groups: ['engineers'] }, NOW).authenticated).toBe(false);
    expect(reviewPerson(access(), LOGIN, { sub: 7, groups: ['engineers'] }, NOW).authenticated).toBe(false);
    for (const [verified, good] of [
      [true, true],
      [false, false],
      ['false', false],
      ['true', false],
      [undefined, false],
    ]) {
      const claims = { email: 'a@b.c', email_verified: verified, groups: 'engineers' };
      expect(reviewPerson(access(), byMail, claims, NOW).authenticated).toBe(good);
    }
  });

  it('is never more than our own groups, under a name that no system account has', () => {
    const claim = fc.oneof(fc.string(), fc.array(fc.string()), fc.integer(), fc.constant(undefined));
    fc.assert(
      fc.property(fc.string(), claim, fc.boolean(), (sub, theirs, production) => {
        const { user } = reviewPerson(access({ production }), { ...LOGIN, readers: undefined }, { sub, groups: theirs }, NOW);

        if (user === undefined) return;
        expect(user.username.startsWith('oidc:')).toBe(true);
        expect(user.groups.filter((group) => !['sluice:read-only', 'sluice:write'].includes(group))).toEqual([]);
        if (production) expect(user.groups).toEqual(['sluice:read-only']);
      }),
    );
  });
});

describe('an entry for an emergency', () => {
  it.each([
    ['8 hours', '08:00:00', '16:00:00', true],
    ['longer', '08:00:00', '16:00:01', false],
    ['no time', '08:00:00', '08:00:00', false],
    ['backwards', '08:00:00', '07:00:00', false],
  ])('lasts at most 8 hours: %s', (_, from, until, good) => {
    expect(EmergencyAccess.safeParse(emergency(from, until)).success).toBe(good);
  });
});

describe('what an account is told', () => {
  it('is the login of the channel, and the entries for this cluster or for all', () => {
    const entry = { name: 'beta-1', account: '200000000001', region: 'eu-central-1', environment: 'production', network: '10.1.0.0/16' };
    const channel = ChannelFile.parse({
      channel: 'beta',
      branch: 'beta',
      waves: [{ name: 'all', percent: 100 }],
      maxConcurrentClusters: 1,
      soak: '1m',
      login: LOGIN,
      emergency: ['beta-1', 'all', 'beta-2'].map((cluster) => ({ ...emergency('11:00:00', '13:00:00'), cluster })),
      clusters: [entry],
    });
    const [cluster] = channel.clusters;
    if (cluster === undefined) throw new Error('no cluster');

    const told = clusterAccess('c', channel, cluster);

    expect(ClusterAccess.parse(told)).toEqual(told);
    expect([told.production, told.emergency.map((one) => one.cluster)]).toEqual([true, ['beta-1', 'all']]);
  });
});
