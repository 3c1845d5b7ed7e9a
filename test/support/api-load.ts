import { Agent, request } from 'node:https';
import type { ClientIdentity } from '#model/identity.ts';

/** What a client of the API met. */
export interface Polled {
  readonly calls: number;
  /** Calls that failed, and failed again when they were tried once more. */
  readonly failed: number;
  /** Calls that were good at the second try. */
  readonly retried: number;
  /** Longest time between two good answers. */
  readonly longestGapMilliseconds: number;
  readonly reasons: readonly string[];
}

const CALL_MILLISECONDS = 5000;

/**
 * Reads the API again and again as a client does: over a connection that it keeps, at the load balancer's address; what fails is
 * tried once more over a new one.
 */
export function pollApi(address: string, port: number, identity: ClientIdentity): { stop(): Promise<Polled> } {
  let [calls, failed, retried, longest] = [0, 0, 0, 0];
  const reasons: string[] = [];
  let lastGood = performance.now();
  let stopped = false;
  const tls = { ...identity, servername: 'kubernetes' };
  let kept = new Agent({ keepAlive: true, maxSockets: 1, ...tls });
  const call = (agent: Agent): Promise<void> =>
    new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(CALL_MILLISECONDS);
      const sent = request({ host: address, port, path: '/api/v1/namespaces/default', agent, signal, ...tls }, (answer) => {
        answer.resume();
        answer.on('error', reject);
        answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`HTTP status ${answer.statusCode}`))));
      });
      sent.on('error', reject);
      sent.end();
    });
  const once = async (): Promise<void> => {
    calls += 1;
    try {
      await call(kept);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
      kept.destroy();
      kept = new Agent({ keepAlive: true, maxSockets: 1, ...tls });
      await call(kept).then(
        () => {
          retried += 1;
        },
        (again: unknown) => {
          failed += 1;
          reasons.push(`again: ${again instanceof Error ? again.message : String(again)}`);
          throw again;
        },
      );
    }
    longest = Math.max(longest, performance.now() - lastGood);
    lastGood = performance.now();
  };
  const running = (async () => {
    while (!stopped) {
      await once().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    kept.destroy();
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      return { calls, failed, retried, longestGapMilliseconds: Math.round(longest), reasons };
    },
  };
}
