import { setTimeout as delay } from 'node:timers/promises';
import { createAnnounce, createChecks } from '#adapters/checks/checks.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createExecutions } from '#adapters/step-functions/executions.ts';
import type { Executions } from '#ports/executions.ts';
import { type Environment, readEnvironment, required } from './environment.ts';
import type { HubPorts } from './hub.ts';

/** The ports that each hub function has. */
export interface CommonPorts extends HubPorts {
  readonly executions: Executions;
}

/** Reads the environment and connects what each hub function uses. @throws InputError */
export function connectHub(): { environment: Environment; ports: CommonPorts } {
  const environment = readEnvironment();
  const region = environment.AWS_REGION;
  const clock = { now: () => new Date() };
  const objects = createObjects(environment.SLUICE_BUCKET, { region });
  const announce = createAnnounce(required(environment, 'SLUICE_CHECKS_QUEUE_URL'), region);
  const executions = createExecutions({
    account: environment.SLUICE_ACCOUNT,
    region,
    prefix: environment.SLUICE_STATE_MACHINE_PREFIX,
  });
  const pause = (seconds: number): Promise<void> => delay(seconds * 1000);
  return { environment, ports: { objects, checks: createChecks(objects, announce, clock), executions, clock, pause } };
}
