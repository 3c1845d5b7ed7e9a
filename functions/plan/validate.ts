import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { restoresAsked } from '#domain/restore-change.ts';
import { type ParsedSettings, parseSettings } from '#domain/settings.ts';
import { type Life, namesThatMove } from '#domain/settings-change.ts';
import { validateConfiguration, validateSettings } from '#domain/validation.ts';
import { readObject } from '#facts/stored.ts';
import type { Finding } from '#model/checks.ts';
import type { Snapshot } from '#model/configuration.ts';
import { MergeResult } from '#model/pull-request.ts';
import { StoredCluster } from '#model/records.ts';
import { RestoreRecord } from '#model/restore.ts';
import type { Settings } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { shippedSchemas } from './kubernetes-schemas.ts';
import { readSnapshot } from './read-configuration.ts';
import { readSettingsFiles } from './read-settings.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/**
 * Validates the merge result. Findings are no error of the step: all of them lie in S3 as a JSON list of Finding under
 * `findingsKey`, failures first, and `ok` says whether the pull request may go on.
 */
export const validate = defineStep({
  name: 'validate',
  input: MergeResult,
  output: z.object({ ok: z.boolean(), errors: z.int(), warnings: z.int(), findingsKey: z.string() }),
  async run(input, { objects, clock }: Ports) {
    const findings = await findingsOf(input, objects, clock.now().toISOString());
    const findingsKey = keys.findings(hashOf(findings));
    await objects.putIfAbsent(findingsKey, JSON.stringify(findings));
    const errors = findings.filter((finding) => finding.level === 'failure').length;
    const warnings = findings.filter((finding) => finding.level === 'warning').length;
    return { ok: errors === 0, errors, warnings, findingsKey };
  },
});

async function findingsOf(input: z.infer<typeof MergeResult>, objects: ObjectStore, now: string): Promise<Finding[]> {
  const { readPullRequest: pull, snapshotConfiguration: snapshots } = input;
  const settings = await readSettingsFiles(objects, snapshots.headSettingsCommit);
  if (pull.kind === 'settings') {
    const base = await readSettingsFiles(objects, snapshots.baseSettingsCommit);
    const { missingBranches = [] } = snapshots;
    const [before, after] = [parseSettings(base).read.settings, parseSettings(settings).read];
    const [lives, usedRestores] = [await livesOf(before, after, objects), await usedRestoresOf(before, after.settings, objects)];
    return validateSettings(settings, base, now, { lives, usedRestores, missingBranches });
  }
  const snapshot = async (revision: string | null): Promise<Snapshot | undefined> =>
    revision === null ? undefined : readSnapshot(objects, revision);
  const [head, base] = await Promise.all([snapshot(snapshots.headRevision), snapshot(snapshots.baseRevision)]);
  return validateConfiguration({ head, base, target: { settings, branch: pull.baseRef, now } }, shippedSchemas);
}

/** Of clusters that come or go with the change; those of which nothing is recorded are not in it. */
async function livesOf(before: Settings, after: ParsedSettings, objects: ObjectStore): Promise<Map<string, Life>> {
  const names = namesThatMove(before, after);
  const found = await Promise.all(names.map(async (name) => [name, await readObject(objects, keys.cluster(name), StoredCluster)] as const));
  return new Map(
    found.flatMap(([name, stored]) => (stored === undefined ? [] : [[name, 'deleted' in stored ? 'deleted' : 'there'] as const])),
  );
}

/** Of restores that the change asks for, those that were asked for before. @throws InputError when a record can't be read */
async function usedRestoresOf(before: Settings, after: Settings, objects: ObjectStore): Promise<RestoreRecord[]> {
  const asked = restoresAsked(before, after);
  const found = await Promise.all(asked.map(({ cluster, id }) => readObject(objects, keys.restore(cluster, id), RestoreRecord)));
  return found.filter((record) => record !== undefined);
}
