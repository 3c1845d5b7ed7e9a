import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../../../../local/aws/ministack.ts';
import type { AccountView } from '../../../../local/machine-room/aws.ts';
import { startAll } from '../../../../local/machine-room/booted.ts';
import { loginProgram } from '../../../../local/machine-room/login.ts';
import type { RunningProcess } from '../../../../local/machine-room/processes.ts';
import type { Machine } from '../../../../local/machine-room/types.ts';
import { parseUnit } from '../../../../local/machine-room/units.ts';

const REVIEW = { kind: 'TokenReview', spec: { token: 'a token' } };
const machine = { id: 'i-1', address: '127.0.0.1', profileArn: 'arn:aws:iam::1:instance-profile/sluice-control-plane' } as Machine;
const running: RunningProcess[] = [];
afterEach(() => Promise.all(running.splice(0).map((process) => process.stop(0))));

function unitAt(listen: string) {
  return parseUnit('sluice-login.service', `[Service]\nExecStart=/usr/bin/systemd-socket-activate ${listen} /opt/sluice/login\n`);
}

/** The unit of a machine whose function says `status` of every token. */
async function login(status: unknown, failed = false) {
  const port = await freePort();
  const asked: string[] = [];
  const view = {
    roleSession: async () => ({ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' }),
    invoke: async (_session, _name, payload) => {
      asked.push(payload);
      return { failed, text: JSON.stringify(status) };
    },
  } satisfies Partial<AccountView> as unknown as AccountView;
  const start = loginProgram(machine, { cluster: 'beta-a', function: 'sluice-token-review' }, unitAt(`--listen=127.0.0.1:${port}`), view);
  const booted = startAll([start], undefined);
  running.push(...booted.running);
  return { ask: () => ask(port), asked, booted };
}

async function ask(port: number): Promise<{ status: number; body: unknown }> {
  for (;;) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(REVIEW) });
      return { status: answer.status, body: await answer.json() };
    } catch (error) {
      // It may not listen yet.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

describe('the login unit of a control plane', () => {
  it('hands the review to the function with the name of its cluster', async () => {
    const { ask, asked } = await login({ kind: 'TokenReview', status: { authenticated: true } });

    expect(await ask()).toEqual({ status: 200, body: { kind: 'TokenReview', status: { authenticated: true } } });
    expect(asked.map((payload) => JSON.parse(payload) as unknown)).toEqual([{ cluster: 'beta-a', review: REVIEW }]);
  });

  it.each([
    ['fails', { kind: 'TokenReview' }, true],
    ['answers something else', { errorType: 'Error' }, false],
  ])('lets nobody in when the function %s', async (_, answer, failed) => {
    const { ask } = await login(answer, failed);

    expect((await ask()).status).toBe(503);
  });

  it('answers nothing while its machine is not heard, and goes on after', async () => {
    const { ask, asked, booted } = await login({ kind: 'TokenReview' });
    await ask();
    booted.running[0]?.freeze();
    const answer = ask();
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);

    expect({ answered, asked: asked.length }).toEqual({ answered: false, asked: 1 });
    booted.running[0]?.thaw();
    expect((await answer).status).toBe(200);
  });

  it('is started again with its machine, at the same address', async () => {
    const { ask, booted } = await login({ kind: 'TokenReview' });
    await ask();

    const again = booted.restart();
    running.push(...again.running);
    await booted.running[0]?.stop(0);

    expect((await ask()).status).toBe(200);
  });

  it('needs an address to listen at', () => {
    const start = () => loginProgram(machine, { cluster: 'beta-a', function: 'f' }, unitAt(''), {} as AccountView);
    expect(start).toThrow(/needs --listen/);
  });
});

describe('the unit of the reference configuration', () => {
  it('is bounded in processes and memory, since anybody with a false token starts it', () => {
    const path = new URL('../../../../channels/cluster/user-data/control-plane.yaml', import.meta.url);
    const { units } = parse(readFileSync(path, 'utf8')) as { units: { name: string; content: string }[] };
    const unit = units.find(({ name }) => name === 'sluice-login.service');

    expect(unit?.content).toMatch(/^TasksMax=\d+$/m);
    expect(unit?.content).toMatch(/^MemoryMax=\d+M$/m);
    // One request that has no room ends, not the unit.
    expect(unit?.content).toMatch(/^OOMPolicy=continue$/m);
  });
});
