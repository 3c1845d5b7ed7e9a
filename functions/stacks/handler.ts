import { createAccountStackGuards } from '#adapters/cloudformation/guards.ts';
import { createAccountStacks } from '#adapters/cloudformation/stacks.ts';
import { createAccountObjects } from '#adapters/s3/objects.ts';
import { connectHub } from '#runtime/connect.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { advanceDeletion } from './advance-deletion.ts';
import { advanceStack } from './advance-stack.ts';
import { deliverAccess } from './deliver-access.ts';
import { deliverRender } from './deliver-render.ts';
import { protectStacks } from './protect-stacks.ts';
import { reportLeftovers } from './report-leftovers.ts';

export const handler = createHubHandler(
  [deliverAccess, deliverRender, advanceStack, advanceDeletion, protectStacks, reportLeftovers],
  async () => {
    const { environment, ports } = connectHub();
    const region = environment.AWS_REGION;
    return {
      ...ports,
      stacks: createAccountStacks(region),
      guards: createAccountStackGuards(region),
      accountObjects: createAccountObjects(region),
    };
  },
);
