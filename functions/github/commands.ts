import { keys } from '#domain/names.ts';
import { type CheckRef, WantedCheck } from '#model/checks.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { Asked } from '#model/webhook.ts';
import type { Checks } from '#ports/checks.ts';
import type { GitHub, PullRequest } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
  readonly checks: Checks;
}

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

const RULE = '\n\n---\n\n';

/** Puts a note below what the check says; an earlier note gives way. Nothing where there is no check yet. */
export async function noteOnCheck(ref: CheckRef, note: string, { objects, checks }: Pick<Ports, 'objects' | 'checks'>): Promise<void> {
  const stored = await objects.get(keys.check(ref.sha, ref.name));
  if (stored === undefined) return;
  const { status, conclusion, title, summary, execution, generation } = WantedCheck.parse(JSON.parse(stored.body));
  await checks.want({
    ref,
    status,
    ...(conclusion === undefined ? {} : { conclusion }),
    title,
    summary: `${summary.split(RULE)[0]}${RULE}${note}.`,
    ...(execution === undefined ? {} : { execution }),
    generation,
  });
}
