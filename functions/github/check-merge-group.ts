import * as z from 'zod';
import { mergeGroupText } from '#domain/check-texts.ts';
import { checkNames } from '#domain/names.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { readEvidence } from '#facts/fleet.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { RevisionEvidence } from '#model/records.ts';
import { MergeGroupInput } from '#model/webhook.ts';
import type { Checks } from '#ports/checks.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { channelBranches, isSettingsFile, readSettings } from './settings.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
  readonly checks: Checks;
}

/**
 * Answers a merge queue, from what is proven already: a group passes when merging it makes a configuration whose check has
 * succeeded, by its tree. Nothing is tested for a group; one that needs more is refused with what to do.
 */
export const checkMergeGroup = defineStep({
  name: 'check-merge-group',
  input: MergeGroupInput,
  output: z.object({ conclusion: z.string() }),
  async run({ repository, mergeGroup: { headSha, baseSha, baseRef } }, { github, objects, checks }: Ports, { execution }) {
    const ref = { repository, sha: headSha, name: checkNames.gate };
    await checks.want({ ref, status: 'in_progress', title: 'Reading the group', summary: '', execution });
    const [base, head] = await Promise.all([baseSha, headSha].map((commit) => readSide(repository, commit, github)));
    const settings = await readSettings(repository, { github, objects });
    const channel = channelBranches(settings).find(({ branch }) => branch === baseRef)?.channel;
    const evidence = head?.revision === null || head === undefined ? undefined : await readEvidence(objects, head.revision);
    const text = mergeGroupText({
      baseRef,
      configuration: base?.revision !== head?.revision,
      settings: base?.settings !== head?.settings,
      provenBy: evidence !== undefined && isEnough(evidence, channel) ? evidence.check.pullRequest : null,
    });
    await checks.want({ ref, status: 'completed', ...text, execution });
    return { conclusion: text.conclusion };
  },
});

/** An e2e run that passed, or that the channel's clusters get nothing new. The rollout asks again, for more. */
function isEnough({ e2e, equalIn }: RevisionEvidence, channel: string | undefined): boolean {
  if (channel === undefined) return false;
  return (e2e !== null && e2e.failed === 0 && e2e.passed > 0) || Object.hasOwn(equalIn, channel);
}

async function readSide(repository: RepositoryRef, commit: string, github: GitHub): Promise<{ revision: string | null; settings: string }> {
  const { treeSha } = await github.getCommit(repository, commit);
  const entries = await github.getTree(repository, treeSha);
  const settings = entries.filter(isSettingsFile).map(({ path, sha }) => `${path} ${sha}`);
  return {
    revision: entries.find((entry) => entry.path === CONFIGURATION_FOLDER && entry.type === 'tree')?.sha ?? null,
    settings: settings.join('\n'),
  };
}
