import type { GetExecutionHistoryCommandInput, HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { readNewEvents } from '../../../local/histories.ts';

/** A history of `length` events, answered by pages as Step Functions does. */
function historyOf(length: number) {
  const events: HistoryEvent[] = Array.from({ length }, (_, index) => ({ id: index + 1, type: 'TaskStateEntered', timestamp: undefined }));
  const requests: GetExecutionHistoryCommandInput[] = [];
  const send = async ({ input }: { input: GetExecutionHistoryCommandInput }) => {
    requests.push(input);
    const ordered = input.reverseOrder === true ? events.toReversed() : events;
    const from = Number(input.nextToken ?? 0);
    const to = from + (input.maxResults ?? 100);
    return { events: ordered.slice(from, to), ...(to < length ? { nextToken: String(to) } : {}) };
  };
  return { client: { send } as unknown as SFNClient, requests };
}

describe('new events of a history', () => {
  test.each([
    ['all of it at first', 60, 0, 3],
    ['what came since, by one request', 10_000, 9_990, 1],
    ['what came since, over pages', 10_000, 9_960, 2],
    ['nothing when nothing came', 60, 60, 1],
  ])('%s', async (_, length, after, requests) => {
    const history = historyOf(length);

    const events = await readNewEvents(history.client, 'arn', after);

    expect(events.map(({ id }) => id)).toEqual(Array.from({ length: length - after }, (_element, index) => after + index + 1));
    expect(history.requests).toHaveLength(requests);
  });
});
