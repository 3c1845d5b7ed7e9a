import { describe, expect, it } from 'vitest';
import { judgeFullUpdate } from '../../support/full-update/judge.ts';
import { type Attempted, type Measured, measure } from '../../support/full-update/measure.ts';

function call(client: number, startedAt: number, endedAt: number, error?: string): Attempted {
  return { client, startedAt, endedAt, tries: error === undefined ? 1 : 2, ...(error === undefined ? {} : { error }) };
}

describe('measure', () => {
  it('counts calls, failures and retries, and names the errors', () => {
    const seen = measure([call(0, 0, 10), call(0, 10, 30, 'reset'), call(0, 30, 40), call(1, 0, 5, 'reset'), call(1, 5, 9, 'refused')]);

    expect(seen).toMatchObject({ calls: 5, failed: 3, retried: 3, failedPercent: 60, errors: { reset: 2, refused: 1 } });
  });

  it('finds the longest time of one client without a good answer', () => {
    const steady = Array.from({ length: 30 }, (_each, index) => call(0, index * 100, index * 100 + 10));
    const stuck = [call(1, 0, 10), call(1, 100, 1900, 'no answer'), call(1, 2000, 2010)];

    expect(measure([...steady, ...stuck]).longestGapSeconds).toBe(2);
  });

  it('takes the time before the first and after the last good answer for gaps too', () => {
    expect(measure([call(0, 0, 3000)]).longestGapSeconds).toBe(3);
    expect(measure([call(0, 0, 10), call(0, 20, 4010, 'gone')]).longestGapSeconds).toBe(4);
    expect(measure([]).longestGapSeconds).toBe(0);
  });
});

describe('judgeFullUpdate', () => {
  const good: Measured = { calls: 5000, failed: 0, retried: 3, failedPercent: 0, longestGapSeconds: 1.2, errors: {} };
  const kubelets = Array.from({ length: 6 }, () => 'v1.36.3');
  const judged = (changes: { service?: Partial<Measured>; api?: Partial<Measured>; kubelets?: string[] }) =>
    judgeFullUpdate({
      seconds: 100,
      kubelets: changes.kubelets ?? kubelets,
      service: { ...good, ...changes.service },
      api: { ...good, ...changes.api },
    });

  it('says of each goal what was reached', () => {
    const { lines, short } = judged({});

    expect(short).toEqual([]);
    expect(lines).toContain('full-update.service.failed 0 calls goal <= 0 ok');
    expect(lines).toContain('full-update.api.longest-gap 1.2 s goal <= 2 ok');
  });

  it.each([
    [{ service: { failed: 1 } }, 'service.failed'],
    [{ service: { calls: 10 } }, 'service.calls'],
    [{ api: { failedPercent: 0.2 } }, 'api.failed'],
    [{ api: { longestGapSeconds: 2.1 } }, 'api.longest-gap'],
    [{ api: { calls: 10 } }, 'api.calls'],
    [{ kubelets: kubelets.slice(1) }, 'nodes'],
    [{ kubelets: [...kubelets.slice(1), 'v1.35.4'] }, 'nodes.updated'],
  ])('falls short with %j', (changes, name) => {
    expect(judged(changes).short).toContain(name);
  });
});
