import { type AnyStep, parseCall, runStep } from './call.ts';
import { createLog } from './log.ts';

/** Handler of a function in a cluster's account: the step named by the call that a hub step sends. */
export function createClusterSideHandler<P>(
  steps: readonly AnyStep<NoInfer<P>>[],
  connect: () => Promise<P>,
): (event: unknown) => Promise<unknown> {
  let connected: Promise<P> | undefined;
  return async (event) => {
    const call = parseCall(event);
    const log = createLog({ execution: call.execution, machine: call.machine, state: call.state });
    connected ??= connect();
    try {
      const output = await runStep(steps, call, await connected);
      log.info('step finished');
      return output;
    } catch (error) {
      connected = undefined;
      log.error('step failed', { reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
      throw error;
    }
  };
}
