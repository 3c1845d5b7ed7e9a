import type { ClusterRef } from '#model/settings.ts';

/** A cluster for tests of steps. */
export const CLUSTER: ClusterRef = {
  name: 'alpha-1',
  account: '111111111111',
  region: 'eu-central-1',
  environment: 'test',
  network: '10.20.0.0/16',
  channel: 'alpha',
};
