import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { createMetrics } from '#adapters/cloudwatch/metrics.ts';
import { createGitHub } from '#adapters/github/github.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createExecutions } from '#adapters/step-functions/executions.ts';
import { CheckRef } from '#model/checks.ts';
import { RefusedError } from '#model/errors.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { loadGitHubApp } from '#runtime/github-app.ts';
import { createLog } from '#runtime/log.ts';
import { type PublishPorts, publishCheck } from './publish-check.ts';

const QueueEvent = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

/** Between two writes: 80 a minute (docs.github.com, "Rate limits for the REST API", content-generating requests). */
const WRITE_SPACING_MS = 750;
/** Pauses before a check is tried again at once; after them the queue delivers it again. */
const TRY_AGAIN_MS = [1000, 5000];

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
  const failures: unknown[] = [];
  for (const ref of refs.values()) {
    await publish(ref, ports).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** What GitHub refuses for good is told (connect) and left: the checks behind it in the queue must not wait for it. */
async function publish(ref: CheckRef, ports: PublishPorts): Promise<void> {
  const log = createLog({ function: 'publish', check: ref.name, sha: ref.sha });
  for (const pause of [...TRY_AGAIN_MS, undefined]) {
    try {
      const sent = await publishCheck(ref, ports);
      log.info('check published', { sent });
      return;
    } catch (error) {
      if (error instanceof RefusedError) return;
      if (pause === undefined) throw error;
      log.warn('a check is published again', { reason: String(error) });
      await delay(pause);
    }
  }
}

/** Spaces what is written: GitHub takes 80 writes a minute. One repository has one publisher at a time, so this holds. */
function createPace(): () => Promise<void> {
  let free = 0;
  return async () => {
    const wait = free - Date.now();
    if (wait > 0) await delay(wait);
    free = Date.now() + WRITE_SPACING_MS;
  };
}

async function connect(): Promise<PublishPorts> {
  const environment = readEnvironment();
  const region = environment.AWS_REGION;
  const app = await loadGitHubApp(createSecrets(region), required(environment, 'SLUICE_GITHUB_SECRET'));
  const clock = { now: () => new Date() };
  const metrics = createMetrics(clock, (line) => void process.stdout.write(`${line}\n`));
  const executions = createExecutions({ account: environment.SLUICE_ACCOUNT, region, prefix: environment.SLUICE_STATE_MACHINE_PREFIX });
  return {
    objects: createObjects(environment.SLUICE_BUCKET, { region }),
    github: createGitHub({
      baseUrl: required(environment, 'GITHUB_API_URL'),
      repository: required(environment, 'SLUICE_REPOSITORY'),
      ...app,
    }),
    clock,
    pace: createPace(),
    link: (wanted) => {
      if (wanted.execution === undefined) return undefined;
      const machine = wanted.ref.name.endsWith('rollout') ? 'rollout' : wanted.ref.name.endsWith('e2e') ? 'e2e' : 'pull-request';
      return executions.link(machine, wanted.execution);
    },
    refused(ref, reason, shown) {
      const what = shown ? 'GitHub refused the text of a check; it says so there' : 'GitHub refused a check; it stays as it is there';
      createLog({ function: 'publish', check: ref.name, sha: ref.sha }).error(what, { reason });
      metrics.put({}, [{ name: 'ChecksRefused', value: 1, unit: 'Count' }]);
    },
  };
}
