import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { type ListedExecution, listExecutions, listMachines, readHistory } from './histories.ts';

/** One execution as its history tells it. */
export interface AuditedExecution {
  readonly machine: string;
  readonly name: string;
  readonly status: string;
  readonly subject: string;
  readonly seconds: number;
  /** Seconds in each state, waits and repeated looks summed under the state's step. */
  readonly states: readonly { readonly state: string; readonly seconds: number }[];
  readonly backup: string | undefined;
  readonly mergedBy: string | undefined;
  readonly pullRequest: number | undefined;
}

const Input = z.object({
  cluster: z.object({ name: z.string() }).optional(),
  number: z.int().optional(),
  branch: z.string().optional(),
  look: z.object({ branch: z.string().optional() }).optional(),
  readPullRequest: z.object({ number: z.int() }).optional(),
});
const Output = z.object({
  writeManifest: z.object({ id: z.string(), proven: z.boolean() }).optional(),
  backup: z.object({ id: z.string(), proven: z.boolean() }).optional(),
  resolveRevision: z.object({ mergedBy: z.string().nullable(), mergedPullRequest: z.int().nullable() }).optional(),
});

/** Reads the histories of all executions that began at or after a time. */
export async function readAudit(client: SFNClient, since: Date): Promise<AuditedExecution[]> {
  const all = await listExecutions(client, await listMachines(client));
  const wanted = all.filter((execution) => execution.start >= since);
  return Promise.all(wanted.map(async (execution) => audited(execution, await readHistory(client, execution.arn))));
}

function audited(execution: ListedExecution, events: readonly HistoryEvent[]): AuditedExecution {
  const input = parsed(Input, events.find((event) => event.executionStartedEventDetails)?.executionStartedEventDetails?.input);
  const output = parsed(Output, events.find((event) => event.executionSucceededEventDetails)?.executionSucceededEventDetails?.output);
  const number = input?.number ?? input?.readPullRequest?.number;
  const backup = output?.backup ?? output?.writeManifest;
  return {
    machine: execution.machine,
    name: execution.name,
    status: execution.status,
    subject: input?.cluster?.name ?? (number === undefined ? (input?.branch ?? input?.look?.branch ?? '') : `#${number}`),
    seconds: ((execution.stop ?? new Date()).getTime() - execution.start.getTime()) / 1000,
    states: stateTimes(events),
    backup: backup === undefined ? undefined : `${backup.id} ${backup.proven ? 'proven' : 'not proven'}`,
    mergedBy: output?.resolveRevision?.mergedBy ?? undefined,
    pullRequest: output?.resolveRevision?.mergedPullRequest ?? undefined,
  };
}

/** Time from each entered state to the next entry, summed by step. */
function stateTimes(events: readonly HistoryEvent[]): { state: string; seconds: number }[] {
  const sums = new Map<string, number>();
  let current: { step: string; at: number } | undefined;
  for (const event of events) {
    const name = event.stateEnteredEventDetails?.name;
    const at = event.timestamp?.getTime() ?? 0;
    const closes = name !== undefined || event.type === 'ExecutionSucceeded' || event.type === 'ExecutionFailed';
    if (!closes) continue;
    if (current !== undefined) sums.set(current.step, (sums.get(current.step) ?? 0) + (at - current.at) / 1000);
    current = name === undefined ? undefined : { step: name.replace(/-{1,2}(done|wait|needed)$/, ''), at };
  }
  return [...sums].map(([state, seconds]) => ({ state, seconds }));
}

/** The audit as text: who merged, which executions, backups and clusters, and how long each step took. */
export function auditText(executions: readonly AuditedExecution[]): string {
  if (executions.length === 0) return 'No execution was found: the state machines have no history.';
  const lines = ['Audit of the change, read from state machine history', ''];
  for (const execution of executions) {
    const who = execution.mergedBy === undefined ? '' : `, #${execution.pullRequest ?? ''} merged by ${execution.mergedBy}`;
    const backup = execution.backup === undefined ? '' : `, backup ${execution.backup}`;
    lines.push(`${execution.machine} ${execution.subject}: ${execution.status} in ${execution.seconds.toFixed(1)} s${who}${backup}`);
    lines.push(`    execution ${execution.name}`);
    const slow = execution.states.filter((state) => state.seconds >= 0.05);
    for (const row of wrapped(
      slow.map((state) => `${state.state} ${state.seconds.toFixed(1)}`),
      100,
    ))
      lines.push(`    ${row}`);
  }
  return lines.join('\n');
}

function wrapped(words: readonly string[], width: number): string[] {
  const rows: string[] = [];
  for (const word of words) {
    const last = rows.at(-1);
    if (last === undefined || last.length + word.length + 2 > width) rows.push(word);
    else rows[rows.length - 1] = `${last}, ${word}`;
  }
  return rows;
}

function parsed<S extends z.ZodType>(schema: S, text: string | undefined): z.infer<S> | undefined {
  if (text === undefined) return undefined;
  const result = schema.safeParse(JSON.parse(text));
  return result.success ? result.data : undefined;
}
