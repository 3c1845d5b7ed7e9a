import * as z from 'zod';
import { SETTINGS_BRANCH } from '#domain/pull-request-kind.ts';
import { withoutRestore } from '#domain/restore-removal.ts';
import { NotFoundError } from '#model/errors.ts';
import { RestoreRequest } from '#model/restore.ts';
import { ClusterRef } from '#model/settings.ts';
import type { GitHub } from '#ports/github.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly github: GitHub;
}

/**
 * Proposes to take the `restore` line of a restore that is over out of its channel file: one commit on a branch of its own. Repeated it
 * finds its own pull request; where the line is gone already there is nothing to do.
 */
export const closeRestore = defineStep({
  name: 'close-restore',
  input: z.object({ cluster: ClusterRef, restore: RestoreRequest, repository: z.object({ owner: z.string(), name: z.string() }) }),
  output: z.object({ outcome: z.enum(['opened', 'nothing']), pullRequest: z.int().nullable() }),
  async run({ cluster, restore, repository }, { github }: Ports) {
    const branch = `sluice/restored-${cluster.name}-${restore.id}`;
    const [there] = await github.pullRequestsOfBranch(repository, branch);
    if (there !== undefined) return { outcome: 'opened' as const, pullRequest: there.number };
    const head = await github.getBranchHead(repository, SETTINGS_BRANCH);
    if (head === undefined) throw new NotFoundError(`the branch ${SETTINGS_BRANCH} does not exist any more`);
    const { treeSha } = await github.getCommit(repository, head);
    const path = `channels/${cluster.channel}.yaml`;
    const blob = (await github.getTree(repository, treeSha)).find((entry) => entry.path === path && entry.type === 'blob');
    const text = blob === undefined ? undefined : new TextDecoder().decode(await github.getBlob(repository, blob.sha));
    const after = text === undefined ? undefined : withoutRestore(text, cluster.name, restore.id);
    if (after === undefined) return { outcome: 'nothing' as const, pullRequest: null };
    const tree = await github.writeFile(repository, treeSha, path, after);
    const title = `${cluster.name} is restored: take the line out`;
    const commit = await github.createCommit(repository, { message: `${title}\n\nRestore ${restore.id} is over.`, tree, parents: [head] });
    await github.setBranch(repository, branch, commit);
    const body = `The restore \`${restore.id}\` of \`${cluster.name}\` from \`${restore.backup}\` is over; each is done once, so the line does nothing any more.\n\nMerged, the cluster is updated to what its channel wants: that brings back what was applied after the backup.`;
    const pull = await github.createPullRequest(repository, { title, body, head: branch, base: SETTINGS_BRANCH });
    return { outcome: 'opened' as const, pullRequest: pull.number };
  },
});
