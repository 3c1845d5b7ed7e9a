import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { API_PORT } from '#domain/network.ts';
import type { ClientIdentity } from '#model/identity.ts';

/** What an informer holds of one resource, as controllers and kubelets do. */
export interface Informer {
  /** Names that it knows. */
  names(): string[];
  /** The newest resource version that it has seen. */
  version(): string;
  /** How often it had to list, the first time included. */
  lists(): number;
  stop(): Promise<void>;
}

const Item = z.object({ metadata: z.object({ name: z.string(), resourceVersion: z.string() }) });
const List = z.object({ metadata: z.object({ resourceVersion: z.string() }), items: z.array(Item).nullable() });
const Event = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({
    code: z.int().optional(),
    metadata: z.object({ name: z.string().default(''), resourceVersion: z.string().default('') }),
  }),
});
const GONE = 410;
const PAUSE_MILLISECONDS = 50;

/**
 * Lists a path and watches it from there, as client-go's reflector does: a watch that ends is begun again from the newest
 * version seen, and only the answer that this version is gone leads to another list.
 */
export function startInformer(address: string, identity: ClientIdentity, path: string): Informer {
  const known = new Set<string>();
  let [version, lists, ended] = ['', 0, false];
  let current: ClientRequest | undefined;
  const loop = run();
  return {
    names: () => [...known].sort(),
    version: () => version,
    lists: () => lists,
    async stop() {
      ended = true;
      current?.destroy();
      await loop;
    },
  };

  async function run(): Promise<void> {
    while (!ended) {
      try {
        if (version === '') await list();
        await watch();
      } catch {
        // The server is away: the same again.
      }
      await new Promise((done) => setTimeout(done, PAUSE_MILLISECONDS));
    }
  }

  async function list(): Promise<void> {
    const answer = await call(path);
    let text = '';
    for await (const chunk of answer) text += chunk;
    if (answer.statusCode !== 200) throw new Error(`${path} answers ${answer.statusCode}`);
    const { metadata, items } = List.parse(JSON.parse(text));
    known.clear();
    for (const item of items ?? []) known.add(item.metadata.name);
    version = metadata.resourceVersion;
    lists += 1;
  }

  async function watch(): Promise<void> {
    const answer = await call(`${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`);
    if (answer.statusCode === GONE) version = '';
    if (answer.statusCode !== 200) {
      answer.resume();
      return;
    }
    for await (const line of createInterface({ input: answer })) {
      const { type, object } = Event.parse(JSON.parse(line));
      if (type === 'ERROR') {
        if (object.code === GONE) version = '';
        return;
      }
      if (type === 'DELETED') known.delete(object.metadata.name);
      else if (type !== 'BOOKMARK') known.add(object.metadata.name);
      version = object.metadata.resourceVersion;
    }
  }

  function call(target: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { ca, cert, key } = identity;
      const options = { host: address, port: API_PORT, path: target, ca, cert, key, servername: 'kubernetes', agent: false };
      current = request(options, resolve);
      current.once('error', reject);
      current.end();
    });
  }
}
