import { connectHub } from '#runtime/connect.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { plan } from './plan.ts';
import { renderStep } from './render.ts';
import { validate } from './validate.ts';

export const handler = createHubHandler([validate, plan, renderStep], async () => connectHub().ports);
