import { connectHub } from '#runtime/connect.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { plan } from './plan.ts';
import { renderStep } from './render.ts';
import { reportUpgrade } from './report-upgrade.ts';
import { validate } from './validate.ts';
import { validateRollout } from './validate-rollout.ts';

export const handler = createHubHandler([validate, validateRollout, plan, renderStep, reportUpgrade], async () => connectHub().ports);
