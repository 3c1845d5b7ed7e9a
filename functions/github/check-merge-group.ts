import * as z from 'zod';
import { mergeGroupText } from '#domain/check-texts.ts';
import { checkNames } from '#domain/names.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { readEvidence } from '#facts/fleet.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { MergeGroupInput } from '#model/webhook.ts';
import type { Checks } from '#ports/checks.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { isSettingsFile } from './settings.ts';

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
    const evidence = head?.revision === null || head === undefined ? undefined : await readEvidence(objects, head.revision);
    const text = mergeGroupText({
      baseRef,
      configuration: base?.revision !== head?.revision,
      settings: base?.settings !== head?.settings,
      provenBy: evidence === undefined || (evidence.e2e?.failed ?? 0) > 0 ? null : evidence.check.pullRequest,
    });
    await checks.want({ ref, status: 'completed', ...text, execution });
    return { conclusion: text.conclusion };
  },
});

async function readSide(repository: RepositoryRef, commit: string, github: GitHub): Promise<{ revision: string | null; settings: string }> {
  const { treeSha } = await github.getCommit(repository, commit);
  const entries = await github.getTree(repository, treeSha);
  const settings = entries.filter(isSettingsFile).map(({ path, sha }) => `${path} ${sha}`);
  return {
    revision: entries.find((entry) => entry.path === CONFIGURATION_FOLDER && entry.type === 'tree')?.sha ?? null,
    settings: settings.join('\n'),
  };
}
