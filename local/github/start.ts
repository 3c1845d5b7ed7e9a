import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openWorld, type World } from './domain/world.ts';
import { serveGit } from './git/smart-http.ts';
import type { LocalGitHubOptions } from './options.ts';
import { servePage } from './page/serve.ts';
import { serveRest } from './rest/serve.ts';

/** The API's place on the server, as a GitHub Enterprise Server has it. */
const API = '/api/v3';

export interface LocalGitHub {
  /** Base URL of the REST API, without a slash at the end. */
  readonly apiUrl: string;
  /** URL to clone the repository from. */
  readonly gitUrl: string;
  /** The page for people. */
  readonly pageUrl: string;
  /** Where webhooks go from now on; undefined: deliveries are recorded as failed. */
  setWebhookUrl(url: string | undefined): void;
  /** Links Sluice's own page from the head of each page. */
  setFleetPage(url: string): void;
  /** Makes `owner/<name>` a fork of the repository (or finds it) and answers its clone URL. */
  fork(owner: string): Promise<string>;
  /** How many requests that write a check run came since the start, and which of them were refused. */
  checkRequests(): { readonly made: number; readonly refused: readonly string[] };
  /** Resolves when test merges are made and webhooks are delivered. */
  settled(): Promise<void>;
  /** Stops listening, gives up what is not delivered, writes the state. */
  close(): Promise<void>;
}

/** Starts a small GitHub on 127.0.0.1: repositories, REST API, webhooks and a page. @throws when the port is taken */
export async function startLocalGitHub(options: LocalGitHubOptions): Promise<LocalGitHub> {
  const handler: { current?: (request: IncomingMessage, response: ServerResponse) => void } = {};
  const server = createServer((request, response) => handler.current?.(request, response));
  const port = await listen(server, options.port ?? 0);
  const pageUrl = `http://127.0.0.1:${port}`;
  const world = await openWorld(options, { api: `${pageUrl}${API}`, page: pageUrl });
  handler.current = (request, response) => {
    serve(world, request, response).catch((error: unknown) => {
      console.error(`local GitHub: ${request.method} ${request.url} failed:`, error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const { owner, name } = options.repository;
  const settled = async (): Promise<void> => {
    // A test merge is queued by the change that makes it needed, so one empty turn waits for both.
    await world.serial(async () => undefined);
    await world.hooks.settled();
  };
  return {
    apiUrl: world.urls.api,
    gitUrl: `${pageUrl}/${owner}/${name}.git`,
    pageUrl: `${pageUrl}/`,
    setWebhookUrl: (url) => world.hooks.setUrl(url),
    setFleetPage: (url) => {
      world.urls.fleet = url;
    },
    async fork(forkOwner) {
      await world.fork(forkOwner);
      return `${pageUrl}/${forkOwner}/${name}.git`;
    },
    checkRequests: () => ({ made: world.checkRequests.made, refused: [...world.checkRequests.refused] }),
    settled,
    async close() {
      world.hooks.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await settled();
      world.store.flush();
    },
  };
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', world.urls.page);
  if (url.pathname.startsWith(`${API}/`)) {
    await serveRest(world, request, response, url.pathname.slice(API.length));
    return;
  }
  if (await serveGit(world, request, response, url)) return;
  await servePage(world, request, response, url);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve(addressOf(server).port);
    });
  });
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  return address;
}
