import * as z from 'zod';
import { comparisonBase, newestSucceeded } from '#domain/evidence.ts';
import { keys } from '#domain/names.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { readGenesis, readProofs } from '#facts/fleet.ts';
import type { Finding } from '#model/checks.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { ReadPullRequest, type SettingsFiles, SnapshotConfiguration } from '#model/pull-request.ts';
import { RevisionEvidence } from '#model/records.ts';
import { LONGEST_BRANCH } from '#model/settings.ts';
import type { Checks } from '#ports/checks.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { FilesRefusedError } from './files-refused.ts';
import { channelBranches, PARALLEL_BLOBS, readFile, readSettings, refuseBeyondBounds, settingsThatApply } from './settings.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
  readonly checks: Checks;
}

/**
 * Copies the configuration at the base and at the merge result, and the settings, to S3, each under its Git id. What is at
 * the base by a direct push counts for neither: the merge result is compared with what clusters and rollouts go by.
 * @throws FilesRefusedError past the bounds, its findings on the check; InputError when the base itself is past them
 */
export const snapshotConfiguration = defineStep({
  name: 'snapshot-configuration',
  input: z.object({ readPullRequest: ReadPullRequest }),
  output: SnapshotConfiguration,
  async run({ readPullRequest: pull }, ports: Ports, { execution }) {
    const { repository } = pull;
    const tell = (findings: readonly Finding[]): Promise<void> =>
      ports.checks.want({
        ref: pull.check,
        status: 'in_progress',
        title: 'Reading both sides of the change',
        summary: '',
        findings,
        execution,
        generation: pull.generation,
      });
    await tell([]);
    if (pull.kind === 'settings') {
      const [base, head] = await bothSides(
        settingsThatApply(repository, ports, pull.baseSha),
        readSettings(repository, ports, pull.mergeSha),
        tell,
      );
      const missingBranches = await branchesMissing(repository, head, ports.github);
      return {
        baseRevision: null,
        branchRevision: null,
        headRevision: null,
        baseSettingsCommit: base.commit,
        headSettingsCommit: head.commit,
        ...(missingBranches.length === 0 ? {} : { missingBranches }),
        e2eNeeded: false,
      };
    }
    const [[settings, branchRevision], headRevision] = await bothSides(
      Promise.all([settingsThatApply(repository, ports), snapshotOf(repository, pull.baseSha, ports)]),
      snapshotOf(repository, pull.mergeSha, ports),
      tell,
    );
    const baseRevision = await baseOf(pull, branchRevision, ports);
    return {
      baseRevision,
      branchRevision,
      headRevision,
      baseSettingsCommit: settings.commit,
      headSettingsCommit: settings.commit,
      e2eNeeded: !(await provenStep(baseRevision, headRevision, ports.objects)),
    };
  },
});

/**
 * Both sides of the change, once both are read or refused: what is told must not come after the check has ended.
 * @param tell puts findings on the check; whoever ends it by this error leaves them there
 * @throws FilesRefusedError of the merge result; InputError of the base
 */
async function bothSides<B, H>(base: Promise<B>, head: Promise<H>, tell: (findings: readonly Finding[]) => Promise<void>): Promise<[B, H]> {
  const [before, after] = await Promise.allSettled([base, head]);
  if (after.status === 'rejected') {
    const reason: unknown = after.reason;
    if (reason instanceof FilesRefusedError) await tell(reason.findings);
    throw reason;
  }
  if (before.status === 'fulfilled') return [before.value, after.value];
  const reason: unknown = before.reason;
  if (!(reason instanceof FilesRefusedError)) throw reason;
  throw new InputError(`the base branch as it is can't be read: ${reason.message} It came there without a check: mend it by a push`, {
    cause: reason,
  });
}

/** What the merge result is compared with, and its files in S3. @throws NotFoundError when they are nowhere to be found */
async function baseOf(pull: ReadPullRequest, branchRevision: string | null, ports: Ports): Promise<string | null> {
  if (pull.channel === null) return branchRevision;
  const [proofs, genesis] = await Promise.all([readProofs(ports.objects, pull.channel), readGenesis(ports.objects, pull.channel)]);
  const base = comparisonBase(branchRevision, proofs, genesis?.revision ?? null);
  if (base === null || base === branchRevision || (await ports.objects.get(keys.snapshot(base))) !== undefined) return base;
  const commit = newestSucceeded(proofs)?.commit;
  if (commit !== undefined && (await snapshotOf(pull.repository, commit, ports)) === base) return base;
  throw new NotFoundError(
    `the files of ${base}, which ${pull.channel} has proven last, are gone: snapshots/${base}.json must be restored from the bucket's versions`,
  );
}

/** Branches that are looked for, so that what is passed on stays small. */
const MOST_BRANCHES = 100;

/** Branches of channels that do not exist; validation tells where they are named. Merged, they would stop every rollout. */
async function branchesMissing(repository: RepositoryRef, settings: SettingsFiles, github: GitHub): Promise<string[]> {
  const named = [...new Set(channelBranches(settings).map(({ branch }) => branch))].filter((branch) => branch.length <= LONGEST_BRANCH);
  const found = await Promise.all(
    named.slice(0, MOST_BRANCHES).map(async (branch) => ({ branch, head: await github.getBranchHead(repository, branch) })),
  );
  return found.flatMap(({ branch, head }) => (head === undefined ? [branch] : []));
}

/** Revision of a commit, its files kept in S3; null when the commit has no configuration. @throws InputError past the bounds */
export async function snapshotOf(
  repository: RepositoryRef,
  commit: string,
  ports: Pick<Ports, 'github' | 'objects'>,
): Promise<string | null> {
  const { treeSha } = await ports.github.getCommit(repository, commit);
  const entries = await ports.github.getTree(repository, treeSha);
  const revision = entries.find((entry) => entry.path === CONFIGURATION_FOLDER && entry.type === 'tree')?.sha;
  if (revision === undefined) return null;
  const key = keys.snapshot(revision);
  if ((await ports.objects.get(key)) !== undefined) return revision;
  const blobs = entries.filter((entry) => entry.path.startsWith(`${CONFIGURATION_FOLDER}/`) && entry.type !== 'tree');
  refuseBeyondBounds(CONFIGURATION_FOLDER, blobs);
  const files: { path: string; content: string }[] = [];
  for (let start = 0; start < blobs.length; start += PARALLEL_BLOBS) {
    files.push(
      ...(await Promise.all(blobs.slice(start, start + PARALLEL_BLOBS).map((entry) => readFile(repository, entry, ports.github)))),
    );
  }
  const relative = files.map((file) => ({ ...file, path: file.path.slice(CONFIGURATION_FOLDER.length + 1) }));
  await ports.objects.putIfAbsent(key, JSON.stringify({ revision, files: relative }));
  return revision;
}

/** True when an e2e run has passed for exactly this step from base to head. */
async function provenStep(base: string | null, head: string | null, objects: ObjectStore): Promise<boolean> {
  if (head === null) return false;
  const stored = await objects.get(keys.evidence(head));
  if (stored === undefined) return false;
  const { e2e } = RevisionEvidence.parse(JSON.parse(stored.body));
  return e2e !== null && e2e.failed === 0 && e2e.baseRevision === base;
}
