import { keys } from '#domain/names.ts';
import { plan } from '../../functions/plan/plan.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { channelFile } from '../support/fleet.ts';
import { edited, referenceSnapshot } from '../support/reference-fleet.ts';
import { type Bench, percentile } from './measure.ts';

const CLUSTERS = 94;
const RUNS = 5;
const GOAL = { op: '<=', number: 10 } as const;
const BASE = 'a'.repeat(40);
const HEAD = 'b'.repeat(40);
const SETTINGS = 'c'.repeat(40);

/** The plan of a new Kubernetes minor on a channel of 94 clusters: parsing, rendering both sides of each, text and data. */
export const planBench: Bench = {
  name: 'plan',
  what: `Step \`plan\` for a change of the Kubernetes version in a channel of ${CLUSTERS} clusters (reference configuration, objects in memory), ${RUNS} runs.`,
  async run({ log }) {
    const objects = createFakeObjects();
    const channel = channelFile('dev', CLUSTERS, { maxConcurrentClusters: 20 });
    const files = [{ path: 'channels/dev.yaml', content: JSON.stringify(channel) }];
    await objects.put(keys.settings(SETTINGS), JSON.stringify({ commit: SETTINGS, files }));
    await objects.put(keys.snapshot(BASE), JSON.stringify(referenceSnapshot({}, BASE)));
    await objects.put(keys.snapshot(HEAD), JSON.stringify(referenceSnapshot(edited('versions.yaml', '1.35.4', '1.36.3'), HEAD)));
    const input = plan.input.parse({
      readPullRequest: { kind: 'configuration', baseRef: 'dev' },
      snapshotConfiguration: { baseRevision: BASE, headRevision: HEAD, baseSettingsCommit: SETTINGS, headSettingsCommit: SETTINGS },
    });
    const seconds: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const from = performance.now();
      const output = await plan.run(input, { objects }, { execution: 'bench' });
      seconds.push((performance.now() - from) / 1000);
      if (output.clusters !== CLUSTERS) throw new Error(`${output.clusters} of ${CLUSTERS} clusters were planned: ${output.title}`);
      log(`plan ${run + 1} of ${RUNS}: ${output.title} (${seconds.at(-1)?.toFixed(2)} s)`);
    }
    return [
      { name: 'plan.p50', value: percentile(seconds, 50), unit: 's', goal: GOAL },
      { name: 'plan.max', value: percentile(seconds, 100), unit: 's', goal: GOAL },
    ];
  },
};
