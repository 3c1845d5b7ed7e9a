import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';
import { NotFoundError } from '#model/errors.ts';
import type { Faults, Machine } from './types.ts';

const Seconds = z.number().nonnegative();

/** What `npm run room` asks of a running room. */
export const Command = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('terminate'), instance: z.string() }),
  z.strictObject({ do: z.literal('replace'), instance: z.string() }),
  z.strictObject({
    do: z.literal('crash'),
    instance: z.string(),
    state: z.enum(['kept', 'lost']),
    volume: z.enum(['kept', 'lost']).optional(),
  }),
  z.strictObject({ do: z.literal('slow-boot'), cluster: z.string().optional(), role: z.string().optional(), seconds: Seconds }),
  z.strictObject({ do: z.literal('zone-down'), zone: z.string(), cluster: z.string().optional() }),
  z.strictObject({ do: z.literal('zone-up'), zone: z.string(), cluster: z.string().optional() }),
]);
export type Command = z.infer<typeof Command>;

/** A machine as the tool lists it. */
export const ListedMachine = z.object({
  id: z.string(),
  account: z.string(),
  cluster: z.string(),
  role: z.string(),
  zone: z.string(),
  launchTemplateVersion: z.string(),
  state: z.string(),
  health: z.string(),
  power: z.string(),
  address: z.string().optional(),
  reason: z.string(),
});
export type ListedMachine = z.infer<typeof ListedMachine>;

export interface ControlApi {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** The room's switchboard on a free port of 127.0.0.1: `GET /machines`, `POST /commands`, for those who have the token. */
export async function startControlApi(faults: Faults, machines: () => readonly Readonly<Machine>[]): Promise<ControlApi> {
  const token = randomBytes(24).toString('hex');
  const server = createServer((request, response) => {
    handle(request, response, { token, faults, machines }).catch((error: unknown) => {
      const status = error instanceof z.ZodError || error instanceof SyntaxError ? 400 : error instanceof NotFoundError ? 404 : 500;
      const words = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
      answer(response, status, { error: words });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  // Bound to a TCP port, so address() is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Room {
  readonly token: string;
  readonly faults: Faults;
  readonly machines: () => readonly Readonly<Machine>[];
}

async function handle(request: IncomingMessage, response: ServerResponse, { token, faults, machines }: Room): Promise<void> {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return answer(response, 401, { error: 'the token is not right' });
  if (request.method === 'GET' && request.url === '/machines')
    return answer(
      response,
      200,
      machines().map((machine) => ListedMachine.parse(machine)),
    );
  if (request.method !== 'POST' || request.url !== '/commands') return answer(response, 404, { error: 'there is no such address' });
  const text = Buffer.concat(await request.toArray()).toString('utf8');
  execute(faults, Command.parse(JSON.parse(text)));
  answer(response, 200, {});
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function execute(faults: Faults, command: Command): void {
  if (command.do === 'terminate') faults.terminate(command.instance);
  else if (command.do === 'replace') faults.replace(command.instance);
  else if (command.do === 'crash') {
    const { instance, state, volume } = command;
    faults.crash(instance, { state, ...(volume === undefined ? {} : { volume }) });
  } else if (command.do === 'slow-boot') {
    const { cluster, role, seconds } = command;
    faults.bootDelay({ ...(cluster === undefined ? {} : { cluster }), ...(role === undefined ? {} : { role }) }, seconds);
  } else if (command.do === 'zone-down') faults.zoneDown(command.zone, command.cluster);
  else faults.zoneUp(command.zone, command.cluster);
}
