import { createReach } from '#adapters/lambda/reach.ts';
import { clusterSideFunctionOf } from '#domain/reach.ts';
import type { Reach } from '#ports/reach.ts';
import { connectHub } from '#runtime/connect.ts';
import type { HubPorts } from '#runtime/hub.ts';
import { wrapCalls } from '#runtime/hub.ts';
import { forward } from './forward.ts';

interface ReachPorts extends HubPorts {
  readonly reach: Reach;
}

export const handler = wrapCalls<ReachPorts>(
  (call, ports) => forward(call, ports, clusterSideFunctionOf(call.step)),
  async () => {
    const { environment, ports } = connectHub();
    return { ...ports, reach: createReach(environment.AWS_REGION) };
  },
);
