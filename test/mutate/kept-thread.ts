import { Worker } from 'node:worker_threads';
import type { PoolOptions, PoolWorker, WorkerRequest } from 'vitest/node';

export const KEPT_THREAD = 'kept-thread';

type Listener = Parameters<PoolWorker['on']>[1];

const STOPPED = { type: 'stopped', __vitest_worker_response__: true };

let kept: Worker | undefined;

/**
 * A pool of vitest whose thread outlives a run. Mutants are thousands of short runs, and most of the time of a short run
 * goes into starting a thread with vitest and the packages in it. The worker forgets our own modules before each run.
 */
export class KeptThread implements PoolWorker {
  readonly name = KEPT_THREAD;
  readonly #options: PoolOptions;
  readonly #listeners: [string, Listener][] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    const { env, execArgv } = this.#options;
    if (kept === undefined) {
      kept = new Worker(new URL('./kept-thread-worker.ts', import.meta.url), { env: env as NodeJS.ProcessEnv, execArgv });
      kept.setMaxListeners(0);
      // A mutant may take so much memory that the thread ends.
      kept.once('exit', () => {
        kept = undefined;
      });
    }
    return Promise.resolve();
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
    kept?.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    kept?.off(event, listener);
  }

  send(message: WorkerRequest): void {
    if (message.type !== 'stop') kept?.postMessage(message);
    else for (const [event, listener] of this.#listeners) if (event === 'message') listener(STOPPED);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  stop(): Promise<void> {
    for (const [event, listener] of this.#listeners) kept?.off(event, listener);
    return Promise.resolve();
  }
}
