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
  /** On a connection that no other request shares. */
  readonly newConnection?: boolean;
}

/** Sends one request. @throws ClusterUnreachableError when no answer came in time */
export type Send = (request: ApiRequest) => Promise<ApiAnswer>;

const DEADLINE_SECONDS = 10;
/** An answer larger than this is broken; lists are read by pages. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

/** HTTPS to one API with a client certificate; connections are kept and shared. */
export function createSend(api: ApiAddress): Send {
  const tls = { ca: api.ca, cert: api.cert, key: api.key, servername: api.serverName };
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ...tls });
  return (wanted) =>
    new Promise((resolve, reject) => {
      const what = `${wanted.method} https://${api.address}:${api.port}${wanted.path.split('?')[0]}`;
      const fail = (error: Error): void => {
        const reason = error.name === 'TimeoutError' || error.name === 'AbortError' ? `no answer in ${DEADLINE_SECONDS} s` : error.message;
        reject(new ClusterUnreachableError(`${what}: ${reason}`, { cause: error }));
      };
      const body = wanted.body === undefined ? undefined : JSON.stringify(wanted.body);
      const call = request(
        {
          host: api.address,
          port: api.port,
          path: wanted.path,
          method: wanted.method,
          signal: AbortSignal.timeout(DEADLINE_SECONDS * 1000),
          agent: wanted.newConnection === true ? new Agent({ keepAlive: false, ...tls }) : agent,
          headers: {
            accept: 'application/json',
            'user-agent': 'sluice',
            ...(body === undefined
              ? {}
              : { 'content-type': wanted.contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > LARGEST_ANSWER) answer.destroy(new Error(`the answer is larger than ${LARGEST_ANSWER} bytes`));
            else chunks.push(chunk);
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
          answer.on('error', fail);
        },
      );
      call.on('error', fail);
      call.end(body);
    });
}
