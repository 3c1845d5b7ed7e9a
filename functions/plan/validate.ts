import * as z from 'zod';
import { parseConfiguration } from '#domain/configuration.ts';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { settingsChangeFindings } from '#domain/settings-change.ts';
import { versionMoveFindings } from '#domain/version-move.ts';
import { findingAt } from '#domain/yaml-source.ts';
import type { Finding } from '#model/checks.ts';
import { MergeResult } from '#model/pull-request.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readSnapshot } from './read-configuration.ts';
import { readSettings } from './read-settings.ts';

interface Ports {
  readonly objects: ObjectStore;
}

/**
 * Validates the merge result. Findings are no error of the step: all of them lie in S3 as a JSON list of Finding under
 * `findingsKey`, failures first, and `ok` says whether the pull request may go on.
 */
export const validate = defineStep({
  name: 'validate',
  input: MergeResult,
  output: z.object({ ok: z.boolean(), errors: z.int(), warnings: z.int(), findingsKey: z.string() }),
  async run({ readPullRequest, snapshotConfiguration: snapshots }, { objects }: Ports) {
    const found =
      readPullRequest.kind === 'settings'
        ? await settingsFindings(objects, snapshots)
        : await configurationFindings(objects, snapshots, readPullRequest.baseRef);
    const findings = [...found].sort((left, right) => order(left) - order(right));
    const findingsKey = keys.findings(hashOf(findings));
    await objects.putIfAbsent(findingsKey, JSON.stringify(findings));
    const errors = findings.filter((finding) => finding.level === 'failure').length;
    const warnings = findings.filter((finding) => finding.level === 'warning').length;
    return { ok: errors === 0, errors, warnings, findingsKey };
  },
});

interface Snapshots {
  readonly baseRevision: string | null;
  readonly headRevision: string | null;
  readonly baseSettingsCommit: string;
  readonly headSettingsCommit: string;
}

async function settingsFindings(objects: ObjectStore, snapshots: Snapshots): Promise<Finding[]> {
  const [base, head] = await Promise.all([
    readSettings(objects, snapshots.baseSettingsCommit),
    readSettings(objects, snapshots.headSettingsCommit),
  ]);
  if (head.value === undefined) return [...head.findings];
  // A broken base is what this pull request repairs: there is nothing to compare with.
  if (base.value === undefined) return [...head.findings];
  return [...head.findings, ...settingsChangeFindings(base.value.settings, head.value)];
}

async function configurationFindings(objects: ObjectStore, snapshots: Snapshots, branch: string): Promise<Finding[]> {
  const settings = await readSettings(objects, snapshots.headSettingsCommit);
  const found = settings.value === undefined ? [...settings.findings] : branchFindings(settings.value.settings.channels, branch);
  if (snapshots.headRevision === null) {
    return [...found, findingAt('channels/cluster', { line: 1, column: 1 }, 'missing-file', 'The merge would leave no channels/cluster/.')];
  }
  const head = await readSnapshot(objects, snapshots.headRevision);
  const { value, findings } = parseConfiguration(head);
  const base = snapshots.baseRevision === null ? undefined : parseConfiguration(await readSnapshot(objects, snapshots.baseRevision)).value;
  const moves = value === undefined || base === undefined ? [] : versionMoveFindings(base.versions, value.versions, head.files);
  return [...found, ...findings, ...moves];
}

function branchFindings(channels: readonly { readonly channel: string; readonly branch: string }[], branch: string): Finding[] {
  if (channels.some((channel) => channel.branch === branch)) return [];
  const known = channels.map((channel) => channel.branch).join(', ');
  const message = `No channel has the branch ${branch}. A change of channels/cluster/ goes to one of: ${known}.`;
  return [findingAt('channels/cluster', { line: 1, column: 1 }, 'branch', message)];
}

function order(finding: Finding): number {
  return ['failure', 'warning', 'notice'].indexOf(finding.level);
}
