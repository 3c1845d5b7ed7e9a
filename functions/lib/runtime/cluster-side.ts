import { type AnyStep, parseCall, runStep, type StepCall } from './call.ts';
import { createLog } from './log.ts';

/**
 * Handler of a function that knows none of the hub's checks, locks and cancel markers: the step named by the call. Such are those in
 * a cluster's account, which a hub step calls, and what parses a pull request's content.
 * @param fence puts what holds back an earlier holder of the cluster's lock before the ports of a call
 */
export function createClusterSideHandler<P>(
  steps: readonly AnyStep<NoInfer<P>>[],
  connect: () => Promise<P>,
  fence: (call: StepCall, ports: P) => P = (_, ports) => ports,
): (event: unknown) => Promise<unknown> {
  let connected: Promise<P> | undefined;
  return async (event) => {
    const call = parseCall(event);
    const log = createLog({ execution: call.execution, machine: call.machine, state: call.state });
    connected ??= connect();
    try {
      const output = await runStep(steps, call, fence(call, await connected));
      log.info('step finished');
      return output;
    } catch (error) {
      connected = undefined;
      log.error('step failed', { reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
      throw error;
    }
  };
}
