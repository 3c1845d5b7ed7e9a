import { describe, expect, it } from 'vitest';
import { createWorld } from '../../../support/asl/world.ts';
import { failing, machineOf, runStates, task } from './single.ts';

describe('waitForTaskToken', () => {
  const state = task({
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Parameters: { FunctionName: 'f', Payload: { 'token.$': '$$.Task.Token' } },
  });
  const start = (more: Record<string, unknown> = {}) => {
    const tokens: string[] = [];
    const world = createWorld({
      machines: { m: machineOf({ a: { ...state, ...more } }) },
      task: async ({ payload, token }) => {
        tokens.push(String(payload['token']), String(token));
        return 'ignored';
      },
    });
    return { world, tokens, execution: world.start('m', 'one', {}) };
  };

  it('goes on with what SendTaskSuccess answers, or fails as SendTaskFailure says', async () => {
    const [good, bad] = [start(), start()];
    await good.world.until(() => good.tokens.length > 0);
    await bad.world.until(() => bad.tokens.length > 0);

    good.world.sendTaskSuccess(String(good.tokens[0]), { ok: 1 });
    bad.world.sendTaskFailure(String(bad.tokens[0]), 'Denied', 'no');
    await Promise.all([good.world.settle(), bad.world.settle()]);

    expect(good.execution.output).toEqual({ ok: 1 });
    expect(bad.execution).toMatchObject({ error: 'Denied', cause: 'no' });
    expect(good.tokens[0]).toBe(good.tokens[1]);
    expect(() => good.world.sendTaskSuccess(String(good.tokens[0]), {})).toThrow('InvalidToken');
  });

  it('fails without a heartbeat', async () => {
    const { world, execution } = start({ HeartbeatSeconds: 10 });

    await world.settle();

    expect(execution.error).toBe('States.HeartbeatTimeout');
  });

  it('lives on with heartbeats', async () => {
    const beats = {
      StartAt: 'w1',
      States: {
        w1: { Type: 'Wait', Seconds: 6, Next: 'beat' },
        beat: task({ End: undefined, Next: 'w2' }),
        w2: { Type: 'Wait', Seconds: 6, Next: 'answer' },
        answer: task(),
      },
    };
    const waits = { StartAt: 'a', States: { a: { ...state, HeartbeatSeconds: 10 } } };
    const world = createWorld({
      machines: { m: machineOf({ p: { Type: 'Parallel', Branches: [waits, beats], End: true } }) },
      task: async (call) => {
        if (call.state === 'beat') world.sendTaskHeartbeat('token-a-1');
        if (call.state === 'answer') world.sendTaskSuccess('token-a-1', 'done');
        return null;
      },
    });

    const execution = await world.run('m', 'one', {});

    expect(execution.output).toEqual(['done', null]);
  });
});

describe('DISTRIBUTED Map', () => {
  const map = (more: Record<string, unknown> = {}) => ({
    map: {
      Type: 'Map',
      ItemsPath: '$.list',
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, StartAt: 'x', States: { x: task() } },
      ...more,
      End: true,
    },
  });

  it('runs each item as an execution of its own', async () => {
    const { execution, world } = await runStates(map({ MaxConcurrency: 2 }), { list: [1, 2, 3] }, { task: async ({ payload }) => payload });

    expect(world.executions.filter(({ kind }) => kind === 'map-child').map(({ status }) => status)).toEqual([
      'SUCCEEDED',
      'SUCCEEDED',
      'SUCCEEDED',
    ]);
    expect(execution.history.counts()['LambdaFunctionSucceeded']).toBeUndefined();
    expect(new Set(world.executions.map(({ name }) => name)).size).toBe(4);
  });

  it('tolerates failed children up to the share, and then aborts those that run', async () => {
    const list = [1, 2, 3, 4];
    const all = await runStates(map({ ToleratedFailurePercentage: 100 }), { list }, { task: failing('A', 'A', 'A', 'A') });
    const slow = async ({ execution, sleep }: { execution: string; sleep(seconds: number): Promise<void> }) => {
      if (execution.endsWith(':0')) throw new Error('no');
      await sleep(100);
      return 1;
    };
    const none = await runStates(map(), { list }, { task: slow });

    expect(all.execution).toMatchObject({ status: 'SUCCEEDED', output: [] });
    expect(none.execution.error).toBe('States.ExceedToleratedFailureThreshold');
    expect(none.world.executions.map(({ status }) => status)).toEqual(['FAILED', 'FAILED', 'ABORTED', 'ABORTED', 'ABORTED']);
  });

  it('aborts the children with the parent', async () => {
    const world = createWorld({ machines: { m: machineOf(map()) }, task: ({ sleep }) => sleep(100) });
    const parent = world.start('m', 'one', { list: [1, 2] });
    await world.until(() => world.executions.length === 3);

    world.stop(parent);

    expect(world.executions.map(({ status }) => status)).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
  });
});
