import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeGap, UNWATCHED, watchApi } from '#domain/api-gap.ts';

const START = Date.parse('2026-01-05T08:00:00Z');
const probes = fc.array(fc.record({ pause: fc.nat({ max: 60_000 }), milliseconds: fc.nat({ max: 10_000 }), ready: fc.boolean() }), {
  maxLength: 40,
});

function timed(list: readonly { pause: number; milliseconds: number; ready: boolean }[]) {
  let at = START;
  return list.map(({ pause, milliseconds, ready }) => {
    const probe = { at: new Date(at + pause), milliseconds, ready };
    at += pause + milliseconds;
    return probe;
  });
}

describe('gaps of the API', () => {
  it('are measured the same however the probes are spread over looks', () => {
    fc.assert(
      fc.property(probes, fc.nat({ max: 40 }), (list, cut) => {
        const all = timed(list);

        const once = watchApi(UNWATCHED, all);
        const twice = watchApi(watchApi(UNWATCHED, all.slice(0, cut)), all.slice(cut));

        expect(twice).toEqual(once);
      }),
    );
  });

  it('span each run of failed probes between two answers, and only those', () => {
    fc.assert(
      fc.property(probes, (list) => {
        const all = timed(list);
        const good = all.map((probe, index) => ({ ...probe, index })).filter(({ ready }) => ready);
        const spans = good.slice(1).flatMap((later, position) => {
          const earlier = good[position];
          if (earlier === undefined || later.index === earlier.index + 1) return [];
          return [later.at.getTime() + later.milliseconds - earlier.at.getTime() - earlier.milliseconds];
        });

        const { longestGapMilliseconds, probes: count, failed } = watchApi(UNWATCHED, all);

        expect(longestGapMilliseconds).toBe(Math.max(0, ...spans));
        expect([count, failed]).toEqual([all.length, all.length - good.length]);
      }),
    );
  });

  it('are told in words', () => {
    const at = (second: number) => new Date(START + second * 1000);
    const good = watchApi(UNWATCHED, [{ at: at(0), milliseconds: 20, ready: true }]);
    const gone = watchApi(good, [{ at: at(1), milliseconds: 20, ready: false }]);
    const back = watchApi(gone, [{ at: at(2), milliseconds: 20, ready: true }]);

    expect([good, gone, back].map(describeGap)).toEqual([
      '0 of 1 probes of the API failed',
      '1 of 2 probes of the API failed, the last one too',
      '1 of 3 probes of the API failed, longest gap 2000 ms',
    ]);
  });
});
