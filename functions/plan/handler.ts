import { createObjects } from '#adapters/s3/objects.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { plan } from './plan.ts';
import { renderStep } from './render.ts';
import { reportUpgrade } from './report-upgrade.ts';
import { validate } from './validate.ts';
import { validateRollout } from './validate-rollout.ts';

/** What parses a pull request's content sees no check, lock or cancel marker of the hub: the steps around it do. */
export const handler = createClusterSideHandler([validate, validateRollout, plan, renderStep, reportUpgrade], async () => {
  const environment = readEnvironment();
  const objects = createObjects(environment.SLUICE_BUCKET, { region: environment.AWS_REGION });
  return { objects, clock: { now: () => new Date() } };
});
