import { expect, it } from 'vitest';
import { RefusedError } from '#model/errors.ts';
import type { ChangeSetState, StackRequest, StackState, Stacks } from '#ports/stacks.ts';

/** One account's CloudFormation, and how time passes in it. */
export interface StacksUnderTest {
  readonly stacks: Stacks;
  /** Lets what is in progress go on. */
  pass(): Promise<void>;
  /** Template of one event bus with this name as resource `Bus`, with an output `Name` of parameter `Text`. */
  template(bus: string): string;
  /** Lets the next operation of a stack with the template of this bus fail at `Bus`. */
  failNext(stack: string, bus: string): Promise<void>;
  /** The bus again, and resource `Bucket`. With `failing`, a third one that fails once the bucket is there. */
  bucketTemplate(bus: string, bucket: string, failing: boolean): string;
  /** From now on the bucket can't be deleted, as one that is not empty; until `empty`. Waits until it is there. */
  fill(stack: string, bucket: string): Promise<void>;
  empty(stack: string, bucket: string): Promise<void>;
  /** Whether the bucket is still there. */
  exists(stack: string, bucket: string): Promise<boolean>;
}

const LOOKS = 300;

/**
 * The behaviour that every implementation of port Stacks has. Each test has a stack of its own.
 * @param keepsFullBuckets whether a bucket that is not empty holds up the deletion of its stack, as on AWS; ministack 1.5.33 drops it
 *   with what is in it, so that no deletion and no rollback can be made to fail there
 */
export function stacksContract(make: () => StacksUnderTest, { keepsFullBuckets }: { keepsFullBuckets: boolean }): void {
  const request = (name: string, change: Partial<StackRequest> = {}): StackRequest => ({
    name,
    template: make().template(name),
    parameters: { Text: 'one' },
    tags: { 'sluice:cluster': name, 'sluice:role': 'network', 'sluice:content': 'one' },
    changeSet: `${name}-1`,
    ...change,
  });

  async function stackIs(name: string, wanted: (stack: StackState | undefined) => boolean): Promise<StackState | undefined> {
    for (let look = 0; look < LOOKS; look++) {
      const stack = await make().stacks.describe(name);
      if (wanted(stack)) return stack;
      await make().pass();
    }
    throw new Error(`${name} did not get there`);
  }

  async function changeSetIs(name: string, changeSet: string): Promise<ChangeSetState> {
    for (let look = 0; look < LOOKS; look++) {
      const state = await make().stacks.describeChangeSet(name, changeSet);
      if (state !== undefined && state.state !== 'creating') return state;
      await make().pass();
    }
    throw new Error(`${changeSet} was not made`);
  }

  async function bring(wanted: StackRequest, type: 'CREATE' | 'UPDATE'): Promise<StackState | undefined> {
    const { stacks } = make();
    await stacks.createChangeSet(wanted, type);
    await changeSetIs(wanted.name, wanted.changeSet);
    await stacks.executeChangeSet(wanted.name, wanted.changeSet);
    return stackIs(wanted.name, (stack) => stack !== undefined && !stack.status.endsWith('_IN_PROGRESS'));
  }

  it('answers nothing for what is not there', async () => {
    const { stacks } = make();

    expect(await stacks.describe('absent')).toBeUndefined();
    expect(await stacks.describeChangeSet('absent', 'none-1')).toBeUndefined();
    expect(await stacks.failures('absent')).toEqual([]);
    expect(await stacks.listOfCluster('absent')).toEqual([]);
    await stacks.deleteStack('absent');
  });

  it('creates by a change set; asking twice makes one', async () => {
    const { stacks } = make();
    const wanted = request('created');

    await stacks.createChangeSet(wanted, 'CREATE');
    await stacks.createChangeSet(wanted, 'CREATE');
    const reviewed = await stacks.describe('created');
    const changeSet = await changeSetIs('created', 'created-1');
    await stacks.executeChangeSet('created', 'created-1');
    const stack = await stackIs('created', (one) => one?.status === 'CREATE_COMPLETE');

    expect(reviewed?.status).toBe('REVIEW_IN_PROGRESS');
    expect(changeSet).toMatchObject({ state: 'ready', replacements: [] });
    expect(stack).toMatchObject({ name: 'created', parameters: { Text: 'one' }, outputs: { Name: 'one' }, tags: wanted.tags });
  });

  it('finds no changes in the same content, and new tags with new content', async () => {
    const { stacks } = make();
    await bring(request('updated'), 'CREATE');

    await stacks.createChangeSet(request('updated', { changeSet: 'updated-2' }), 'UPDATE');
    const same = await changeSetIs('updated', 'updated-2');
    const tags = { 'sluice:cluster': 'updated', 'sluice:role': 'network', 'sluice:content': 'two' };
    const next = request('updated', {
      template: make().template('updated-other'),
      parameters: { Text: 'two' },
      tags,
      changeSet: 'updated-3',
    });
    const stack = await bring(next, 'UPDATE');

    expect(same.state).toBe('no-changes');
    expect(stack).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Name: 'two' }, tags });
  });

  it('refuses a template that is none', async () => {
    const { stacks } = make();

    await expect(stacks.createChangeSet(request('refused', { template: 'no template' }), 'CREATE')).rejects.toBeInstanceOf(RefusedError);
  });

  it('tells which resource failed a creation, and makes the stack anew after its deletion', async () => {
    const { stacks } = make();
    await make().failNext('stillborn', 'stillborn');

    const stack = await bring(request('stillborn'), 'CREATE');
    const failures = await stacks.failures('stillborn');
    await stacks.deleteStack('stillborn');
    await stackIs('stillborn', (one) => one === undefined);

    expect(stack?.status).toBe('ROLLBACK_COMPLETE');
    expect(failures.filter(({ reason }) => !/cancelled/i.test(reason))).toMatchObject([
      { resource: 'Bus', type: 'AWS::Events::EventBus', reason: expect.stringMatching(/./) },
    ]);
    expect(await stacks.describeChangeSet('stillborn', 'stillborn-1')).toBeUndefined();
  });

  it('tells only the failures of the last operation', async () => {
    const { stacks } = make();
    await bring(request('repaired'), 'CREATE');
    await make().failNext('repaired', 'repaired-broken');
    const tags = { 'sluice:cluster': 'repaired', 'sluice:role': 'network', 'sluice:content': 'two' };

    const broken = await bring(
      request('repaired', { template: make().template('repaired-broken'), tags, changeSet: 'repaired-2' }),
      'UPDATE',
    );
    const failed = await stacks.failures('repaired');
    const repaired = await bring(
      request('repaired', { template: make().template('repaired-right'), tags, changeSet: 'repaired-3' }),
      'UPDATE',
    );

    expect(broken).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', tags: { 'sluice:content': 'one' } });
    expect(failed.map(({ resource }) => resource)).toContain('Bus');
    expect(repaired?.status).toBe('UPDATE_COMPLETE');
    expect(await stacks.failures('repaired')).toEqual([]);
  });

  it('knows a change set that was executed, and one that another made out of date', async () => {
    const { stacks } = make();
    await bring(request('overtaken'), 'CREATE');
    const tags = { 'sluice:cluster': 'overtaken', 'sluice:role': 'network', 'sluice:content': 'two' };
    const first = request('overtaken', { parameters: { Text: 'two' }, tags, changeSet: 'overtaken-2' });
    const second = request('overtaken', { parameters: { Text: 'three' }, tags, changeSet: 'overtaken-3' });
    await stacks.createChangeSet(first, 'UPDATE');
    await changeSetIs('overtaken', 'overtaken-2');

    await bring(second, 'UPDATE');
    const states = await Promise.all(['overtaken-2', 'overtaken-3'].map((name) => stacks.describeChangeSet('overtaken', name)));

    // CloudFormation may also take them away once one was executed.
    expect(['obsolete', undefined]).toContain(states[0]?.state);
    expect(['executed', undefined]).toContain(states[1]?.state);
    await expect(stacks.executeChangeSet('overtaken', 'overtaken-2')).rejects.toBeInstanceOf(RefusedError);
  });

  it.skipIf(!keepsFullBuckets)('tells what holds a deletion that failed, and deletes the rest without it', async () => {
    const { stacks, bucketTemplate, fill, exists } = make();
    await bring(request('held', { template: bucketTemplate('held', 'held-bucket', false) }), 'CREATE');
    await fill('held', 'held-bucket');

    await stacks.deleteStack('held');
    const stack = await stackIs('held', (one) => one === undefined || !one.status.endsWith('_IN_PROGRESS'));
    const held = (await stacks.resources('held')).filter(({ status }) => status === 'DELETE_FAILED');
    await stacks.deleteStack('held', ['Bucket']);
    await stackIs('held', (one) => one === undefined);

    expect(stack?.status).toBe('DELETE_FAILED');
    expect(held).toMatchObject([{ resource: 'Bucket', type: 'AWS::S3::Bucket', reason: expect.stringMatching(/./) }]);
    expect(await stacks.resources('held')).toEqual([]);
    expect(await exists('held', 'held-bucket')).toBe(true);
  });

  it('retains nothing of a stack whose deletion has not failed', async () => {
    const { stacks, bucketTemplate } = make();
    await bring(request('whole', { template: bucketTemplate('whole', 'whole-bucket', false) }), 'CREATE');

    await expect(stacks.deleteStack('whole', ['Bucket'])).rejects.toBeInstanceOf(RefusedError);
    await expect(stacks.continueRollback('whole', [])).rejects.toBeInstanceOf(RefusedError);
    expect((await stacks.describe('whole'))?.status).toBe('CREATE_COMPLETE');
  });

  it.skipIf(!keepsFullBuckets).each([
    ['once what was in its way has gone', 'resumed', []],
    ['without what is still in its way', 'skipped', ['Bucket']],
  ])('continues a rollback that failed, %s', async (_, name, skip) => {
    const { stacks, bucketTemplate, fill, empty } = make();
    await bring(request(name), 'CREATE');
    const tags = { 'sluice:cluster': name, 'sluice:role': 'network', 'sluice:content': 'two' };
    const template = bucketTemplate(name, `${name}-bucket`, true);

    const update = bring(request(name, { template, tags, changeSet: `${name}-2` }), 'UPDATE');
    await fill(name, `${name}-bucket`);
    const failed = await update;
    if (skip.length === 0) await empty(name, `${name}-bucket`);
    await stacks.continueRollback(name, skip);
    const stack = await stackIs(name, (one) => one?.status.endsWith('_IN_PROGRESS') === false);

    expect(failed?.status).toBe('UPDATE_ROLLBACK_FAILED');
    expect(stack).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', tags: { 'sluice:content': 'one' } });
  });

  it('lists a stack that has nothing but a change set', async () => {
    const { stacks } = make();

    await stacks.createChangeSet(request('shell', { name: 'sluice-shell-network', template: make().template('shell') }), 'CREATE');
    const listed = await stacks.listOfCluster('shell');
    await stacks.deleteStack('sluice-shell-network');
    await stackIs('sluice-shell-network', (one) => one === undefined);

    expect(listed).toMatchObject([{ name: 'sluice-shell-network', status: 'REVIEW_IN_PROGRESS' }]);
  });

  it('lists the stacks of a cluster until they are deleted', async () => {
    const { stacks } = make();
    await bring(request('listed'), 'CREATE');

    const listed = await stacks.listOfCluster('listed');
    await stacks.deleteStack('listed');
    await stackIs('listed', (stack) => stack === undefined);

    expect(listed).toMatchObject([{ name: 'listed', tags: { 'sluice:role': 'network' } }]);
    expect(await stacks.listOfCluster('listed')).toEqual([]);
    await stacks.deleteChangeSet('listed', 'listed-1');
  });
}
