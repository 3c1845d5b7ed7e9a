import { createReach } from '#adapters/lambda/reach.ts';
import { rehearseRoleArn } from '#domain/names.ts';
import type { Reach } from '#ports/reach.ts';
import { connectHub } from '#runtime/connect.ts';
import { type HubPorts, wrapCalls } from '#runtime/hub.ts';
import { askAccount } from './ask-account.ts';

interface RehearsePorts extends HubPorts {
  readonly reach: Reach;
}

export const handler = wrapCalls<RehearsePorts>(askAccount, async () => {
  const { environment, ports } = connectHub();
  return { ...ports, reach: createReach(environment.AWS_REGION, rehearseRoleArn) };
});
