import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterRef } from '#model/settings.ts';
import type { FakeSecrets } from '../fakes/secrets.ts';
import type { Hardware } from './cloud.ts';
import { createRealCluster } from './real-cluster.ts';

/** Real time for one tick of simulated time: a fifteenth of it, so that deadlines of minutes leave controllers a minute. */
const TICK_MILLISECONDS = 600;
/** And at most so long for one wait, however long that is. */
const LONGEST_MILLISECONDS = 2400;

/** Long before any run. */
const MADE = new Date('2026-01-01T00:00:00Z');

export interface RealHardware extends Hardware {
  stop(): Promise<void>;
}

/** Real etcd, API servers, controllers and kwok's nodes for the instances of a simulated account. */
export function createRealHardware(cluster: ClusterRef, secrets: FakeSecrets): RealHardware {
  const real = createRealCluster(cluster, secrets);
  let under: Promise<void> = Promise.resolve();
  let ticks = 0;
  const then = (work: () => Promise<void> | void): void => {
    under = under.then(work);
  };
  return {
    up: ({ id, role, zone, version }) =>
      then(() => {
        if (role.startsWith('etcd-')) real.etcdUp();
        else if (role === 'control-plane') real.apiUp(id, version);
        else return real.nodeUp(id, zone, version);
        return undefined;
      }),
    down: ({ id, role }) =>
      then(() => {
        if (role.startsWith('etcd-')) return real.etcdDown();
        return role === 'control-plane' ? real.apiDown(id) : real.nodeDown(id);
      }),
    tick(_, passes) {
      if (passes) ticks += 1;
      return false;
    },
    async rest() {
      const milliseconds = Math.min(ticks * TICK_MILLISECONDS, LONGEST_MILLISECONDS);
      ticks = 0;
      if (milliseconds > 0) await delay(milliseconds);
      await under;
    },
    forget: () => then(() => real.stop()),
    kubernetes: () => real.kubernetes(),
    etcd: () => real.etcd(),
    addresses: async (ids) =>
      new Map(
        ids.flatMap((id) => {
          const address = real.addressOf(id);
          return address === undefined ? [] : [[id, address] as const];
        }),
      ),
    volumes: async () => [{ id: 'vol-1', zone: `${cluster.region}a`, seat: 'a', createdAt: MADE, instance: undefined }],
    async stop() {
      await under.catch(() => undefined);
      await real.stop();
    },
  };
}
