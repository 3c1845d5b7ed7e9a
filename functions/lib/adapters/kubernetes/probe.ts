import { RootVersions, ServerVersion } from '#model/kubernetes.ts';
import type { ApiProbe, PathAnswer } from '#ports/kubernetes.ts';
import { type ApiAddress, overOneConnection, type Send } from './http.ts';

/**
 * Asks who answers, where wanted, and /readyz over one new connection, so that all answers are of one instance. Never throws.
 */
export async function probe(api: ApiAddress, withIdentity: boolean): Promise<ApiProbe> {
  const start = performance.now();
  try {
    const { version, server, readyz } = await overOneConnection(api, async (send) => ({
      version: withIdentity ? await versionOf(send) : undefined,
      server: withIdentity ? await serverOf(send) : undefined,
      readyz: await send({ method: 'GET', path: '/readyz' }),
    }));
    const milliseconds = Math.round(performance.now() - start);
    const ready = readyz.status === 200;
    return {
      ready,
      milliseconds,
      reason: ready ? 'ok' : failingChecks(readyz.status, readyz.body),
      ...(version === undefined ? {} : { version }),
      ...(server === undefined ? {} : { server }),
    };
  } catch (error) {
    return {
      ready: false,
      milliseconds: Math.round(performance.now() - start),
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

const SHOWN = 200;

/** GET of a path over the kept connections. Never throws. */
export async function ask(send: Send, path: string): Promise<PathAnswer> {
  const start = performance.now();
  const took = (): number => Math.round(performance.now() - start);
  try {
    const { status, body } = await send({ method: 'GET', path });
    return { status, milliseconds: took(), reason: body.slice(0, SHOWN) };
  } catch (error) {
    return { status: 0, milliseconds: took(), reason: error instanceof Error ? error.message : String(error) };
  }
}

async function versionOf(send: Send): Promise<string | undefined> {
  const answer = await send({ method: 'GET', path: '/version' });
  if (answer.status !== 200) return undefined;
  return ServerVersion.parse(JSON.parse(answer.body)).gitVersion.slice(1);
}

/** An API server names the address that it advertises, `10.20.0.100:6443`, at the root of its core group. */
async function serverOf(send: Send): Promise<string | undefined> {
  const answer = await send({ method: 'GET', path: '/api' });
  if (answer.status !== 200) return undefined;
  const [own] = RootVersions.parse(JSON.parse(answer.body)).serverAddressByClientCIDRs;
  return own?.serverAddress.replace(/:\d+$/, '');
}

/** /readyz lists its checks, a failing one as `[-]name failed: reason`. */
function failingChecks(status: number, body: string): string {
  const failing = body.split('\n').filter((line) => line.startsWith('[-]'));
  return `/readyz answers ${status}${failing.length === 0 ? '' : `: ${failing.map((line) => line.slice(3)).join('; ')}`}`;
}
