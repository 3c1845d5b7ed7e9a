import { Webhooks } from '@octokit/webhooks';
import * as z from 'zod';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createExecutions } from '#adapters/step-functions/executions.ts';
import { keys } from '#domain/names.ts';
import { readObject } from '#facts/stored.ts';
import { FleetBranches } from '#model/records.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { loadGitHubApp } from '#runtime/github-app.ts';
import { createLog } from '#runtime/log.ts';
import { type Answer, receive, type WebhookPorts } from './receive.ts';

/** A Lambda function URL's event, payload format 2.0: what is used of it. */
const UrlEvent = z.object({
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
  isBase64Encoded: z.boolean().default(false),
});

let connected: Promise<WebhookPorts> | undefined;

export async function handler(event: unknown): Promise<Answer> {
  const parsed = UrlEvent.safeParse(event);
  if (!parsed.success) return { statusCode: 400, body: 'not an HTTP request' };
  connected ??= connect();
  const ports = await connected.catch((error: unknown) => {
    connected = undefined;
    throw error;
  });
  const { headers, body, isBase64Encoded } = parsed.data;
  return receive(
    {
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      body: isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body,
    },
    ports,
  );
}

async function connect(): Promise<WebhookPorts> {
  const environment = readEnvironment();
  const region = environment.AWS_REGION;
  const app = await loadGitHubApp(createSecrets(region), required(environment, 'SLUICE_GITHUB_SECRET'));
  const objects = createObjects(environment.SLUICE_BUCKET, { region });
  return {
    executions: createExecutions({ account: environment.SLUICE_ACCOUNT, region, prefix: environment.SLUICE_STATE_MACHINE_PREFIX }),
    verify: verifierOf(app.webhookSecrets),
    installationId: app.installationId,
    repository: required(environment, 'SLUICE_REPOSITORY'),
    async fleetBranches() {
      const known = await readObject(objects, keys.fleetBranches(), FleetBranches);
      return known === undefined ? undefined : new Set(known.branches);
    },
    log: createLog({ function: 'webhook' }),
  };
}

/** One verifier a secret; each is tried whatever the first says, so that the time tells nothing. */
function verifierOf(secrets: readonly string[]): (body: string, signature: string) => Promise<boolean> {
  const verifiers = secrets.map((secret) => new Webhooks({ secret }));
  return async (body, signature) => {
    if (signature === '') return false;
    const verdicts = await Promise.all(verifiers.map((verifier) => verifier.verify(body, signature).catch(() => false)));
    return verdicts.some(Boolean);
  };
}
