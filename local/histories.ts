import {
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';

/** One execution as listed. */
export interface ListedExecution {
  readonly arn: string;
  readonly machine: string;
  readonly name: string;
  readonly status: string;
  readonly start: Date;
  readonly stop?: Date;
}

/** Arns of the state machines by name without prefix, for example `rollout`. */
export async function listMachines(client: SFNClient): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const answer = await client.send(new ListStateMachinesCommand({ maxResults: 100 }));
  for (const machine of answer.stateMachines ?? []) {
    if (machine.name?.startsWith('sluice-') && machine.stateMachineArn)
      found.set(machine.name.slice('sluice-'.length), machine.stateMachineArn);
  }
  return found;
}

/** All executions of all machines, oldest first. */
export async function listExecutions(client: SFNClient, machines: ReadonlyMap<string, string>): Promise<ListedExecution[]> {
  const all: ListedExecution[] = [];
  for (const [machine, stateMachineArn] of machines) {
    let nextToken: string | undefined;
    do {
      const page = await client.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 1000, ...(nextToken ? { nextToken } : {}) }));
      for (const item of page.executions ?? []) {
        if (!item.executionArn || !item.name || !item.startDate) continue;
        const stop = item.stopDate ? { stop: item.stopDate } : {};
        all.push({ arn: item.executionArn, machine, name: item.name, status: item.status ?? 'UNKNOWN', start: item.startDate, ...stop });
      }
      nextToken = page.nextToken;
    } while (nextToken);
  }
  return all.sort((left, right) => left.start.getTime() - right.start.getTime());
}

/** Events a page holds when only the newest are asked for: a state or two of an execution. */
const NEW_EVENTS_PAGE = 25;

/**
 * What was added to a history after the event `afterId` (0: all of it), oldest first. Read from the end: a wait of half an
 * hour is thousands of events, and looking at all of them every second costs more than what is waited for.
 */
export async function readNewEvents(client: SFNClient, executionArn: string, afterId: number): Promise<HistoryEvent[]> {
  const added: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new GetExecutionHistoryCommand({
        executionArn,
        reverseOrder: true,
        maxResults: NEW_EVENTS_PAGE,
        ...(nextToken ? { nextToken } : {}),
      }),
    );
    const events = page.events ?? [];
    added.push(...events.filter(({ id }) => (id ?? 0) > afterId));
    nextToken = events.some(({ id }) => (id ?? 0) <= afterId) ? undefined : page.nextToken;
  } while (nextToken);
  return added.reverse();
}

/** The whole history of an execution. */
export async function readHistory(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, ...(nextToken ? { nextToken } : {}) }));
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  return events;
}
