import { Agent, request } from 'node:https';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { API_PORT } from '#domain/network.ts';

/** Between two health checks of a target. */
const CHECK_MILLISECONDS = 500;
const CHECK_TIMEOUT_MILLISECONDS = 2000;

export interface LoadBalancer {
  readonly address: string;
  /** Addresses of the instances in service. A left out one gets no new connection; those it has go on. */
  setTargets(addresses: readonly string[]): void;
  healthy(): readonly string[];
  close(): Promise<void>;
}

interface Target {
  healthy: boolean;
  readonly agent: Agent;
}

/**
 * A TCP load balancer at `address`:6443 to port 6443 of its targets, in turn, as a network load balancer with an HTTPS
 * health check on /readyz: 200, 401 and 403 are healthy, certificates are not verified. Without a healthy target a
 * connection is reset.
 */
export async function startLoadBalancer(address: string, onHealth: (target: string, healthy: boolean) => void): Promise<LoadBalancer> {
  const targets = new Map<string, Target>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const healthy = (): string[] => [...targets].filter(([, target]) => target.healthy).map(([name]) => name);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const candidates = healthy();
    turn += 1;
    const target = candidates[turn % candidates.length];
    if (target === undefined) client.resetAndDestroy();
    else join(client, target, sockets);
  });
  await listen(server, address);
  const check = (): void => {
    for (const [name, target] of targets) {
      void probe(name, target.agent).then((now) => {
        if (now === target.healthy || targets.get(name) !== target) return;
        target.healthy = now;
        onHealth(name, now);
      });
    }
  };
  const timer = setInterval(check, CHECK_MILLISECONDS);

  return {
    address,
    healthy,
    setTargets: (addresses) => {
      for (const [name, target] of targets) {
        if (addresses.includes(name)) continue;
        target.agent.destroy();
        targets.delete(name);
      }
      for (const name of addresses) {
        if (!targets.has(name))
          targets.set(name, { healthy: false, agent: new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false }) });
      }
    },
    close: async () => {
      clearInterval(timer);
      for (const target of targets.values()) target.agent.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(API_PORT, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Ties a client to a target until either ends; an error of one ends both. */
function join(client: Socket, target: string, sockets: Set<Socket>): void {
  const upstream = connect({ host: target, port: API_PORT, allowHalfOpen: true, noDelay: true });
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    sockets.add(socket);
    socket.pipe(other);
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
