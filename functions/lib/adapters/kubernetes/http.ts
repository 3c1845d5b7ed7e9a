import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { ClientIdentity } from '#model/identity.ts';

export interface ApiAddress extends ClientIdentity {
  readonly address: string;
  readonly port: number;
  /** The name that the server's certificate must carry. */
  readonly serverName: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

export interface ApiRequest {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Kind of the answer; by default the whole object as JSON. */
  readonly accept?: string;
}

/** Sends one request. @throws ClusterUnreachableError when no answer came; its cause is a `TimeoutError` when none came in time */
export type Send = (request: ApiRequest) => Promise<ApiAnswer>;

const DEADLINE_SECONDS = 10;
/** What changes something goes through admission webhooks, and one may take 30 s before the API server tells so. */
const CHANGE_DEADLINE_SECONDS = 40;
/** An answer larger than this is broken; lists are read by pages. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

/** Connections that nobody uses are closed after this; a client is made for each step. */
const IDLE_SECONDS = 15;

/** HTTPS to one API with a client certificate; connections are kept and shared. */
export function createSend(api: ApiAddress): Send {
  const tls = { ca: api.ca, cert: api.cert, key: api.key, servername: api.serverName };
  const kept = new Agent({ keepAlive: true, maxSockets: 16, timeout: IDLE_SECONDS * 1000, ...tls });
  return async (wanted) => {
    const once = (agent: Agent): Promise<ApiAnswer> => sendOnce(api, agent, wanted);
    const alone = (): Agent => new Agent({ keepAlive: false, ...tls });
    try {
      return await once(kept);
    } catch (error) {
      // A kept connection may have been closed from the other side just now. Every request of ours may be repeated.
      if (!(error instanceof StaleConnection)) throw error;
      return once(alone());
    }
  };
}

/**
 * Runs requests one after another over one new connection: behind a load balancer all of them meet the same instance.
 */
export async function overOneConnection<T>(api: ApiAddress, work: (send: Send) => Promise<T>): Promise<T> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: api.ca, cert: api.cert, key: api.key, servername: api.serverName });
  try {
    return await work((wanted) => sendOnce(api, agent, wanted));
  } finally {
    agent.destroy();
  }
}

/** Not an error of the model: it never leaves this file. */
class StaleConnection extends Error {}

function sendOnce(api: ApiAddress, agent: Agent, wanted: ApiRequest): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const what = `${wanted.method} https://${api.address}:${api.port}${wanted.path.split('?')[0]}`;
    const body = wanted.body === undefined ? undefined : JSON.stringify(wanted.body);
    const { method, path } = wanted;
    const deadline = method === 'GET' ? DEADLINE_SECONDS : CHANGE_DEADLINE_SECONDS;
    const signal = AbortSignal.timeout(deadline * 1000);
    const headers = headersOf(body, wanted);
    const call = request({ host: api.address, port: api.port, path, method, signal, agent, headers }, (answer) => {
      readBody(answer).then((text) => resolve({ status: answer.statusCode ?? 0, body: text }), fail);
    });
    function fail(error: unknown): void {
      if (call.reusedSocket && isReset(error)) {
        reject(new StaleConnection());
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      const reason = signal.aborted ? `no answer in ${deadline} s` : message;
      reject(new ClusterUnreachableError(`${what}: ${reason}`, { cause: signal.aborted ? signal.reason : error }));
    }
    call.on('error', fail);
    call.end(body);
  });
}

function headersOf(
  body: string | undefined,
  { contentType = 'application/json', accept = 'application/json' }: ApiRequest,
): Record<string, string | number> {
  const common = { accept, 'user-agent': 'sluice' };
  return body === undefined ? common : { ...common, 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > LARGEST_ANSWER) throw new Error(`the answer is larger than ${LARGEST_ANSWER} bytes`);
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}
