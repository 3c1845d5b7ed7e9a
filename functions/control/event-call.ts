import * as z from 'zod';

const EndedEvent = z.object({ id: z.string().min(1), time: z.string().min(1), source: z.literal('aws.states'), detail: z.looseObject({}) });

/**
 * The call of `on-execution-ended` for an EventBridge event; anything else is passed on as it is. The event's id stands
 * for the execution: the ended one may be marked cancelled, and its clean-up must run all the same.
 */
export function callOfEvent(event: unknown): unknown {
  const parsed = EndedEvent.safeParse(event);
  if (!parsed.success) return event;
  const { id, time, detail } = parsed.data;
  const step = 'on-execution-ended';
  return { step, machine: 'events', state: step, execution: id, startedAt: time, input: { detail }, with: {} };
}
