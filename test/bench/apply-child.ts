// One run of the step `apply-components` in a process of its own, for test/bench/apply.ts: `apply-child.ts FILE`, where FILE
// says which API, as whom, and what is rendered. Tells what it took and what came out as one line of JSON.
import { readFile } from 'node:fs/promises';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { accountKeys } from '#domain/names.ts';
import type { Render } from '#model/render.ts';
import { applyComponents } from '../../functions/cluster/apply-components.ts';
import { CLUSTER, HASH } from '../support/cluster-world.ts';
import { createFakeInstances } from '../support/fakes/instances.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { createFakeSecrets } from '../support/fakes/secrets.ts';
import type { ApplyTask } from './apply.ts';

const [file = ''] = process.argv.slice(2);
const { api, render }: ApplyTask = JSON.parse(await readFile(file, 'utf8'));
const objects = createFakeObjects();
await objects.put(accountKeys.manifests(HASH), JSON.stringify(render satisfies Render));
const ports = {
  kubernetes: async () => createKubernetes(api),
  instances: createFakeInstances(),
  addresses: async () => new Map<string, string>(),
  secrets: createFakeSecrets(),
  objects,
  clock: { now: () => new Date() },
};
const cpu = process.cpuUsage();
const start = performance.now();
const { applied, changed, unchanged, repaired } = await applyComponents.run(
  { cluster: CLUSTER, render: { hash: HASH }, phase: 'workloads' },
  ports,
  { execution: 'bench' },
);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(
  JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, applied, changed, unchanged, repaired: repaired.length }),
);
