import * as z from 'zod';
import { createGitHub } from '#adapters/github/github.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createExecutions } from '#adapters/step-functions/executions.ts';
import { CheckRef } from '#model/checks.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { loadGitHubApp } from '#runtime/github-app.ts';
import { createLog } from '#runtime/log.ts';
import { type PublishPorts, publishCheck } from './publish-check.ts';

const QueueEvent = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

let connected: Promise<PublishPorts> | undefined;

/**
 * The publisher: messages of the checks queue, FIFO. Several messages about one check are one publication. A failure is
 * thrown, so that the queue delivers again.
 */
export async function handler(event: unknown): Promise<void> {
  connected ??= connect();
  const ports = await connected.catch((error: unknown) => {
    connected = undefined;
    throw error;
  });
  const refs = new Map<string, CheckRef>();
  for (const record of QueueEvent.parse(event).Records) {
    const ref = CheckRef.parse(JSON.parse(record.body));
    refs.set(`${ref.sha} ${ref.name}`, ref);
  }
  const log = createLog({ function: 'publish' });
  for (const ref of refs.values()) {
    const sent = await publishCheck(ref, ports);
    log.info('check published', { check: ref.name, sha: ref.sha, sent });
  }
}

async function connect(): Promise<PublishPorts> {
  const environment = readEnvironment();
  const region = environment.AWS_REGION;
  const app = await loadGitHubApp(createSecrets(region), required(environment, 'SLUICE_GITHUB_SECRET'));
  const executions = createExecutions({ account: environment.SLUICE_ACCOUNT, region, prefix: environment.SLUICE_STATE_MACHINE_PREFIX });
  return {
    objects: createObjects(environment.SLUICE_BUCKET, { region }),
    github: createGitHub({
      baseUrl: required(environment, 'GITHUB_API_URL'),
      repository: required(environment, 'SLUICE_REPOSITORY'),
      ...app,
    }),
    clock: { now: () => new Date() },
    link: (wanted) => {
      if (wanted.execution === undefined) return undefined;
      const machine = wanted.ref.name.endsWith('rollout') ? 'rollout' : wanted.ref.name.endsWith('e2e') ? 'e2e' : 'pull-request';
      return executions.link(machine, wanted.execution);
    },
  };
}
