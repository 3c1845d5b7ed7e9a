import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { bucketName, keys } from '#domain/names.ts';
import { auditText, readAudit } from './audit.ts';
import { accountClients } from './aws/clients.ts';
import { clustersOf, DEFAULT_CLUSTERS, HUB_ACCOUNT, parseClusters } from './fleet.ts';
import { writeKubeconfigs } from './kubeconfigs.ts';
import { createOperator } from './operator.ts';
import { playStory, type StoryResult, waitForCheck } from './story.ts';
import { clockText, createTerminal, type Terminal } from './terminal.ts';
import { createTimeline } from './timeline.ts';
import { describeProduct } from './toolchain/describe.ts';
import { openToolchain } from './toolchain/open.ts';
import { BUILD_ORDER, trimGoCache } from './toolchain/recipes.ts';
import type { Toolchain } from './toolchain/toolchain.ts';
import { REPOSITORY, startWorld, type World } from './world.ts';

const REGION = 'eu-central-1';
const TIMELINE_LOOK_MS = 1500;

const USAGE = `npm start [-- options]
  --exit                  end after the story; exit code 0 only if every part of it succeeded
  --no-story              bring the world up and wait; the last line is the path of a JSON file with its addresses
  --clusters dev=2,...    number of clusters of each channel (default dev=1,alpha=1,beta=2)
`;

interface Options {
  readonly exit: boolean;
  readonly story: boolean;
  readonly clusters: Record<string, number>;
}

export async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  const startedAt = new Date(Number(process.env['SLUICE_STARTED_AT'] ?? Date.now()));
  const terminal = createTerminal(process.stdout, startedAt);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abort.abort(new Error(`ended by ${signal}`)));
  const root = resolve(import.meta.dirname, '..');
  const directory = process.env['SLUICE_WORLD'] ?? join(root, '.world');
  await mkdir(directory, { recursive: true });
  const toolchain = openToolchain({
    log: (line) => terminal.line(line),
    signal: abort.signal,
    afterBuilds: () => trimGoCache(process.env),
  });
  let world: World | undefined;
  try {
    terminal.headline('The local world is coming up; Kubernetes is built beside it where the cache lacks it');
    let builds: Promise<void> | undefined;
    const beginBuilds = (): void => {
      builds = buildAll(toolchain, terminal, abort);
      // Whoever waits for the builds hears of a failure; until somebody does, it must not end the program.
      builds.catch(() => undefined);
    };
    const shape = { clusters: options.clusters, e2eSlots: 1, region: REGION };
    world = await startWorld({ root, directory, shape, toolchain, terminal, beginBuilds });
    builds ??= Promise.resolve();
    return await run(world, options, terminal, abort, builds);
  } catch (error) {
    if (abort.signal.aborted && !options.exit)
      terminal.line(String(abort.signal.reason instanceof Error ? abort.signal.reason.message : abort.signal.reason));
    else terminal.line(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
    return abort.signal.aborted ? 130 : 1;
  } finally {
    abort.abort();
    terminal.status('');
    await world?.close();
  }
}

async function run(world: World, options: Options, terminal: Terminal, abort: AbortController, builds: Promise<void>): Promise<number> {
  const storyFrom = new Date();
  const timeline = createTimeline(world.hub.stepFunctions, (line) => terminal.timeline(line));
  const following = followTimeline(timeline, abort.signal);
  terminal.line(`local GitHub: ${world.github.pageUrl}   clone: ${world.github.gitUrl}`);
  terminal.line(`the fleet: ${world.pageUrl}`);
  const fleetCommit = await world.raiseFleet();
  const operator = createOperator(world);
  const context = { world, terminal, signal: abort.signal };
  const fleetReady = waitForCheck(context, operator, fleetCommit, 'sluice / rollout').then(() =>
    terminal.headline('The fleet is up at the reference configuration'),
  );
  // A build that fails must end the wait for what it would have brought.
  const failed = builds.then(() => new Promise<never>(() => undefined));
  let result: StoryResult | undefined;
  if (options.story) {
    result = await Promise.race([playStory(context, fleetReady), failed]);
    await timeline.look();
    terminal.headline('The change is on every cluster');
    process.stdout.write(`\n${auditText(await readAudit(world.hub.stepFunctions, storyFrom))}\n`);
    process.stdout.write(`\n${timingTable(world, result, terminal)}\n`);
    if (options.exit) return 0;
  } else {
    await Promise.race([fleetReady, failed]);
  }
  const path = await writeAddresses(world);
  terminal.headline('The world stays up until Ctrl-C');
  process.stdout.write(`${howToGoOn(world)}\n${path}\n`);
  await following;
  return options.story ? 0 : 130;
}

async function buildAll(toolchain: Toolchain, terminal: Terminal, abort: AbortController): Promise<void> {
  const states = new Map<string, string>();
  const stop = toolchain.subscribe((state) => {
    states.set(state.product, state.state === 'ready' ? '' : describeProduct(state, new Date()));
    terminal.status(
      [...states.values()]
        .filter((text) => text !== '')
        .slice(0, 2)
        .join(' · '),
    );
  });
  try {
    await toolchain.ensureAll(BUILD_ORDER);
  } finally {
    stop();
    if (!abort.signal.aborted) terminal.status('');
  }
}

async function followTimeline(timeline: { look(): Promise<void> }, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await timeline.look().catch(() => undefined);
    await delay(TIMELINE_LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

function timingTable(world: World, result: StoryResult, terminal: Terminal): string {
  const rows = [
    ...world.timings.map(({ part, seconds }) => [part, seconds] as const),
    ['plan of the first pull request, since the start', result.firstCheckSeconds] as const,
    ['the whole, since the start', terminal.elapsedSeconds()] as const,
  ];
  return ['Times', ...rows.map(([part, seconds]) => `  ${clockText(seconds)}  ${part}`)].join('\n');
}

/** The world's addresses as a JSON file, so that any client can drive it. */
async function writeAddresses(world: World): Promise<string> {
  const directory = join(world.directory, 'kubeconfigs');
  const token = world.issuer.token('reader', []);
  const clusters = [];
  for (const cluster of clustersOf(world.shape)) {
    const clients = accountClients(world.site, cluster.account);
    await world.hub.s3.send(new HeadObjectCommand({ Bucket: bucketName(HUB_ACCOUNT, world.site.region), Key: keys.cluster(cluster.name) }));
    clusters.push({ ...cluster, kubeconfigs: await writeKubeconfigs(clients, cluster, directory, token) });
  }
  const path = join(world.directory, 'addresses.json');
  const addresses = {
    github: {
      api: world.github.apiUrl,
      git: world.github.gitUrl,
      page: world.github.pageUrl,
      repository: REPOSITORY,
      operator: world.operator,
    },
    page: world.pageUrl,
    webhook: { url: world.webhookUrl, secret: world.webhookSecret },
    room: world.room.control,
    aws: { endpoint: world.site.endpoint, region: world.site.region, hubAccount: HUB_ACCOUNT },
    clusters,
  };
  await writeFile(path, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
  return path;
}

function howToGoOn(world: World): string {
  const url = world.github.gitUrl.replace('://', `://${world.operator.login}:${world.operator.token}@`);
  return [
    `  the fleet         ${world.pageUrl}`,
    `  local GitHub      ${world.github.pageUrl}`,
    '  the machine room  npm run room -- list',
    `  a PR of your own  git clone -b dev ${url} fleet && cd fleet`,
    '                    git checkout -b my-change && edit channels/cluster/... && git commit -am "My change"',
    `                    git push origin my-change, then open it on ${world.github.pageUrl}`,
  ].join('\n');
}

function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      exit: { type: 'boolean', default: false },
      'no-story': { type: 'boolean', default: false },
      clusters: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  return {
    exit: values.exit,
    story: !values['no-story'],
    clusters: values.clusters === undefined ? { ...DEFAULT_CLUSTERS } : parseClusters(values.clusters),
  };
}

if (process.argv[1] === import.meta.filename) {
  const [command = 'start', ...rest] = process.argv.slice(2);
  if (command !== 'start') throw new Error(`unknown command ${command}`);
  const code = await main(rest);
  // Everything that was started has ended; idle connections of the AWS clients must not hold the program.
  process.exit(code);
}
