import { Agent, request } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { API_PORT } from '#domain/network.ts';

/** Between two health checks of a target. */
const CHECK_MILLISECONDS = 500;
const CHECK_TIMEOUT_MILLISECONDS = 4000;
/** Checks in a row that must fail before a target counts as unhealthy. */
const UNHEALTHY_THRESHOLD = 2;
/** Stands for the address that the name resolves to. */
const NAME = 'name';

export interface LoadBalancer {
  /** Port on 127.0.0.1 that stands for the load balancer's name: whoever resolves that is never sent to a zone that is gone. */
  readonly namePort: number;
  /** The addresses that nobody hears: connections to them stay open, and nothing goes through. */
  setSilent(addresses: ReadonlySet<string>): void;
  close(): Promise<void>;
}

interface Target {
  healthy: boolean;
  /** Failed checks in a row. */
  failures: number;
  checking: boolean;
  readonly agent: Agent;
}

/**
 * A TCP load balancer at port 6443 of its addresses, one a zone, to port 6443 of its targets, in turn, as a network load
 * balancer with an HTTPS health check on /readyz: 200, 401 and 403 are healthy, certificates are not verified. As on AWS
 * it fails open: while no target is healthy, all get connections. `targets` is asked at each connection: one that is left
 * out gets no new one at once, and keeps those it has. A mirror is where real nodes reach an address.
 */
export async function startLoadBalancer(
  addresses: readonly { readonly address: string; readonly mirror?: string | undefined }[],
  targets: () => readonly string[],
  onHealth: (target: string, healthy: boolean) => void,
  preferredNamePort = 0,
): Promise<LoadBalancer> {
  const known = new Map<string, Target>();
  const sockets = new Map<Socket, string>();
  let silent: ReadonlySet<string> = new Set();
  let turn = 0;
  const serve = (address: string): Server =>
    createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const current = targets();
      const healthy = current.filter((name) => known.get(name)?.healthy);
      const candidates = healthy.length > 0 ? healthy : current;
      turn += 1;
      const target = candidates[turn % candidates.length];
      if (target === undefined) client.resetAndDestroy();
      else join(client, target, { address, sockets, silent: silent.has(address) });
    });
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    for (const target of known.values()) target.agent.destroy();
    for (const socket of sockets.keys()) socket.destroy();
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  };
  const open = async (server: Server, port: number, address: string): Promise<number> => {
    await listen(server, port, address);
    servers.push(server);
    // Bound to a TCP port, so address() is an AddressInfo.
    return (server.address() as AddressInfo).port;
  };
  let namePort: number;
  try {
    for (const { address, mirror } of addresses) {
      await open(serve(address), API_PORT, address);
      if (mirror !== undefined) await open(serve(address), API_PORT, mirror);
    }
    namePort = await open(serve(NAME), preferredNamePort, '127.0.0.1');
  } catch (error) {
    await close();
    throw error;
  }
  const timer = setInterval(() => checkAll(known, targets(), onHealth), CHECK_MILLISECONDS);
  return {
    namePort,
    setSilent: (now) => {
      for (const [socket, address] of sockets)
        if (silent.has(address) !== now.has(address)) now.has(address) ? socket.pause() : socket.resume();
      silent = now;
    },
    close: () => {
      clearInterval(timer);
      return close();
    },
  };
}

function checkAll(known: Map<string, Target>, current: readonly string[], onHealth: (target: string, healthy: boolean) => void): void {
  for (const [name, target] of known) {
    if (current.includes(name)) continue;
    target.agent.destroy();
    known.delete(name);
  }
  for (const name of current) {
    const target = known.get(name) ?? {
      healthy: false,
      failures: 0,
      checking: false,
      agent: new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false }),
    };
    known.set(name, target);
    if (target.checking) continue;
    target.checking = true;
    void probe(name, target.agent).then((good) => {
      target.checking = false;
      target.failures = good ? 0 : target.failures + 1;
      const healthy = good || (target.healthy && target.failures < UNHEALTHY_THRESHOLD);
      if (healthy === target.healthy || known.get(name) !== target) return;
      target.healthy = healthy;
      onHealth(name, healthy);
    });
  }
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

interface Way {
  readonly address: string;
  readonly sockets: Map<Socket, string>;
  readonly silent: boolean;
}

/** Ties a client to a target until either ends; an error of one ends both. */
function join(client: Socket, target: string, { address, sockets, silent }: Way): void {
  const upstream = connect({ host: target, port: API_PORT, allowHalfOpen: true, noDelay: true });
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    sockets.set(socket, address);
    socket.pipe(other);
    if (silent) socket.pause();
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      if (socket.errored !== null) other.destroy();
    });
  }
}

/** True when the target answers /readyz with 200, 401 or 403 in time. */
function probe(target: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(
      { host: target, port: API_PORT, path: '/readyz', agent, servername: 'kubernetes', timeout: CHECK_TIMEOUT_MILLISECONDS },
      (answer) => {
        answer.resume();
        resolve([200, 401, 403].includes(answer.statusCode ?? 0));
      },
    );
    sent.on('timeout', () => sent.destroy());
    // Refused, reset or timed out: not healthy; nothing else to tell.
    sent.on('error', () => resolve(false));
    sent.on('close', () => resolve(false));
    sent.end();
  });
}
