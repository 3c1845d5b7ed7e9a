import { expect, it } from 'vitest';
import { RefusedError } from '#model/errors.ts';
import type { ChangeSets, ProposedChanges } from '#ports/change-sets.ts';

/** One account's change sets, and how time passes there. */
export interface ChangeSetsUnderTest {
  readonly changeSets: ChangeSets;
  /** A stack of one queue of this name as resource `Queue`, with a description, an output `Name` and a tag `owner`. */
  create(stack: string, queue: string): Promise<void>;
  /** Template of such a stack. */
  template(queue: string, more?: 'with-second-queue'): string;
  /** Lets what is in progress go on. */
  pass(): Promise<void>;
}

const LOOKS = 300;

/** The behaviour that every implementation of port ChangeSets has. */
export function changeSetsContract(make: () => ChangeSetsUnderTest): void {
  async function settled(stack: string, name: string): Promise<ProposedChanges> {
    for (let look = 0; look < LOOKS; look++) {
      const found = await make().changeSets.read(stack, name);
      if (found !== undefined && found.state !== 'creating') return found;
      await make().pass();
    }
    throw new Error(`${name} was not made`);
  }

  async function ask(stack: string, template: string): Promise<ProposedChanges> {
    const request = { stack, name: 'sluice-plan-1', template, parameters: { Text: 'x' }, tags: { owner: 'ada' } };
    await make().changeSets.request(request);
    await make().changeSets.request(request);
    return settled(stack, 'sluice-plan-1');
  }

  it('answers nothing for what is not there', async () => {
    const { changeSets } = make();

    expect(await changeSets.stack('absent')).toBeUndefined();
    expect(await changeSets.read('absent', 'sluice-plan-1')).toBeUndefined();
    await changeSets.remove('absent', 'sluice-plan-1');
  });

  it('knows status, outputs and tags of a stack', async () => {
    await make().create('known', 'queue-known');

    expect(await make().changeSets.stack('known')).toEqual({ status: 'CREATE_COMPLETE', outputs: { Name: 'x' }, tags: { owner: 'ada' } });
  });

  it('tells what would be replaced and added, changes nothing, and is gone once removed', async () => {
    await make().create('asked', 'queue-asked');

    const proposed = await ask('asked', make().template('queue-renamed', 'with-second-queue'));
    const stack = await make().changeSets.stack('asked');
    await make().changeSets.remove('asked', 'sluice-plan-1');
    await make().changeSets.remove('asked', 'sluice-plan-1');

    expect(proposed.state).toBe('ready');
    expect(proposed.changes.toSorted((left, right) => (left.resource < right.resource ? -1 : 1))).toMatchObject([
      {
        resource: 'Queue',
        type: 'AWS::SQS::Queue',
        action: 'modify',
        replacement: 'always',
        properties: [expect.stringMatching(/^QueueName/)],
      },
      { resource: 'Second', type: 'AWS::SQS::Queue', action: 'add' },
    ]);
    expect(stack?.status).toBe('CREATE_COMPLETE');
    expect(await make().changeSets.read('asked', 'sluice-plan-1')).toBeUndefined();
  });

  it('finds no changes in the same content', async () => {
    await make().create('same', 'queue-same');

    expect(await ask('same', make().template('queue-same'))).toMatchObject({ state: 'no-changes', changes: [] });
  });

  it('refuses a template that is none, and a stack that is not there', async () => {
    await make().create('refused', 'queue-refused');
    const { changeSets } = make();
    const request = { stack: 'refused', name: 'sluice-plan-1', parameters: {}, tags: {} };

    await expect(changeSets.request({ ...request, template: 'no template' })).rejects.toBeInstanceOf(RefusedError);
    await expect(changeSets.request({ ...request, stack: 'absent', template: make().template('x') })).rejects.toBeInstanceOf(RefusedError);
    expect(await changeSets.stack('absent')).toBeUndefined();
  });
}
