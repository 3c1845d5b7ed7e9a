import { classifyEvent, type Start } from '#domain/events.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { Executions } from '#ports/executions.ts';
import type { Log } from '#ports/log.ts';

/** A delivery as it came, headers with lower-case names. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface Answer {
  readonly statusCode: number;
  readonly body: string;
}

export interface WebhookPorts {
  readonly executions: Executions;
  /** Verifies the signature against each valid secret, in constant time. */
  readonly verify: (body: string, signature: string) => Promise<boolean>;
  /** The App's installation: events of another are refused. */
  readonly installationId: number;
  /** The fleet repository: an installation may reach more of them. */
  readonly repository: RepositoryRef;
  /** Branches of the fleet (`main` and each channel's); undefined while nobody has read the settings. */
  readonly fleetBranches: () => Promise<ReadonlySet<string> | undefined>;
  readonly log: Log;
}

/** GitHub caps payloads at 25 MB and then sends nothing; a Lambda takes 6 MB. What is larger is not from GitHub to us. */
export const BODY_LIMIT_BYTES = 6 * 1024 * 1024;

/**
 * Answers a delivery: 401 for a bad signature (without detail), 413 for an oversized body, 400 for a signed body of the
 * wrong shape, 202 where nothing is asked for, 200 when the execution is there. The same delivery twice starts one execution.
 */
export async function receive(delivery: Delivery, ports: WebhookPorts): Promise<Answer> {
  if (Buffer.byteLength(delivery.body) > BODY_LIMIT_BYTES) return answer(413, 'payload too large');
  const signature = delivery.headers['x-hub-signature-256'] ?? '';
  if (!(await ports.verify(delivery.body, signature))) return answer(401, 'unauthorized');
  const event = delivery.headers['x-github-event'] ?? '';
  const payload = parseJson(delivery.body);
  if (payload === undefined) return answer(400, 'the body is not JSON');
  const classified = classifyEvent(event, payload);
  const context = { event, delivery: delivery.headers['x-github-delivery'] };
  if (classified.kind === 'malformed') {
    ports.log.warn('delivery of the wrong shape', { ...context, reason: classified.reason });
    return answer(400, classified.reason);
  }
  if (classified.kind === 'ignored') return answer(202, classified.reason);
  if (classified.installation !== ports.installationId || !isSame(classified.repository, ports.repository)) {
    ports.log.warn('delivery of another installation or repository', context);
    return answer(401, 'unauthorized');
  }
  const starts = await ofTheFleet(classified.starts, ports);
  if (starts.length === 0) return answer(202, "the branch is no channel's and not that of the settings");
  const started: string[] = [];
  for (const start of starts) {
    const { existed } = await ports.executions.start(start.machine, start.name, start.input);
    ports.log.info('execution asked for', { ...context, machine: start.machine, execution: start.name, existed });
    started.push(start.name);
  }
  return answer(200, JSON.stringify({ executions: started }));
}

/** Without what is about a branch that the fleet does not use. Where that is not known, the execution finds out. */
async function ofTheFleet(starts: readonly Start[], { fleetBranches, log }: WebhookPorts): Promise<readonly Start[]> {
  if (starts.every((start) => start.onlyBranch === undefined)) return starts;
  const branches = await fleetBranches().catch((error: unknown) => {
    log.warn("the fleet's branches can't be read; the execution finds out", { reason: String(error) });
    return undefined;
  });
  return starts.filter(({ onlyBranch }) => onlyBranch === undefined || branches === undefined || branches.has(onlyBranch));
}

/** GitHub's names have no case. */
function isSame(one: RepositoryRef, other: RepositoryRef): boolean {
  return one.owner.toLowerCase() === other.owner.toLowerCase() && one.name.toLowerCase() === other.name.toLowerCase();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function answer(statusCode: number, body: string): Answer {
  return { statusCode, body };
}
