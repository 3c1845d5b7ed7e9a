import { Agent, request } from 'node:https';
import { API_PORT } from '#domain/network.ts';
import { ClusterUnreachableError } from '#model/errors.ts';

export interface KubernetesAnswer {
  readonly status: number;
  readonly body: unknown;
  /** The API server's own words when it refused. */
  readonly message: string;
}

export interface KubernetesApi {
  /** @throws ClusterUnreachableError when nothing answers */
  call(method: string, path: string, body?: unknown): Promise<KubernetesAnswer>;
  close(): void;
}

export interface ClientIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A person's: the authority to trust, and a token of the issuer. */
export interface TokenIdentity {
  readonly ca: string;
  readonly token: string;
}

/** A client of the API behind a cluster's load balancer, by client certificate or token; the server must prove to be `kubernetes`. */
export function kubernetesApi(address: string, identity: ClientIdentity | TokenIdentity, port: number = API_PORT): KubernetesApi {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, ...('token' in identity ? { ca: identity.ca } : identity) });
  const send = (method: string, path: string, body: unknown): Promise<KubernetesAnswer> =>
    new Promise((resolve, reject) => {
      const headers = {
        accept: 'application/json',
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
        ...('token' in identity ? { authorization: `Bearer ${identity.token}` } : {}),
      };
      const sent = request({ host: address, port, method, path, agent, servername: 'kubernetes', headers, timeout: 10_000 }, (answer) => {
        answer
          .toArray()
          .then((chunks: Buffer[]) => resolve(readAnswer(answer.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))))
          .catch(reject);
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer within 10 s')));
      sent.on('error', (error) =>
        reject(sent.reusedSocket && 'code' in error && error.code === 'ECONNRESET' ? new StaleConnection() : error),
      );
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const call = async (method: string, path: string, body?: unknown): Promise<KubernetesAnswer> => {
    try {
      return await send(method, path, body).catch((error: unknown) => {
        if (error instanceof StaleConnection) return send(method, path, body);
        throw error;
      });
    } catch (error) {
      throw new ClusterUnreachableError(`${method} https://${address}:${port}${path}: ${String(error)}`, { cause: error });
    }
  };
  return { call, close: () => agent.destroy() };
}

/** A kept connection that the server closed just when it was used again: nothing was sent, so it is tried once more. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

function readAnswer(status: number, text: string): KubernetesAnswer {
  try {
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const message = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : '';
    return { status, body, message };
  } catch {
    // Not JSON: the text itself is what the server had to say.
    return { status, body: undefined, message: text.slice(0, 200) };
  }
}
