import { expect, it } from 'vitest';
import type { Executions } from '#ports/executions.ts';

/** Executions of machine `waiter`, which runs until it is ended. */
export interface ExecutionsUnderTest {
  readonly executions: Executions;
  end(name: string, how: 'SUCCEEDED' | 'FAILED' | 'ABORTED', detail?: { error: string; cause: string }): Promise<void>;
}

/** The behaviour that every implementation of port Executions has. */
export function executionsContract(make: () => ExecutionsUnderTest): void {
  it('answers nothing for an execution that never was', async () => {
    expect(await make().executions.describe('waiter', 'never')).toBeUndefined();
  });

  it('starts an execution with its input', async () => {
    const { executions } = make();

    const started = await executions.start('waiter', 'started', { number: 7, text: 'grün' });

    expect(started).toEqual({ existed: false });
    const status = await executions.describe('waiter', 'started');
    expect(status?.status).toBe('RUNNING');
    expect(JSON.parse(status?.input ?? '')).toEqual({ number: 7, text: 'grün' });
  });

  // AWS answers a second start of the same running execution as the first, so `existed` is not looked at here.
  it('starts the same work once, and keeps the first input', async () => {
    const { executions } = make();
    await executions.start('waiter', 'twice', { number: 1 });

    await executions.start('waiter', 'twice', { number: 1 });
    const other = await executions.start('waiter', 'twice', { number: 2 });

    expect(other).toEqual({ existed: true });
    expect(JSON.parse((await executions.describe('waiter', 'twice'))?.input ?? '')).toEqual({ number: 1 });
  });

  it('does not start again what has ended', async () => {
    const under = make();
    await under.executions.start('waiter', 'closed', {});
    await under.end('closed', 'SUCCEEDED');

    const again = await under.executions.start('waiter', 'closed', {});

    expect(again).toEqual({ existed: true });
    expect((await under.executions.describe('waiter', 'closed'))?.status).toBe('SUCCEEDED');
  });

  it.each(['FAILED', 'ABORTED'] as const)('tells error and cause of what %s', async (status) => {
    const under = make();
    const name = `ended-${status}`;
    await under.executions.start('waiter', name, {});

    await under.end(name, status, { error: 'StackFailedError', cause: 'no subnet left' });

    expect(await under.executions.describe('waiter', name)).toMatchObject({ status, error: 'StackFailedError', cause: 'no subnet left' });
  });

  it('links to the very execution', () => {
    const { executions } = make();

    expect(executions.link('waiter', 'started')).toMatch(/^https:\/\/.*waiter.*started$/);
    expect(executions.link('waiter', 'other')).not.toBe(executions.link('waiter', 'started'));
  });
}
