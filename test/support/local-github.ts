import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type LocalGitHub, startLocalGitHub } from '../../local/github/start.ts';

export const REPOSITORY = { owner: 'zalando', name: 'fleet' };
export const OPERATOR = { login: 'operator', token: 'operator-token-of-a-test' };
export const SECRET = 'webhook-secret-of-a-test';
export const APP = { id: 4711, installationId: 815 };

const run = promisify(execFile);

export interface GitHubUnderTest {
  readonly local: LocalGitHub;
  readonly privateKey: string;
  readonly directory: string;
  /** A REST call, by default as the operator. */
  call(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; json: unknown }>;
  close(): Promise<void>;
  /** Closes it and starts it anew on the same directory and port. */
  restart(): Promise<void>;
}

/** A local GitHub with an App's key of its own, in a directory that is removed at the end. */
export async function startGitHubUnderTest(webhookUrl?: string): Promise<GitHubUnderTest> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const directory = await mkdtemp(join(tmpdir(), 'local-github-'));
  const start = (port?: number): Promise<LocalGitHub> =>
    startLocalGitHub({
      ...(port === undefined ? {} : { port }),
      directory,
      repository: REPOSITORY,
      app: { ...APP, publicKey },
      webhook: { secret: SECRET, ...(webhookUrl === undefined ? {} : { url: webhookUrl }) },
      operator: OPERATOR,
    });
  const state = { local: await start() };
  return {
    get local() {
      return state.local;
    },
    privateKey,
    directory,
    async call(method, path, body, token = OPERATOR.token) {
      const answer = await fetch(`${state.local.apiUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) };
    },
    async close() {
      await state.local.close();
      await rm(directory, { recursive: true, force: true });
    },
    async restart() {
      const { port } = new URL(state.local.pageUrl);
      await state.local.close();
      state.local = await start(Number(port));
    },
  };
}

/** A clone that pushes with a real Git client. */
export interface Clone {
  readonly directory: string;
  git(...args: string[]): Promise<string>;
  /** Commits files (null deletes) on a branch, made from `from` (or from nothing) when it is new, and pushes. */
  push(branch: string, files: Readonly<Record<string, string | null>>, from?: string): Promise<string>;
}

export async function cloneOf(gitUrl: string, directory: string, token = OPERATOR.token): Promise<Clone> {
  const environment = { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
  const person = ['-c', 'user.name=Op', '-c', 'user.email=op@example.com', '-c', 'protocol.version=2'];
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', directory, ...person, ...args], { env: environment })).stdout.trim();
  await mkdir(directory, { recursive: true });
  await git('clone', '--quiet', gitUrl.replace('://', `://x:${token}@`), '.');
  return {
    directory,
    git,
    async push(branch, files, from) {
      await git('fetch', '--quiet', '--prune', 'origin');
      const exists = (start: string): Promise<boolean> =>
        git('rev-parse', '--verify', '--quiet', `origin/${start}`).then(Boolean, () => false);
      if (await exists(branch)) await git('checkout', '--quiet', '-B', branch, `origin/${branch}`);
      else if (from !== undefined) await git('checkout', '--quiet', '-B', branch, `origin/${from}`);
      else await startEmpty(git, branch);
      for (const [path, content] of Object.entries(files)) {
        if (content === null) await git('rm', '--quiet', path);
        else {
          await mkdir(dirname(join(directory, path)), { recursive: true });
          await writeFile(join(directory, path), content);
        }
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', `Change ${Object.keys(files).join(', ')}`);
      await git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
      return git('rev-parse', 'HEAD');
    },
  };
}

async function startEmpty(git: Clone['git'], branch: string): Promise<void> {
  await git('checkout', '--quiet', '--orphan', branch);
  await git('rm', '-rf', '--quiet', '--ignore-unmatch', '.');
}

/** A delivery as the receiver got it. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: string;
}

/** Takes webhooks and answers them with what `answer` says. */
export async function startReceiver(answer: () => number = () => 200) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), event: String(request.headers['x-github-event']) });
    response.writeHead(answer()).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}
