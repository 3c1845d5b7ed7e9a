import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { type ListedExecution, listExecutions, listMachines, readNewEvents } from './histories.ts';

/** One line of the timeline: what happens where. */
export interface TimelineLine {
  readonly at: Date;
  readonly machine: string;
  readonly execution: string;
  /** The cluster, or the pull request or branch that the execution is about. */
  readonly subject: string;
  readonly state: string;
  readonly detail: string;
  readonly kind: 'started' | 'state' | 'waiting' | 'succeeded' | 'failed';
}

const Input = z.object({
  cluster: z.object({ name: z.string() }).optional(),
  number: z.int().optional(),
  branch: z.string().optional(),
  look: z.object({ branch: z.string().optional() }).optional(),
  readPullRequest: z.object({ number: z.int() }).optional(),
});
const Waiting = z.object({ done: z.literal(false), reason: z.string() });
const LONGEST_REASON = 160;
/** States that only decide or pause: nothing to tell people. */
const SILENT =
  /-(done|wait|needed|verdict|claimed|kind|more|decision|up-to-date|from-scratch|subject)$|^unlock|^lock$|^(cluster|backup|e2e|rollout|pull-request)-(updated|deleted|proven|passed|succeeded|checked|gone)$/;

interface Seen {
  /** Id of the last event that was read. */
  last: number;
  subject: string;
  state: string;
  reason: string;
  closed: boolean;
}

/** Follows all executions of the hub and tells each new state once. Call `look` again and again. */
export function createTimeline(client: SFNClient, tell: (line: TimelineLine) => void): { look(): Promise<void> } {
  const seen = new Map<string, Seen>();
  let machines: Map<string, string> | undefined;
  return {
    async look() {
      machines ??= await listMachines(client);
      if (machines.size === 0) {
        machines = undefined;
        return;
      }
      for (const execution of await listExecutions(client, machines)) {
        const known = seen.get(execution.arn);
        if (known?.closed) continue;
        await follow(client, execution, known ?? { last: 0, subject: '', state: '', reason: '', closed: false }, seen, tell);
      }
    },
  };
}

async function follow(
  client: SFNClient,
  execution: ListedExecution,
  entry: Seen,
  seen: Map<string, Seen>,
  tell: (line: TimelineLine) => void,
): Promise<void> {
  const events = await readNewEvents(client, execution.arn, entry.last);
  seen.set(execution.arn, entry);
  const say = (at: Date | undefined, kind: TimelineLine['kind'], detail: string): void =>
    tell({
      at: at ?? new Date(),
      machine: execution.machine,
      execution: execution.name,
      subject: entry.subject,
      state: entry.state,
      detail,
      kind,
    });
  for (const event of events) {
    read(event, entry, say);
    entry.last = event.id ?? entry.last;
  }
}

function read(event: HistoryEvent, entry: Seen, say: (at: Date | undefined, kind: TimelineLine['kind'], detail: string) => void): void {
  const started = event.executionStartedEventDetails;
  if (started !== undefined) {
    entry.subject = subjectOf(started.input ?? '{}');
    say(event.timestamp, 'started', '');
    return;
  }
  const entered = event.stateEnteredEventDetails?.name;
  if (entered !== undefined && !SILENT.test(entered)) {
    const again = entered === entry.state;
    entry.state = entered;
    if (!again) {
      entry.reason = '';
      say(event.timestamp, 'state', '');
    }
    return;
  }
  const output = event.taskSucceededEventDetails?.output ?? event.lambdaFunctionSucceededEventDetails?.output;
  if (output !== undefined) {
    const waiting = Waiting.safeParse(parseJson(output));
    if (waiting.success && waiting.data.reason !== entry.reason) {
      entry.reason = waiting.data.reason;
      say(event.timestamp, 'waiting', shortened(waiting.data.reason));
    }
    return;
  }
  const failure = event.executionFailedEventDetails ?? event.executionAbortedEventDetails ?? event.executionTimedOutEventDetails;
  if (failure !== undefined) {
    entry.closed = true;
    say(event.timestamp, 'failed', `${failure.error ?? ''}: ${causeText(failure.cause ?? '')}`);
  } else if (event.type === 'ExecutionSucceeded') {
    entry.closed = true;
    say(event.timestamp, 'succeeded', '');
  }
}

/** A reason may name each of many nodes; the check has it whole. */
function shortened(reason: string): string {
  return reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON - 1)}…`;
}

/** The message of a Lambda's error, else the text itself, one line. */
export function causeText(cause: string): string {
  const parsed = z.object({ errorMessage: z.string() }).safeParse(parseJson(cause));
  const nested = z.object({ Cause: z.string() }).safeParse(parseJson(cause));
  if (nested.success) return causeText(nested.data.Cause);
  return (parsed.success ? parsed.data.errorMessage : cause).replace(/\s+/g, ' ').slice(0, 400);
}

function subjectOf(input: string): string {
  const parsed = Input.safeParse(parseJson(input));
  if (!parsed.success) return '';
  const { cluster, number, branch, look, readPullRequest } = parsed.data;
  return cluster?.name ?? ((number ?? readPullRequest?.number) ? `#${number ?? readPullRequest?.number}` : (branch ?? look?.branch ?? ''));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
