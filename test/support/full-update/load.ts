/**
 * A load client in a process of its own: `node load.ts FILE` with the JSON of LoadPlan in FILE. Calls until SIGTERM and
 * then writes what it saw, as the JSON of Measured, to standard output.
 */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientIdentity } from '#model/identity.ts';
import { type Attempted, measure } from './measure.ts';

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  /** Paths that are called in turn; a `PATCH` changes the object there. */
  readonly calls: readonly { readonly method: 'GET' | 'PATCH'; readonly path: string }[];
  /** For TLS; the server must prove to be `kubernetes`. */
  readonly identity?: ClientIdentity;
  readonly clients: number;
  /** Between the starts of two calls of a client. */
  readonly everyMilliseconds: number;
  readonly timeoutMilliseconds: number;
  readonly retries: number;
}

const RETRY_AFTER_MILLISECONDS = 100;

async function runClient(client: number, plan: LoadPlan, attempts: Attempted[], stopped: () => boolean): Promise<void> {
  for (let turn = client; !stopped(); turn += 1) {
    const startedAt = Date.now();
    const call = plan.calls[turn % plan.calls.length];
    if (call === undefined) throw new Error('there is nothing to call');
    let error: string | undefined;
    let tries = 0;
    do {
      if (tries > 0) await delay(RETRY_AFTER_MILLISECONDS);
      tries += 1;
      error = await once(plan, call, `${client}-${turn}`);
    } while (error !== undefined && tries <= plan.retries);
    const endedAt = Date.now();
    attempts.push({ client, startedAt, endedAt, tries, ...(error === undefined ? {} : { error }) });
    await delay(Math.max(0, plan.everyMilliseconds - (endedAt - startedAt)));
  }
}

/** Why a call was not answered well; each has a connection of its own, so that none is kept to what is going away. */
function once(plan: LoadPlan, { method, path }: LoadPlan['calls'][number], mark: string): Promise<string | undefined> {
  const { host, port, identity, timeoutMilliseconds } = plan;
  const body = method === 'PATCH' ? JSON.stringify({ data: { mark } }) : undefined;
  const options = { host, port, method, path, headers: { 'content-type': 'application/merge-patch+json' } };
  return new Promise((resolve) => {
    const agent = identity === undefined ? new HttpAgent({ keepAlive: false }) : new HttpsAgent({ keepAlive: false, ...identity });
    const sent =
      identity === undefined
        ? httpRequest({ ...options, agent: agent as HttpAgent })
        : httpsRequest({ ...options, agent: agent as HttpsAgent, servername: 'kubernetes' });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMilliseconds} ms`)), timeoutMilliseconds);
    const end = (error: string | undefined): void => {
      clearTimeout(timer);
      agent.destroy();
      resolve(error);
    };
    sent.on('response', (answer) => {
      answer
        .resume()
        .once('end', () => end(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`))
        .once('error', (error) => end(error.message));
    });
    sent.once('error', (error) => end(error.message));
    sent.end(body);
  });
}

const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as LoadPlan;
const attempts: Attempted[] = [];
let stopped = false;
process.once('SIGTERM', () => {
  stopped = true;
});
await Promise.all(Array.from({ length: plan.clients }, (_each, client) => runClient(client, plan, attempts, () => stopped)));
process.stdout.write(`${JSON.stringify(measure(attempts))}\n`);
