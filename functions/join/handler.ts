import { createMachines } from '#adapters/ec2/machines.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createCallers } from '#adapters/sts/callers.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import type { JoinAnswer } from '#model/join.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { createLog } from '#runtime/log.ts';
import { type JoinPorts, joinNode } from './join-node.ts';

let connected: JoinPorts | undefined;

/** Invoked by nodes themselves, as their instance's role. */
export async function handler(event: unknown): Promise<JoinAnswer> {
  connected ??= connect();
  try {
    return await joinNode(event, connected);
  } catch (error) {
    connected.log.warn('not certified', { reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    throw error;
  }
}

function connect(): JoinPorts {
  const { SLUICE_ACCOUNT, AWS_REGION } = readEnvironment();
  return {
    callers: createCallers({ region: AWS_REGION }),
    machines: createMachines({ region: AWS_REGION }),
    secrets: createSecrets({}),
    authority: createAuthority(),
    clock: { now: () => new Date() },
    log: createLog({ function: 'join' }),
    account: SLUICE_ACCOUNT,
    region: AWS_REGION,
  };
}
