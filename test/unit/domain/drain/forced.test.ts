import { describe, expect, it } from 'vitest';
import { type ForcedDeletion, forcedEvent, keepForced } from '#domain/drain/forced.ts';
import { ownerOf } from '#domain/drain/owners.ts';
import { pod } from '../../../support/drain.ts';

const RECORD: ForcedDeletion = {
  pod: 'shop/web-1',
  node: 'n1',
  owner: null,
  reason: 'all conditions hold',
  at: '2026-03-01T12:00:00.123Z',
};

describe('the event of a forced deletion', () => {
  it('is a warning of the pod, with the reason', () => {
    expect(forcedEvent(pod(), RECORD)).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'sluice-forced-uid-web-1', namespace: 'shop' },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'web-1', namespace: 'shop', uid: 'uid-web-1' },
      type: 'Warning',
      reason: 'ForcedByRoll',
      message: 'Deleted for the replacement of node n1: all conditions hold',
      source: { component: 'sluice' },
      firstTimestamp: '2026-03-01T12:00:00Z',
      lastTimestamp: '2026-03-01T12:00:00Z',
      count: 1,
    });
  });

  it('of a pod without a uid has its name', () => {
    const one = pod();

    expect(forcedEvent({ ...one, metadata: { ...one.metadata, uid: '' } }, RECORD).metadata.name).toBe('sluice-forced-web-1');
  });

  it('has a time to the second', () => {
    expect(forcedEvent(pod(), { ...RECORD, at: '2026-03-01T12:00:00Z' })['firstTimestamp']).toBe('2026-03-01T12:00:00Z');
    expect(forcedEvent(pod(), { ...RECORD, at: '2026-03-01T12:00:00.5Z' })['lastTimestamp']).toBe('2026-03-01T12:00:00Z');
  });

  it('has a message that the API takes', () => {
    expect(String(forcedEvent(pod(), { ...RECORD, reason: 'x'.repeat(2000) })['message'])).toHaveLength(1000);
  });
});

describe('what is kept of forced deletions', () => {
  const records = (from: number, count: number): ForcedDeletion[] =>
    Array.from({ length: count }, (_, index) => ({ ...RECORD, pod: `shop/web-${from + index}` }));

  it('is the newest twenty, in order', () => {
    expect(keepForced(records(0, 2), records(2, 1))).toEqual(records(0, 3));
    expect(keepForced(records(0, 20), records(20, 3))).toEqual(records(3, 20));
  });
});

describe('whose something is', () => {
  it.each([
    ['team', 'team x'],
    ['owner', 'owner x'],
    ['app.kubernetes.io/part-of', 'part-of x'],
    ['application', 'application x'],
    ['app.kubernetes.io/name', 'name x'],
    ['app', 'app x'],
  ])('by the label %s', (label, owner) => {
    expect(ownerOf({ [label]: 'x', tier: 'y' })).toBe(owner);
  });
});
