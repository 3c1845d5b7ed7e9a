import { createAccountChangeSets } from '#adapters/cloudformation/change-sets.ts';
import { connectHub } from '#runtime/connect.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { previewChangeSets } from './preview-change-sets.ts';

export const handler = createHubHandler([previewChangeSets], async () => {
  const { environment, ports } = connectHub();
  return { ...ports, changeSets: createAccountChangeSets(environment.AWS_REGION) };
});
