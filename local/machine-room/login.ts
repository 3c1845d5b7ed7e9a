import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import type { AccountView, RoleSession } from './aws.ts';
import type { RunningProcess } from './processes.ts';
import type { Machine } from './types.ts';
import type { Unit } from './units.ts';

/** `/etc/sluice/login.json`: what `/opt/sluice/login` of a control plane goes by. */
export const LoginFile = z.object({ cluster: z.string().min(1), function: z.string().min(1) });
export type LoginFile = z.infer<typeof LoginFile>;

/** A role's session is asked for anew this often. */
const SESSION_MILLISECONDS = 20 * 60 * 1000;
const LONGEST_BODY = 65_536;
/** Between two tries to listen at an address that somebody has still. */
const RETRY_MILLISECONDS = 500;

const Answer = z.looseObject({ kind: z.literal('TokenReview') });

/**
 * Does what `sluice-login.service` does with `/opt/sluice/login`: hands each TokenReview of the machine's API server to the
 * function, as the machine's own role. Each call of what is answered starts it.
 * @throws InputError when the unit names no address to listen at
 */
export function loginProgram(machine: Machine, file: LoginFile, unit: Unit, view: AccountView): () => RunningProcess {
  const { address, profileArn } = machine;
  const port = /--listen=\S*:(\d+)/.exec(unit.execStart[0] ?? '')?.[1];
  if (port === undefined || address === undefined || profileArn === undefined)
    throw new InputError(`unit ${unit.name} needs --listen=<address>:<port>, and the machine an address and an instance profile`);
  const session = keptSession(() => view.roleSession(profileArn, machine.id));
  const review = async (body: string): Promise<string | undefined> => {
    const payload = JSON.stringify({ cluster: file.cluster, review: JSON.parse(body) });
    const answer = await view.invoke(await session(), file.function, payload);
    // An error of the function is no TokenReview.
    return answer.failed || !Answer.safeParse(JSON.parse(answer.text)).success ? undefined : answer.text;
  };
  return () => serve(address, Number(port), review);
}

/** Answers each body by what `review` says; while it stands still, connections stay and nothing is answered. */
function serve(host: string, port: number, review: (body: string) => Promise<string | undefined>): RunningProcess {
  const ended = new AbortController();
  let frozen = Promise.withResolvers<void>();
  frozen.resolve();
  const server = createServer((request, response) => {
    const send = (status: number, text: string): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    request
      .toArray()
      .then(async (chunks: Buffer[]) => {
        await frozen.promise;
        const body = Buffer.concat(chunks).toString('utf8');
        if (body.length > LONGEST_BODY) return send(413, '{}');
        const answer = await review(body);
        await frozen.promise;
        send(answer === undefined ? 503 : 200, answer ?? '{}');
      })
      .catch(() => send(503, '{}'));
  });
  const listening = listen(server, host, port, ended.signal);
  return {
    stop: async () => {
      ended.abort();
      frozen.resolve();
      await listening;
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    freeze: () => {
      frozen = Promise.withResolvers<void>();
    },
    thaw: () => frozen.resolve(),
  };
}

/** Listens once the address is free, or never when it is ended before. */
async function listen(server: Server, host: string, port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const heard = await new Promise<boolean>((resolve) => {
      const failed = (): void => resolve(false);
      server.once('error', failed).listen(port, host, () => {
        server.off('error', failed);
        resolve(true);
      });
    });
    if (heard) return;
    await delay(RETRY_MILLISECONDS, undefined, { signal }).catch(() => undefined);
  }
}

function keptSession(get: () => Promise<RoleSession>): () => Promise<RoleSession> {
  let known: { session: Promise<RoleSession>; until: number } | undefined;
  return () => {
    if (known === undefined || known.until < Date.now()) {
      known = { session: get(), until: Date.now() + SESSION_MILLISECONDS };
      known.session.catch(() => {
        known = undefined;
      });
    }
    return known.session;
  };
}
