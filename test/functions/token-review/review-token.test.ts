import { describe, expect, it } from 'vitest';
import { accountKeys } from '#domain/names.ts';
import { InputError, RefusedError, TransientError } from '#model/errors.ts';
import { reviewToken } from '../../../functions/token-review/review-token.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const LOGIN = { issuer: 'https://login.example.com', audience: 'sluice', claims: { user: 'sub', groups: 'groups' }, writers: [] };
const EVENT = {
  cluster: 'beta-1',
  review: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'secret-token', audiences: ['api'] } },
};

async function world(verify: () => Promise<Record<string, unknown>>, access: object | undefined = { login: LOGIN }) {
  const objects = createFakeObjects();
  const stored = { cluster: 'beta-1', production: true, commit: 'c', emergency: [], ...access };
  if (access !== undefined) await objects.put(accountKeys.access('beta-1'), JSON.stringify(stored));
  const logged: unknown[] = [];
  const note = (...line: unknown[]): void => void logged.push(line);
  const asked: unknown[] = [];
  const tokens = {
    verify: async (...arguments_: unknown[]) => {
      asked.push(arguments_);
      return verify();
    },
  };
  const ports = { objects, tokens, clock: { now: () => NOW }, log: { info: note, warn: note, error: note } };
  return { ports, logged, asked, objects };
}

describe('a TokenReview', () => {
  it('tells who a good token is of, and the log without the token', async () => {
    const { ports, logged, asked } = await world(async () => ({ sub: 'ann' }));

    const answer = await reviewToken(EVENT, ports);

    expect(answer).toEqual({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      status: { authenticated: true, user: { username: 'oidc:ann', groups: ['sluice:read-only'] } },
    });
    expect(asked).toEqual([['secret-token', LOGIN.issuer, 'sluice']]);
    expect(JSON.stringify(logged)).toContain('oidc:ann');
    expect(JSON.stringify(logged)).not.toContain('secret-token');
  });

  it('lets in nobody by a bad token, and nobody where no login is configured', async () => {
    const bad = await world(async () => {
      throw new RefusedError('the token is not valid: "exp" claim timestamp check failed');
    });
    const none = await world(async () => ({ sub: 'ann' }), {});
    const other = await world(async () => ({ sub: 'ann' }));

    expect((await reviewToken(EVENT, bad.ports)).status).toEqual({
      authenticated: false,
      error: 'the token is not valid: "exp" claim timestamp check failed',
    });
    expect((await reviewToken(EVENT, none.ports)).status.authenticated).toBe(false);
    expect((await reviewToken({ ...EVENT, cluster: 'beta-2' }, other.ports)).status.authenticated).toBe(false);
    expect(none.asked).toEqual([]);
  });

  it('is no answer while the issuer is away, or when what is asked is no TokenReview', async () => {
    const away = await world(async () => {
      throw new TransientError('could not get the keys');
    });

    await expect(reviewToken(EVENT, away.ports)).rejects.toBeInstanceOf(TransientError);
    await expect(reviewToken({ ...EVENT, review: {} }, away.ports)).rejects.toBeInstanceOf(InputError);
  });

  it('goes by what is stored now', async () => {
    const { ports, objects } = await world(async () => ({ sub: 'ann' }));
    const before = await reviewToken(EVENT, ports);
    await objects.put(accountKeys.access('beta-1'), JSON.stringify({ cluster: 'beta-1', production: true, commit: 'd', emergency: [] }));

    const after = await reviewToken(EVENT, ports);

    expect([before.status.authenticated, after.status.authenticated]).toEqual([true, false]);
  });
});
