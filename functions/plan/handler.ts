import { connectHub } from '#runtime/connect.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { plan } from './plan.ts';
import { renderStep } from './render.ts';
import { reportUpgrade } from './report-upgrade.ts';
import { validate } from './validate.ts';

export const handler = createHubHandler([validate, plan, renderStep, reportUpgrade], async () => connectHub().ports);
