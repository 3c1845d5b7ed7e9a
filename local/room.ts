/** `npm run room -- COMMAND`: breaks machines of a running local world, by its switchboard. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import { type Command, ListedMachine } from './machine-room/control-api.ts';

const USAGE = `npm run room -- COMMAND, while a world of \`npm start\` is up
  list [CLUSTER]                      machines and what they do
  crash CLUSTER MACHINE               its processes die without notice, it starts again with its disk
    --lose-state                      it never comes back, and its group replaces it
    --lose-volume                     its data volume (etcd) is gone too
  terminate CLUSTER MACHINE           ends it past its group, as in the console of EC2
  replace CLUSTER MACHINE             marks it Unhealthy: its group ends it in order and starts another
  slow-boot CLUSTER ROLE SECONDS      new machines of the role boot so much later; 0 takes it back
  zone-down CLUSTER ZONE              nothing in the zone (a, b, c) is heard any more; CLUSTER may be "all"
  zone-up CLUSTER ZONE                the zone is back
MACHINE is an instance id, or a role that one machine has, such as etcd-a. --world FILE names the addresses of the world,
else .world/addresses.json is read.
`;

const Addresses = z.looseObject({ room: z.object({ url: z.url(), token: z.string() }) });
type Room = z.infer<typeof Addresses>['room'];

export interface Asked {
  readonly words: readonly string[];
  readonly loseState: boolean;
  readonly loseVolume: boolean;
}

/**
 * The command that the words mean.
 * @throws InputError that says what is missing
 */
export function commandOf({ words, loseState, loseVolume }: Asked, machines: readonly ListedMachine[]): Command {
  const [name = '', cluster, third, fourth, ...rest] = words;
  const wanted = name === 'slow-boot' ? 4 : 3;
  if (words.length !== wanted || rest.length > 0 || cluster === undefined || third === undefined) throw new InputError(USAGE);
  const scope = cluster === 'all' ? {} : { cluster };
  if (cluster !== 'all' && !machines.some((machine) => machine.cluster === cluster))
    throw new InputError(`there is no machine of ${cluster}; there are ${[...new Set(machines.map((each) => each.cluster))].join(', ')}`);
  switch (name) {
    case 'terminate':
    case 'replace':
      return { do: name, instance: machineNamed(machines, cluster, third) };
    case 'crash':
      return {
        do: 'crash',
        instance: machineNamed(machines, cluster, third),
        state: loseState || loseVolume ? 'lost' : 'kept',
        ...(loseVolume ? { volume: 'lost' } : {}),
      };
    case 'slow-boot': {
      const seconds = Number(fourth);
      if (!(seconds >= 0)) throw new InputError(`${fourth} is no number of seconds`);
      return { do: 'slow-boot', ...scope, role: third, seconds };
    }
    case 'zone-down':
    case 'zone-up':
      if (!/^([a-z]+-[a-z]+-\d)?[a-z]$/.test(third)) throw new InputError(`${third} is no zone; write its letter, for example b`);
      return { do: name, ...scope, zone: third };
    default:
      throw new InputError(USAGE);
  }
}

function machineNamed(machines: readonly ListedMachine[], cluster: string, name: string): string {
  const found = machines.filter((machine) => machine.cluster === cluster && (machine.id === name || machine.role === name));
  const [first, second] = found;
  if (first === undefined) throw new InputError(`${cluster} has no machine ${name}; \`npm run room -- list ${cluster}\` shows them`);
  if (second !== undefined) throw new InputError(`${name} of ${cluster} are several: ${found.map(({ id }) => id).join(', ')}`);
  return first.id;
}

function table(machines: readonly ListedMachine[]): string {
  const rows = machines
    .toSorted((left, right) => `${left.cluster} ${left.role} ${left.zone}`.localeCompare(`${right.cluster} ${right.role} ${right.zone}`))
    .map((each) => [
      each.cluster,
      each.role,
      each.id,
      each.zone,
      each.address ?? '-',
      `version ${each.launchTemplateVersion}`,
      each.state,
      each.health,
      each.power,
      each.reason,
    ]);
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

async function call(room: Room, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${room.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${room.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new InputError(`no world answers at ${room.url}: is \`npm start\` still running?`, { cause: error });
  });
  const said: unknown = await answer.json();
  if (answer.ok) return said;
  throw new InputError(z.object({ error: z.string() }).parse(said).error);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'lose-state': { type: 'boolean', default: false },
      'lose-volume': { type: 'boolean', default: false },
      world: {
        type: 'string',
        default: join(process.env['SLUICE_WORLD'] ?? resolve(import.meta.dirname, '..', '.world'), 'addresses.json'),
      },
    },
  });
  if (positionals.length === 0) throw new InputError(USAGE);
  const text = await readFile(values.world, 'utf8').catch((error: unknown) => {
    throw new InputError(`cannot read ${values.world}: is a world of \`npm start\` up?`, { cause: error });
  });
  const { room } = Addresses.parse(JSON.parse(text));
  const machines = z.array(ListedMachine).parse(await call(room, 'GET', '/machines'));
  const [name, cluster] = positionals;
  if (name === 'list') {
    process.stdout.write(`${table(machines.filter((machine) => (cluster ?? machine.cluster) === machine.cluster))}\n`);
    return;
  }
  const command = commandOf({ words: positionals, loseState: values['lose-state'], loseVolume: values['lose-volume'] }, machines);
  await call(room, 'POST', '/commands', command);
  process.stdout.write(`done: ${positionals.join(' ')}\n`);
}

if (process.argv[1] === import.meta.filename) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    process.stderr.write(`${error.message.trimEnd()}\n`);
    process.exitCode = 1;
  }
}
