import { createHash, createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { GetExecutionHistoryCommand, type HistoryEvent, type SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { buildFunctions } from '../../cli/build.ts';
import { accountClients } from '../../local/aws/clients.ts';
import { deployHub } from '../../local/aws/deploy.ts';
import { startFrontDoor } from '../../local/aws/front-door.ts';
import { freePort, startMinistack } from '../../local/aws/ministack.ts';
import { HUB_ACCOUNT } from '../../local/fleet.ts';
import { createProcessTable } from '../../local/machine-room/processes.ts';
import { openToolchain } from '../../local/toolchain/open.ts';
import { until } from '../support/child.ts';
import { startClosedGitHub } from './closed-github.ts';
import { type Bench, type BenchContext, type Measure, percentile } from './measure.ts';

const DELIVERIES = 200;
/** Sent before, so that every function is warm. */
const WARM_UP = 10;
const REGION = 'eu-central-1';
const INSTALLATION = 42;
const REPOSITORY = { owner: 'platform', name: 'fleet' };
const Answer = z.object({ executions: z.tuple([z.string()]) });

interface Delivered {
  /** Seconds from sending to GitHub's answer, and to the first state's entry. */
  readonly answered: number;
  readonly entered: number;
}

interface Hub {
  readonly url: string;
  readonly secret: string;
  readonly stepFunctions: SFNClient;
}

/** Signed deliveries, one after another, to the deployed hub on the emulated AWS. */
export const webhookBench: Bench = {
  name: 'webhook',
  what: `${DELIVERIES} signed \`pull_request\` deliveries, each of another head, one after another once the execution before has ended, on the emulated AWS with the hub deployed by osls, all functions warm. \`p50\` and \`p99\`: from sending to the entry of the execution's first state, by the execution's history; \`answer-p99\`: to the HTTP answer (GitHub gives up after 10 s).`,
  async run(context) {
    const closers: (() => Promise<void>)[] = [];
    try {
      const hub = await startHub(context, closers);
      for (let number = 0; number < WARM_UP; number++) await deliver(hub, `warm-up ${number}`);
      const delivered: Delivered[] = [];
      for (let number = 0; number < DELIVERIES; number++) {
        delivered.push(await deliver(hub, String(number)));
        if ((number + 1) % 50 === 0) context.log(`${number + 1} of ${DELIVERIES} deliveries`);
      }
      return measuresOf(delivered);
    } finally {
      for (const closer of closers.reverse()) await closer().catch((error: unknown) => context.log(`while closing: ${String(error)}`));
    }
  },
};

function measuresOf(delivered: readonly Delivered[]): Measure[] {
  const entered = delivered.map((one) => one.entered);
  const answered = delivered.map((one) => one.answered);
  return [
    { name: 'webhook.p50', value: percentile(entered, 50), unit: 's', goal: { op: '<=', number: 1 } },
    { name: 'webhook.p99', value: percentile(entered, 99), unit: 's', goal: { op: '<=', number: 1 } },
    { name: 'webhook.answer-p99', value: percentile(answered, 99), unit: 's', goal: { op: '<=', number: 10 } },
  ];
}

async function startHub({ root, directory, log }: BenchContext, closers: (() => Promise<void>)[]): Promise<Hub> {
  const abort = new AbortController();
  closers.push(async () => abort.abort());
  const toolchain = openToolchain({
    log,
    signal: abort.signal,
  });
  const [environment] = await Promise.all([toolchain.ensure('ministack'), buildFunctions(root)]);
  const processes = createProcessTable(join(directory, 'emulator'));
  closers.push(() => processes.close());
  const port = await freePort();
  const site = { endpoint: `http://127.0.0.1:${port}`, region: REGION };
  await startMinistack({
    environment,
    port,
    region: REGION,
    directory: join(directory, 'aws'),
    processes,
    node: process.execPath,
    endpoints: {},
  });
  const clients = accountClients(site, HUB_ACCOUNT);
  const secret = randomBytes(24).toString('hex');
  await clients.secrets.send(new CreateSecretCommand({ Name: 'sluice/github-app', SecretString: appSecret(secret) }));
  const github = await startClosedGitHub();
  closers.push(() => github.close());
  const functionUrl = await deployHub(root, site, clients, { apiUrl: github.url, repository: REPOSITORY });
  log('the hub is deployed');
  const door = await startFrontDoor(functionUrl, site.endpoint);
  closers.push(() => door.close());
  return { url: door.url, secret, stepFunctions: clients.stepFunctions };
}

function appSecret(webhookSecret: string): string {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return JSON.stringify({ appId: 1001, installationId: INSTALLATION, privateKey, webhookSecrets: [webhookSecret] });
}

async function deliver(hub: Hub, seed: string): Promise<Delivered> {
  const body = eventOf(createHash('sha1').update(seed).digest('hex'));
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'pull_request',
    'x-github-delivery': crypto.randomUUID(),
    'x-hub-signature-256': `sha256=${createHmac('sha256', hub.secret).update(body).digest('hex')}`,
  };
  const sent = Date.now();
  const answer = await fetch(hub.url, { method: 'POST', headers, body });
  const text = await answer.text();
  const answered = Date.now();
  if (answer.status !== 200) throw new Error(`the webhook answered ${answer.status}: ${text.slice(0, 300)}`);
  const [execution] = Answer.parse(JSON.parse(text)).executions;
  const history = await ended(hub.stepFunctions, execution);
  const entered = history.find((event) => event.type === 'TaskStateEntered')?.timestamp;
  if (entered === undefined) throw new Error(`${execution} entered no state`);
  return { answered: (answered - sent) / 1000, entered: (entered.getTime() - sent) / 1000 };
}

/** The history of an execution that has succeeded. */
async function ended(client: SFNClient, execution: string): Promise<HistoryEvent[]> {
  const executionArn = `arn:aws:states:${REGION}:${HUB_ACCOUNT}:execution:sluice-pull-request:${execution}`;
  return until(`the end of ${execution}`, async () => {
    const { events = [] } = await client.send(new GetExecutionHistoryCommand({ executionArn }));
    const last = events.at(-1);
    if (last?.type === 'ExecutionFailed') throw new Error(`${execution} failed: ${last.executionFailedEventDetails?.cause}`);
    return last?.type === 'ExecutionSucceeded' ? events : undefined;
  });
}

/** What is read of a `pull_request` event. */
function eventOf(head: string): string {
  return JSON.stringify({
    action: 'synchronize',
    number: 7,
    pull_request: { head: { sha: head }, base: { sha: '2'.repeat(40), ref: 'dev' } },
    repository: { name: REPOSITORY.name, owner: { login: REPOSITORY.owner } },
    installation: { id: INSTALLATION },
  });
}
