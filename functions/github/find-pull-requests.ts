import * as z from 'zod';
import { executionName } from '#domain/names.ts';
import { LookInput, type PullRequestInput } from '#model/webhook.ts';
import type { Executions } from '#ports/executions.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readSettings } from './settings.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
  readonly executions: Executions;
}

/**
 * Starts a look at each open pull request that an event means without naming it: those into a base that moved, or those of
 * a head (GitHub names no pull requests of forks). Each look finds out whether anything of it changed. Repeated, it starts
 * nothing new.
 */
export const findPullRequests = defineStep({
  name: 'find-pull-requests',
  input: LookInput,
  output: z.object({ started: z.array(z.string()) }),
  async run({ repository, cause, look, asked }, { github, objects, executions }: Ports) {
    // A push to `main` may bring another channel's branch; the webhook listens to what is kept here.
    await readSettings(repository, { github, objects });
    const open = await github.listOpenPullRequests(repository, 'branch' in look ? { base: look.branch } : {});
    const meant = 'branch' in look ? open : open.filter((pull) => pull.headSha === look.headSha);
    const started: string[] = [];
    for (const { number, headSha } of meant) {
      const name = executionName('pr', String(number), { repository, headSha, look, asked }, cause);
      const base = 'branch' in look ? { base: look.commit } : {};
      const input: PullRequestInput = { repository, number, cause, ...base, ...(asked === undefined ? {} : { asked }) };
      await executions.start('pull-request', name, input);
      started.push(name);
    }
    return { started };
  },
});
