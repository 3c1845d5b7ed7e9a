import { describe, expect, it } from 'vitest';
import { publicationOf } from '#domain/check-publication.ts';
import { type BlockedPod, blockedPod, blockedText, blockingSince } from '#domain/drain/blocked.ts';
import { forcedText } from '#domain/drain/forced.ts';
import { WantedCheck } from '#model/checks.ts';
import { Pod } from '#model/kubernetes.ts';

const NOW = new Date('2026-01-01T02:00:00Z');
const pod = (name: string): Pod =>
  Pod.parse({ metadata: { name, namespace: 'shop', uid: `uid-${name}`, labels: { team: 'shop' } }, spec: {}, status: {} });
const REFUSED = 'Cannot evict pod as it would violate the disruption budget';
const WORDS = `${REFUSED}: The disruption budget the-budget-of-db needs 2 healthy pods and has 2; deleted at 2026-01-01 08:00 UTC at the earliest`;

/** What GitHub is to show of a roll's line. */
function shown(reason: string): string {
  const line = {
    execution: 'update-beta-1',
    machine: 'update-cluster',
    step: 'roll-node-pools',
    state: 'waiting',
    reason,
    at: NOW.toISOString(),
  };
  const ref = { repository: { owner: 'o', name: 'r' }, sha: 'a'.repeat(40), name: 'sluice / rollout' };
  const wanted = WantedCheck.parse({
    ref,
    status: 'in_progress',
    title: 't',
    summary: 's',
    progress: [line],
    startedAt: NOW.toISOString(),
  });
  return publicationOf(wanted, undefined, NOW).request.text ?? '';
}

describe('who blocks a drain', () => {
  const pods = ['db-1', 'db-2', 'db-3', 'db-4'].map(pod);
  const blocked = pods.map((one) => blockedPod(one, WORDS));

  it('is on the check whole, with budget, since when and until when, while many nodes drain', () => {
    const since = Object.fromEntries(blocked.map(({ uid }) => [uid, '2026-01-01T01:10:00.000Z']));
    const waits = Array.from(
      { length: 4 },
      (_, index) => `evicting shop/db-${index}, shop/web-${index} from ip-10-1-2-${index} (for 50 min)`,
    );

    const text = shown([blockedText(blocked, since), ...waits].join('; '));

    expect(blocked.length).toBeGreaterThan(3);
    for (const { name } of blocked) expect(text).toContain(`${name} since 2026-01-01 01:10 UTC: ${WORDS}`);
  });

  it('is told with those first that block longest, and with how many more there are', () => {
    const many: BlockedPod[] = Array.from({ length: 7 }, (_, index) => ({ uid: `u${index}`, name: `shop/p${index}`, reason: 'r' }));

    const text = blockedText(many, { u6: '2026-01-01T00:00:00Z', u5: '2026-01-01T01:00:00Z' });

    expect(text).toMatch(/^blocked: shop\/p6 since 2026-01-01 00:00 UTC: r \| shop\/p5 since .* \| and 2 more$/);
    expect(blockedText([], {})).toBe('');
  });

  it('counts from the first look that met it, until the pod is gone', () => {
    const [first, second] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:30:00Z')];
    const begun = blockingSince({}, blocked.slice(0, 2), pods, first);

    const later = blockingSince(begun, blocked.slice(1, 3), pods.slice(1), second);

    expect(begun).toEqual({ 'uid-db-1': first.toISOString(), 'uid-db-2': first.toISOString() });
    expect(later).toEqual({ 'uid-db-2': first.toISOString(), 'uid-db-3': second.toISOString() });
  });
});

describe('what was deleted by force', () => {
  it('is on the check with owner, node, time and every condition that allowed it', () => {
    const reason = `${WORDS}; the drain is 6 h 1 min old (needs 6 h); pod shop/db-1 is 4 d old (needs 3 d); its sibling db-2 is 5 h old (needs 1 h)`;
    const forced = [1, 2, 3, 4].map((index) => ({ pod: `shop/db-${index}`, node: 'n', owner: 'team shop', reason, at: NOW.toISOString() }));

    const text = forcedText(forced);

    expect(shown(`all 6 instances are of the current version; ${text}`)).toContain(
      `shop/db-4 (team shop) on n at 2026-01-01 02:00 UTC: ${reason}`,
    );
    expect(text).toMatch(/\| and 1 more$/);
    expect(forcedText([])).toBe('');
  });

  it('takes no more room than others do where nobody blocks', () => {
    expect(shown('x'.repeat(5000)).length).toBeLessThan(500);
  });
});
