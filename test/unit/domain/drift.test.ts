import { describe, expect, it } from 'vitest';
import { readRepairs, reasonsToLeave, withRepairs, writeRepairs } from '#domain/drift.ts';

const ID = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team', name: 'web' };
const NOW = new Date('2026-01-10T00:00:00Z');
const BY_HAND = { owner: 'kubectl-edit', field: '.spec.template.metadata.labels.x', operation: 'Update' } as const;

describe('a field that somebody else holds', () => {
  it('is set back when it was changed for the first time', () => {
    expect(reasonsToLeave(ID, [BY_HAND], [], NOW)).toEqual([]);
  });

  it.each([
    ['declares it too', { ...BY_HAND, operation: 'Apply' as const }, 'declares'],
    ['scales', { ...BY_HAND, owner: 'hpa', field: '.spec.replicas', subresource: 'scale' }, 'by scale'],
    ['sets replicas', { ...BY_HAND, owner: 'keda', field: '.spec.replicas' }, 'leave it out of the manifest'],
  ])('is left to an owner that %s, who is named', (_what, conflict, words) => {
    const [reason] = reasonsToLeave(ID, [BY_HAND, conflict], [], NOW);

    expect(reason).toContain(`"${conflict.owner}"`);
    expect(reason).toContain(words);
  });

  it('is a fight when the same owner takes it again, and not when it is another field, object or owner', () => {
    const known = withRepairs([], ID, [BY_HAND], new Date('2026-01-09T00:00:00Z'));

    const again = reasonsToLeave({ ...ID, apiVersion: 'apps/v1beta1' }, [BY_HAND], known, NOW);

    expect(again).toEqual([expect.stringMatching(/"kubectl-edit".*again.*2026-01-09/)]);
    expect(reasonsToLeave(ID, [{ ...BY_HAND, field: '.spec.other' }], known, NOW)).toEqual([]);
    expect(reasonsToLeave({ ...ID, name: 'db' }, [BY_HAND], known, NOW)).toEqual([]);
    expect(reasonsToLeave(ID, [{ ...BY_HAND, owner: 'other' }], known, NOW)).toEqual([]);
  });

  it('is forgotten after a week', () => {
    const known = withRepairs([], ID, [BY_HAND], new Date('2026-01-02T00:00:00Z'));

    expect(reasonsToLeave(ID, [BY_HAND], known, NOW)).toEqual([]);
    expect(withRepairs(known, ID, [{ ...BY_HAND, field: '.b' }], NOW).map(({ field }) => field)).toEqual(['.b']);
  });

  it('is remembered as text, and a broken text is none', () => {
    const known = withRepairs([], ID, [BY_HAND], NOW);

    expect(readRepairs(writeRepairs(known))).toEqual(known);
    expect(writeRepairs([])).toBeUndefined();
    for (const text of [undefined, '{', '[1]', '{}']) expect(readRepairs(text)).toEqual([]);
  });
});
