import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

export const Pull = z.object({
  id: z.int(),
  number: z.int(),
  title: z.string(),
  body: z.string(),
  state: z.enum(['open', 'closed']),
  author: z.string(),
  baseRef: z.string(),
  /** Head of the base when the head was last pushed: GitHub does not move it with the base. */
  baseSha: z.string(),
  headOwner: z.string(),
  headRef: z.string(),
  headSha: z.string(),
  /** null until the test merge is made. */
  mergeable: z.boolean().nullable(),
  mergeCommitSha: z.string().nullable(),
  merged: z.boolean(),
  mergedBy: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  closedAt: z.string().nullable(),
});
export type Pull = z.infer<typeof Pull>;

export const Annotation = z.object({
  path: z.string(),
  start_line: z.int(),
  end_line: z.int(),
  start_column: z.int().optional(),
  end_column: z.int().optional(),
  annotation_level: z.enum(['notice', 'warning', 'failure']),
  message: z.string(),
  title: z.string().optional(),
  raw_details: z.string().optional(),
});
export type Annotation = z.infer<typeof Annotation>;

export const CheckAction = z.object({ label: z.string(), description: z.string(), identifier: z.string() });

export const CheckRun = z.object({
  id: z.int(),
  suiteId: z.int(),
  name: z.string(),
  headSha: z.string(),
  status: z.enum(['queued', 'in_progress', 'completed']),
  conclusion: z.string().nullable(),
  detailsUrl: z.string().nullable(),
  externalId: z.string(),
  startedAt: z.string(),
  completedAt: z.string().nullable(),
  title: z.string().nullable(),
  summary: z.string().nullable(),
  text: z.string().nullable(),
  annotations: z.array(Annotation),
  actions: z.array(CheckAction),
});
export type CheckRun = z.infer<typeof CheckRun>;

export const CheckSuite = z.object({ id: z.int(), headSha: z.string(), headBranch: z.string().nullable(), createdAt: z.string() });
export type CheckSuite = z.infer<typeof CheckSuite>;

export const Comment = z.object({ id: z.int(), number: z.int(), author: z.string(), body: z.string(), createdAt: z.string() });
export type Comment = z.infer<typeof Comment>;

/** One try to deliver a webhook; a redelivery has the same guid. */
export const Delivery = z.object({
  id: z.int(),
  guid: z.string(),
  event: z.string(),
  action: z.string().nullable(),
  deliveredAt: z.string(),
  redelivery: z.boolean(),
  /** Seconds. */
  duration: z.number(),
  status: z.string(),
  /** 0 when no answer came. */
  statusCode: z.int(),
  url: z.string(),
  payload: z.string(),
  answer: z.string(),
});
export type Delivery = z.infer<typeof Delivery>;

const State = z.object({
  version: z.literal(1),
  nextId: z.int(),
  nextNumber: z.int(),
  csrf: z.string(),
  pulls: z.array(Pull),
  runs: z.array(CheckRun),
  suites: z.array(CheckSuite),
  comments: z.array(Comment),
  deliveries: z.array(Delivery),
  /** Installation tokens: SHA-256 in hex and end. */
  tokens: z.array(z.object({ sha256: z.string(), expiresAt: z.string() })),
});
export type State = z.infer<typeof State>;

/** GitHub lists deliveries of some days; here the newest of this number are kept. */
const KEPT_DELIVERIES = 1000;

/** State in memory, written to `state.json` soon after a change and on close. */
export interface Store {
  readonly state: State;
  /** A fresh id. */
  id(): number;
  /** Tells that the state changed. */
  touch(): void;
  /** Writes what is not yet written. */
  flush(): void;
}

/** Reads `state.json` of the directory, or begins anew. @throws when the file is not ours */
export function openStore(directory: string): Store {
  const file = join(directory, 'state.json');
  const state = read(file);
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    state.deliveries.splice(0, Math.max(0, state.deliveries.length - KEPT_DELIVERIES));
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  };
  return {
    state,
    id() {
      state.nextId += 1;
      return state.nextId;
    },
    touch() {
      timer ??= setTimeout(flush, 200).unref();
    },
    flush,
  };
}

function read(file: string): State {
  const text = readIfPresent(file);
  if (text !== undefined) return State.parse(JSON.parse(text));
  return {
    version: 1,
    nextId: 1000,
    nextNumber: 1,
    csrf: crypto.randomUUID(),
    pulls: [],
    runs: [],
    suites: [],
    comments: [],
    deliveries: [],
    tokens: [],
  };
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
