import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { botOf, operatorOf } from '../domain/actor.ts';
import { watchingBranches } from '../domain/refs.ts';
import { callerOfToken } from '../domain/tokens.ts';
import type { World } from '../domain/world.ts';
import { credentialOf } from '../http.ts';
import { gitEnvironment } from './run.ts';

/** The requests of Git's smart protocol; nothing else of a repository is served. */
const GIT_PATH = /^\/([\w-]+)\/([\w.-]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

/** Answers a Git client. False when the path is none of Git's. */
export async function serveGit(world: World, request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
  const [, owner = '', name, service = ''] = GIT_PATH.exec(url.pathname) ?? [];
  if (name === undefined) return false;
  const repository = name === world.settings.repository.name ? await world.repositoryOf(owner) : undefined;
  if (repository === undefined) {
    response.writeHead(404).end('Repository not found.\n');
    return true;
  }
  const pushes = service === 'git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
  const caller = callerOfToken(world, credentialOf(request) ?? '');
  if (pushes && (caller === undefined || (caller === 'installation' && owner !== world.settings.repository.owner))) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end('Authentication required.\n');
    return true;
  }
  const path = `/${owner}/${name}.git/${service}`;
  if (service !== 'git-receive-pack') {
    (await backend(world, request, response, path, url))();
    return true;
  }
  const by = caller === 'installation' ? botOf(world.settings) : operatorOf(world.settings);
  // The client is answered once pull requests and events are brought up to date.
  await world.serial(async () =>
    (await watchingBranches(world, owner, repository, by, () => backend(world, request, response, path, url)))(),
  );
  return true;
}

/** Runs `git http-backend` as CGI, streaming both ways; answers how to end the response. */
function backend(world: World, request: IncomingMessage, response: ServerResponse, path: string, url: URL): Promise<() => void> {
  const child = spawn('git', ['http-backend'], { env: environment(world, request, path, url) });
  return new Promise((resolve, reject) => {
    let head: Buffer | undefined = Buffer.alloc(0);
    child.on('error', reject);
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (chunk: Buffer) => console.error(`local GitHub: git http-backend: ${chunk.toString().trim()}`));
    child.stdout.on('data', (chunk: Buffer) => {
      if (head === undefined) {
        response.write(chunk);
        return;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      writeHead(response, head.subarray(0, end).toString());
      response.write(head.subarray(end + 4));
      head = undefined;
    });
    child.on('close', () => {
      if (head !== undefined) response.writeHead(500);
      resolve(() => response.end());
    });
    response.on('close', () => child.kill());
    request.pipe(child.stdin);
  });
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') status = Number(value.slice(0, 3));
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

function environment(world: World, request: IncomingMessage, path: string, url: URL): Record<string, string> {
  const header = (name: string): string => String(request.headers[name] ?? '');
  return {
    ...gitEnvironment(),
    GIT_PROJECT_ROOT: world.repositoriesRoot,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_PROTOCOL: header('git-protocol'),
    PATH_INFO: path,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method ?? 'GET',
    CONTENT_TYPE: header('content-type'),
    ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: header('content-length') }),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_USER: 'pusher',
  };
}
