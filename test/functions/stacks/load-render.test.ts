import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { NotFoundError, RefusedError } from '#model/errors.ts';
import { loadRender } from '../../../functions/stacks/load-render.ts';
import { aStack, createStacksWorld } from '../../support/stacks-world.ts';

describe('a render', () => {
  it('is what its name says', async () => {
    const { ports, deliver } = createStacksWorld();
    const hash = await deliver([aStack('network')]);

    expect((await loadRender(ports.objects, hash)).stacks.map(({ role }) => role)).toEqual(['network']);
  });

  it('is refused under the name of another: what renders may add whatever it likes where nothing is yet', async () => {
    const { ports, deliver } = createStacksWorld();
    const hash = await deliver([aStack('network')]);
    const planted = (await ports.objects.get(keys.render(hash)))?.body ?? '';
    const free = 'f'.repeat(64);
    await ports.objects.put(keys.render(free), planted);

    await expect(loadRender(ports.objects, free)).rejects.toThrow(RefusedError);
    await expect(loadRender(ports.objects, free)).rejects.toThrow(`it hashes to ${hash}`);
  });

  it('that nobody has made is not there', () =>
    expect(loadRender(createStacksWorld().ports.objects, 'f'.repeat(64))).rejects.toThrow(NotFoundError));
});
