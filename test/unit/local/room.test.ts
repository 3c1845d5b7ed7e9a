import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotFoundError } from '#model/errors.ts';
import { type ControlApi, type ListedMachine, startControlApi } from '../../../local/machine-room/control-api.ts';
import { commandOf } from '../../../local/room.ts';
import { machineView } from '../../support/machine-room/scaling-world.ts';

const MACHINES: ListedMachine[] = [
  machineView({ id: 'i-1', cluster: 'dev-1', role: 'etcd-a' }),
  machineView({ id: 'i-2', cluster: 'dev-1', role: 'pool-general' }),
  machineView({ id: 'i-3', cluster: 'dev-1', role: 'pool-general' }),
];

function ask(line: string, flags: { loseState?: boolean; loseVolume?: boolean } = {}) {
  return commandOf({ words: line.split(' '), loseState: false, loseVolume: false, ...flags }, MACHINES);
}

describe('the words of `npm run room`', () => {
  it.each([
    ['crash dev-1 etcd-a', {}, { do: 'crash', instance: 'i-1', state: 'kept' }],
    ['crash dev-1 i-3', { loseState: true }, { do: 'crash', instance: 'i-3', state: 'lost' }],
    ['crash dev-1 etcd-a', { loseVolume: true }, { do: 'crash', instance: 'i-1', state: 'lost', volume: 'lost' }],
    ['terminate dev-1 i-2', {}, { do: 'terminate', instance: 'i-2' }],
    ['replace dev-1 i-2', {}, { do: 'replace', instance: 'i-2' }],
    ['slow-boot dev-1 pool-general 60', {}, { do: 'slow-boot', cluster: 'dev-1', role: 'pool-general', seconds: 60 }],
    ['zone-down dev-1 b', {}, { do: 'zone-down', cluster: 'dev-1', zone: 'b' }],
    ['zone-up all b', {}, { do: 'zone-up', zone: 'b' }],
  ])('%s %j', (line, flags, command) => {
    expect(ask(line, flags)).toEqual(command);
  });

  it.each([
    ['crash dev-1', 'npm run room -- COMMAND'],
    ['explode dev-1 etcd-a', 'npm run room -- COMMAND'],
    ['crash dev-1 etcd-b', 'dev-1 has no machine etcd-b'],
    ['crash dev-1 pool-general', 'pool-general of dev-1 are several: i-2, i-3'],
    ['zone-down dev-2 a', 'there is no machine of dev-2; there are dev-1'],
    ['zone-down dev-1 north', 'north is no zone'],
    ['slow-boot dev-1 etcd-a soon', 'soon is no number of seconds'],
  ])('refuses %s', (line, words) => {
    expect(() => ask(line)).toThrow(words);
  });
});

describe("the room's switchboard", () => {
  let api: ControlApi;
  let done: unknown[];

  beforeEach(async () => {
    done = [];
    const note =
      (name: string) =>
      (...args: unknown[]): void =>
        void done.push([name, ...args]);
    api = await startControlApi(
      {
        terminate: note('terminate'),
        replace: (instance) => {
          throw new NotFoundError(`there is no instance ${instance}`);
        },
        crash: note('crash'),
        bootDelay: note('bootDelay'),
        withholdUnits: note('withholdUnits'),
        zoneDown: note('zoneDown'),
        zoneUp: note('zoneUp'),
      },
      () => MACHINES.map((each) => machineView({ id: each.id })),
    );
  });

  afterEach(() => api.close());

  async function send(command: unknown, token = api.token): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${api.url}/commands`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: typeof command === 'string' ? command : JSON.stringify(command),
    });
    return { status: answer.status, body: await answer.json() };
  }

  it('lists machines', async () => {
    const answer = await fetch(`${api.url}/machines`, { headers: { authorization: `Bearer ${api.token}` } });

    expect(await answer.json()).toMatchObject([{ id: 'i-1' }, { id: 'i-2' }, { id: 'i-3' }]);
  });

  it('does what it is told', async () => {
    await send({ do: 'crash', instance: 'i-1', state: 'lost', volume: 'lost' });
    await send({ do: 'terminate', instance: 'i-2' });
    await send({ do: 'slow-boot', role: 'etcd-a', seconds: 3 });
    await send({ do: 'zone-down', zone: 'b' });
    await send({ do: 'zone-up', zone: 'b', cluster: 'dev-1' });

    expect(done).toEqual([
      ['crash', 'i-1', { state: 'lost', volume: 'lost' }],
      ['terminate', 'i-2'],
      ['bootDelay', { role: 'etcd-a' }, 3],
      ['zoneDown', 'b', undefined],
      ['zoneUp', 'b', 'dev-1'],
    ]);
  });

  it('refuses strangers, nonsense and machines that are not there', async () => {
    const answers = await Promise.all([
      send({ do: 'zone-down', zone: 'b' }, 'wrong'),
      send({ do: 'explode' }),
      send('{'),
      send({ do: 'replace', instance: 'i-9' }),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([401, 400, 400, 404]);
    expect(answers[3]?.body).toEqual({ error: 'there is no instance i-9' });
    expect(done).toEqual([]);
  });
});
