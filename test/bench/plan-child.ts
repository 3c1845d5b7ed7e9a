// One run of step `plan` in a process of its own, so that its time and memory are its own: `plan-child.ts SIZE CLUSTERS`
// prints JSON (Outcome). Both sides are parsed, rendered, compared, told and written, as in the function.
import { keys } from '#domain/names.ts';
import { plan } from '../../functions/plan/plan.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { channelFile, clusterEntry } from '../support/fleet.ts';
import { benchSnapshots, type Size } from './plan-configuration.ts';

const [BASE, HEAD, SETTINGS] = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40)] as const;

async function main([size, count]: readonly string[]): Promise<void> {
  const clusters = Number(count);
  const objects = createFakeObjects();
  // A cluster's network is a /16, of which there are 65,536 less those below 1.0.0.0.
  const entries = Array.from({ length: clusters }, (_, index) =>
    clusterEntry(`dev-${index + 1}`, {
      account: String(200_000_000_000 + index),
      network: `${20 + Math.floor(index / 250)}.${index % 250}.0.0/16`,
    }),
  );
  const channel = channelFile('dev', 1, { maxConcurrentClusters: 20, clusters: entries });
  await objects.put(
    keys.settings(SETTINGS),
    JSON.stringify({ commit: SETTINGS, files: [{ path: 'channels/dev.yaml', content: JSON.stringify(channel) }] }),
  );
  const snapshots = benchSnapshots(size as Size, [BASE, HEAD]);
  for (const snapshot of snapshots) await objects.put(keys.snapshot(snapshot.revision), JSON.stringify(snapshot));
  const input = plan.input.parse({
    readPullRequest: { kind: 'configuration', baseRef: 'dev', fork: false },
    snapshotConfiguration: { baseRevision: BASE, headRevision: HEAD, baseSettingsCommit: SETTINGS, headSettingsCommit: SETTINGS },
  });
  const before = process.cpuUsage();
  const from = performance.now();
  const output = await plan.run(input, { objects }, { execution: 'bench' });
  const seconds = (performance.now() - from) / 1000;
  const cpu = process.cpuUsage(before);
  if (output.clusters !== clusters) throw new Error(`${output.clusters} of ${clusters} clusters were planned: ${output.title}`);
  const data = JSON.parse((await objects.get(keys.planData(output.planHash)))?.body ?? '{}') as {
    plan: { groups: { changes: unknown[] }[] };
  };
  const outcome = {
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    megabytes: process.resourceUsage().maxRSS / 1024,
    groups: output.groups,
    changes: data.plan.groups.map(({ changes }) => changes.length),
    title: output.title,
  };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

await main(process.argv.slice(2));
