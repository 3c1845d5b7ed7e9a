import type { RepositoryRef } from '#model/primitives.ts';
import type { Asked } from '#model/webhook.ts';
import type { GitHub, PullRequest } from '#ports/github.ts';

/** What a person asked for, in the words of who asked. */
export function wordsOf({ what, sha }: Asked): string {
  if (what === 'rerun') return 'a re-run';
  return `\`/${what}${sha === undefined || sha === '' ? '' : ` ${sha.replace(/[^\w.-]/g, '').slice(0, 40)}`}\``;
}

/** Why what was asked for is not done; undefined when it may be. */
export async function refusalOf(
  asked: Asked,
  pull: Pick<PullRequest, 'headSha'>,
  repository: RepositoryRef,
  github: GitHub,
): Promise<string | undefined> {
  const permission = await github.getPermission(repository, asked.by);
  if (permission !== 'admin' && permission !== 'write') {
    return `${wordsOf(asked)} of @${asked.by} was not taken: it needs write access to ${repository.owner}/${repository.name}`;
  }
  if (asked.what === 'cancel' || asked.what === 'refresh') return undefined;
  if (asked.what === 'test' && !/^[0-9a-f]{40}$/.test(asked.sha ?? '')) {
    return `${wordsOf(asked)} of @${asked.by} was not taken: name the whole commit that you have read, \`/test ${pull.headSha}\``;
  }
  if (asked.sha === pull.headSha) return undefined;
  return `${wordsOf(asked)} of @${asked.by} was not taken: the head is ${pull.headSha} now`;
}
