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
}

const LOOKS = 300;

/** The behaviour that every implementation of port Stacks has. Each test has a stack of its own. */
export function stacksContract(make: () => StacksUnderTest): void {
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
