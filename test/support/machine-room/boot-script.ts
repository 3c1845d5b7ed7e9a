import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { identityText } from '#domain/rotation.ts';
import { substitute } from '#domain/variables.ts';
import type { RoleSession } from '../../../local/machine-room/aws.ts';
import { rewritePaths } from '../../../local/machine-room/paths.ts';

const USER_DATA = join(import.meta.dirname, '../../../channels/cluster/user-data');

/** What the scripts of user data need of an image, of which this machine lacks these. */
export function missingTools(): string[] {
  return ['bash', 'curl', 'jq', 'openssl'].filter((tool) => placesOf(tool).length === 0);
}

function placesOf(tool: string): string[] {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((place) => join(place, tool));
  return places.filter((place) => existsSync(place));
}

export interface ScriptRun {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface BootedInstance {
  readonly id: string;
  readonly region: string;
  readonly cluster: string;
  readonly session: RoleSession;
  readonly awsEndpoint: string;
  /** More variables of the user data, and of the instance. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly facts?: Readonly<Record<string, string>>;
  /** More answers of its metadata, by their path. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Folder of programs that take the place of those of this machine; the real curl is `$REAL_CURL`. */
  readonly programs?: string;
}

/**
 * Runs a script of the reference user data as an instance would, below `root` in place of `/`, with metadata of its own.
 * @param files paths of the user data's files that it needs, the script first
 */
export async function runBootScript(root: string, files: readonly string[], instance: BootedInstance, input = ''): Promise<ScriptRun> {
  const variables = { REGION: instance.region, CLUSTER_NAME: instance.cluster, ...instance.variables };
  writeFiles(root, files, { ...variables, CA_GENERATIONS: identityText({}, ['clusterCa']) });
  const env = join(root, 'etc/sluice/instance.env');
  const facts = Object.entries({ INSTANCE_ID: instance.id, NODE_NAME: instance.id, ...instance.facts });
  mkdirSync(dirname(env), { recursive: true });
  writeFileSync(env, facts.map(([name, value]) => `${name}=${value}\n`).join(''));
  const metadata = await startMetadata(instance.id, instance.session, instance.metadata);
  try {
    const environment = {
      PATH: [instance.programs ?? [], process.env['PATH'] ?? ''].flat().join(delimiter),
      REAL_CURL: placesOf('curl')[0] ?? '',
      AWS_ENDPOINT_URL: instance.awsEndpoint,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
    };
    return await run(join(root, files[0] ?? ''), environment, input);
  } finally {
    await metadata.close();
  }
}

function writeFiles(root: string, wanted: readonly string[], variables: Readonly<Record<string, string>>): void {
  const all = ['common.yaml', 'node.yaml', 'control-plane.yaml', 'etcd.yaml'].flatMap(
    (name) => (parse(readFileSync(join(USER_DATA, name), 'utf8')) as { files: { path: string; content: string }[] }).files,
  );
  for (const path of wanted) {
    const file = all.find((candidate) => candidate.path === path);
    if (file === undefined) throw new Error(`the reference user data has no file ${path}`);
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, rewritePaths(root, substitute(file.content, variables)));
    chmodSync(place, 0o755);
  }
}

/** The instance metadata service, version 2, as far as the scripts ask it. */
async function startMetadata(
  id: string,
  session: RoleSession,
  more: Readonly<Record<string, string>> = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const credentials = { AccessKeyId: session.accessKeyId, SecretAccessKey: session.secretAccessKey, Token: session.sessionToken };
  const answers: Readonly<Record<string, string>> = {
    '/latest/meta-data/instance-id': id,
    '/latest/meta-data/iam/security-credentials/': 'role',
    '/latest/meta-data/iam/security-credentials/role': JSON.stringify(credentials),
    ...Object.fromEntries(Object.entries(more).map(([path, answer]) => [`/latest/meta-data/${path}`, answer])),
  };
  const server = createServer((request, response) => {
    if (request.method === 'PUT' && request.url === '/latest/api/token') return void response.end('token');
    const answer = request.headers['x-aws-ec2-metadata-token'] === 'token' ? answers[request.url ?? ''] : undefined;
    response.writeHead(answer === undefined ? 404 : 200).end(answer ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function run(script: string, env: Readonly<Record<string, string>>, input: string): Promise<ScriptRun> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [script], { env, stdio: 'pipe' });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, errors }));
    // A script that reads nothing may be over before this is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
