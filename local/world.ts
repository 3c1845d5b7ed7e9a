import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { keys as objectKeys } from '#domain/names.ts';
import { buildFunctions } from '../cli/build.ts';
import { bootstrapAccount } from './aws/bootstrap-account.ts';
import { type AccountClients, type AwsSite, accountClients } from './aws/clients.ts';
import { deployHub } from './aws/deploy.ts';
import { startFrontDoor } from './aws/front-door.ts';
import { freePort, startMinistack } from './aws/ministack.ts';
import { startPageDoor } from './aws/page-door.ts';
import { clustersOf, commitSettings, e2eSlotsOf, type FleetShape, HUB_ACCOUNT, localSettings, seedRepository } from './fleet.ts';
import { git } from './git.ts';
import { type LocalGitHub, startLocalGitHub } from './github/start.ts';
import { type LocalIssuer, startLocalIssuer } from './issuer.ts';
import { createProcessTable } from './machine-room/processes.ts';
import { fastStages, startMachineRoom } from './machine-room/room.ts';
import type { MachineRoom } from './machine-room/types.ts';
import type { Terminal } from './terminal.ts';
import { publishArtifacts } from './toolchain/artifacts.ts';
import type { Toolchain } from './toolchain/toolchain.ts';

export const REPOSITORY = { owner: 'platform', name: 'fleet' } as const;

export interface World {
  readonly shape: FleetShape;
  readonly site: AwsSite;
  readonly hub: AccountClients;
  readonly github: LocalGitHub;
  readonly operator: { readonly login: string; readonly token: string };
  readonly webhookUrl: string;
  readonly webhookSecret: string;
  /** Sluice's own page, which shows the fleet. */
  readonly pageUrl: string;
  readonly room: MachineRoom;
  /** Whose tokens let people in at the clusters. */
  readonly issuer: LocalIssuer;
  readonly directory: string;
  /** Times of the parts of the start, seconds since the start of the program. */
  readonly timings: readonly { readonly part: string; readonly seconds: number }[];
  /** Pushes the settings to `main`: the fleet begins. */
  raiseFleet(): Promise<string>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly root: string;
  readonly directory: string;
  readonly shape: FleetShape;
  readonly toolchain: Toolchain;
  readonly terminal: Terminal;
  /** Begins the long builds; called when nothing that people wait for first needs the processors any more. */
  readonly beginBuilds?: () => void;
}

/** Brings up everything around Sluice on loopback, and Sluice in it; on a failure what was started is ended again. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse())
      await closer().catch((error: unknown) => options.terminal.line(`while closing: ${String(error)}`));
  };
  try {
    return await start(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(options: WorldOptions, closers: (() => Promise<void>)[], close: () => Promise<void>): Promise<World> {
  const { root, directory, shape, toolchain, terminal } = options;
  const timings: { part: string; seconds: number }[] = [];
  const timed = async <T>(part: string, work: Promise<T>): Promise<T> => {
    const from = terminal.elapsedSeconds();
    const result = await work;
    timings.push({ part, seconds: terminal.elapsedSeconds() - from });
    terminal.line(`${part} (${(terminal.elapsedSeconds() - from).toFixed(1)} s)`);
    return result;
  };
  await mkdir(directory, { recursive: true });
  const processes = createProcessTable(join(directory, 'emulator'));
  closers.push(() => processes.close());
  await Promise.all(['github', 'machine-room', 'work', 'aws'].map((part) => rm(join(directory, part), { recursive: true, force: true })));

  const issuer = await startLocalIssuer();
  closers.push(() => issuer.close());
  const issuerCa = join(directory, 'issuer-ca.crt');
  await writeFile(issuerCa, issuer.ca);
  const port = await freePort();
  const site = { endpoint: `http://127.0.0.1:${port}`, region: shape.region };
  const slots = e2eSlotsOf(shape);
  const sites = [...clustersOf(shape), ...slots];
  const accounts = sites.map(({ account }) => account);
  const room = await startRoom(options, site, accounts);
  closers.push(() => room.close());

  const operator = { login: 'operator', token: `ghp_${randomBytes(18).toString('hex')}` };
  const webhookSecret = randomBytes(24).toString('hex');
  const app = { id: 1001, installationId: 2001 };
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const github = await startLocalGitHub({
    directory: join(directory, 'github'),
    repository: REPOSITORY,
    app: { ...app, publicKey: keys.publicKey },
    webhook: { secret: webhookSecret },
    operator,
  });
  closers.push(() => github.close());
  const work = join(directory, 'work');
  const gitUrl = github.gitUrl.replace('://', `://${operator.login}:${operator.token}@`);
  await timed('local GitHub with the fleet repository', seedRepository(root, gitUrl, work));

  const [environment] = await Promise.all([toolchain.ensure('ministack'), timed('functions built', buildFunctions(root))]);
  await timed(
    'emulated AWS',
    startMinistack({
      environment,
      port,
      region: shape.region,
      directory: join(directory, 'aws'),
      processes,
      node: process.execPath,
      endpoints: {
        AWS_ENDPOINT_URL_AUTO_SCALING: room.autoscalingUrl,
        AWS_ENDPOINT_URL_EC2: room.autoscalingUrl,
        // The functions trust the local issuer besides the Internet's authorities.
        NODE_EXTRA_CA_CERTS: issuerCa,
      },
    }),
  );
  const hub = accountClients(site, HUB_ACCOUNT);
  await hub.secrets.send(
    new CreateSecretCommand({
      Name: 'sluice/github-app',
      SecretString: JSON.stringify({
        appId: app.id,
        installationId: app.installationId,
        privateKey: keys.privateKey,
        webhookSecrets: [webhookSecret],
      }),
    }),
  );
  // Before the functions are there: their checks link to it.
  const page = await startPageDoor(hub.lambda);
  closers.push(() => page.close());
  const [functionUrl] = await Promise.all([
    timed('Sluice deployed by osls', deployHub(root, site, hub, { apiUrl: github.apiUrl, repository: REPOSITORY }, page.url)),
    timed(
      `${accounts.length} accounts bootstrapped`,
      Promise.all(sites.map(({ account, network }) => bootstrapAccount(root, accountClients(site, account), HUB_ACCOUNT, network))),
    ),
  ]);
  await hub.objects.putIfAbsent(objectKeys.fleet(), JSON.stringify({ founded: new Date().toISOString(), by: operator.login }));
  const door = await startFrontDoor(functionUrl, site.endpoint);
  closers.push(() => door.close());
  github.setWebhookUrl(door.url);
  github.setFleetPage(page.url);

  options.beginBuilds?.();
  const artifacts = publishArtifacts({
    toolchain,
    hub: hub.objects,
    accounts: accounts.map((account) => ({
      objects: accountClients(site, account).objects,
      e2e: slots.some((slot) => slot.account === account),
    })),
    log: (line) => terminal.line(line),
  });
  // What is missing was told; the builds that it comes from end the start by themselves.
  artifacts.done.catch(() => undefined);
  closers.push(() => artifacts.close());

  return {
    shape,
    site,
    hub,
    github,
    operator,
    webhookUrl: door.url,
    webhookSecret,
    pageUrl: page.url,
    room,
    issuer,
    directory,
    timings,
    async raiseFleet() {
      const claims = { user: 'sub', groups: 'groups' };
      const login = { issuer: issuer.url, audience: issuer.audience, claims, writers: ['platform'] };
      await commitSettings(work, await localSettings(root, shape, login));
      await git(work, 'push', '-q', gitUrl, 'main');
      return git(work, 'rev-parse', 'HEAD');
    },
    close,
  };
}

async function startRoom({ directory, toolchain }: WorldOptions, site: AwsSite, accounts: readonly string[]): Promise<MachineRoom> {
  const logFile = join(directory, 'machine-room.log');
  await writeFile(logFile, '');
  const { appendFile } = await import('node:fs/promises');
  return startMachineRoom({
    awsEndpoint: site.endpoint,
    region: site.region,
    accounts,
    directory: join(directory, 'machine-room'),
    binaries: (name, version) => binary(toolchain, name, version),
    log: (message, fields) => void appendFile(logFile, `${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`),
    kwok: {
      binary: async () => join(await toolchain.ensure('kwok'), 'kwok'),
      stages: async () => fastStages(join(await toolchain.ensure('kwok'), 'stages')),
    },
  });
}

async function binary(toolchain: Toolchain, name: string, version: string): Promise<string> {
  const product = name.startsWith('etcd') ? 'etcd' : `kubernetes-${version}`;
  return join(await toolchain.ensure(product), name);
}
