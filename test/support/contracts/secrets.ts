import { expect, it } from 'vitest';
import { NotFoundError } from '#model/errors.ts';
import type { Secrets } from '#ports/secrets.ts';

/** What the suite needs besides the port. */
export interface SecretsWorld {
  readonly secrets: Secrets;
  /** Writes a new version with a staging label, as an operator does. */
  label(id: string, label: string, value: string): Promise<void>;
}

/** The behaviour that every implementation of port Secrets has. */
export function secretsContract(make: () => SecretsWorld): void {
  it('answers nothing for a secret that is not there', async () => {
    expect(await make().secrets.get('sluice/absent/authority')).toBeUndefined();
  });

  it('reads one version by its label, with an id that tells versions apart', async () => {
    const { secrets, label } = make();
    await secrets.create('sluice-config/labelled', 'one', {});
    await label('sluice-config/labelled', 'v1', 'first');
    await write(secrets, 'sluice-config/labelled', 'newest');

    const [first, current] = [await secrets.getVersion('sluice-config/labelled', 'v1'), await secrets.getVersion('sluice-config/labelled')];

    expect([first?.value, current?.value]).toEqual(['first', 'newest']);
    expect(first?.version).not.toBe(current?.version);
    expect(await secrets.getVersion('sluice-config/labelled', 'v2')).toBeUndefined();
    expect(await secrets.getVersion('sluice-config/absent')).toBeUndefined();
  });

  it('creates once: the second creation changes nothing', async () => {
    const { secrets } = make();

    const first = await secrets.create('sluice/once/authority', 'one', { 'sluice:cluster': 'once' });
    const second = await secrets.create('sluice/once/authority', 'two', { 'sluice:cluster': 'once' });

    expect([first, second]).toEqual([true, false]);
    expect(await secrets.get('sluice/once/authority')).toBe('one');
  });

  it('lets one of many creations at once win', async () => {
    const { secrets } = make();
    const values = Array.from({ length: 8 }, (_, index) => `value ${index}`);

    const won = await Promise.all(values.map((value) => secrets.create('sluice/race/authority', value, {})));

    const winner = values[won.indexOf(true)];
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await secrets.get('sluice/race/authority')).toBe(winner);
  });

  it('writes a new version of what is there only, in place of the one that was read', async () => {
    const { secrets } = make();
    await secrets.create('sluice/replace/authority', 'one', {});
    const read = await secrets.getVersion('sluice/replace/authority');
    const version = read?.version ?? '';

    const first = await secrets.replace('sluice/replace/authority', 'two', version);
    const late = await secrets.replace('sluice/replace/authority', 'three', version);

    expect([first, late]).toEqual([true, false]);
    expect(await secrets.get('sluice/replace/authority')).toBe('two');
    expect(await write(secrets, 'sluice/replace/authority', 'four')).toBe(true);
    expect(await secrets.get('sluice/replace/authority')).toBe('four');
    await expect(secrets.replace('sluice/replace/absent', 'x', version)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('lets one of many writers at once win', async () => {
    const { secrets } = make();
    await secrets.create('sluice/replace-race/authority', 'one', {});
    const read = await secrets.getVersion('sluice/replace-race/authority');
    const values = Array.from({ length: 8 }, (_, index) => `value ${index}`);

    const won = await Promise.all(values.map((value) => secrets.replace('sluice/replace-race/authority', value, read?.version ?? '')));

    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await secrets.get('sluice/replace-race/authority')).toBe(values[won.indexOf(true)]);
  });

  it('deletes at once, so that the name is free again; deleting what is absent is fine', async () => {
    const { secrets } = make();
    await secrets.create('sluice/delete/etcd', 'one', {});

    await secrets.delete('sluice/delete/etcd');
    await secrets.delete('sluice/delete/etcd');

    expect(await secrets.get('sluice/delete/etcd')).toBeUndefined();
    expect(await secrets.create('sluice/delete/etcd', 'two', {})).toBe(true);
  });
}

async function write(secrets: Secrets, id: string, value: string): Promise<boolean> {
  const known = await secrets.getVersion(id);
  return secrets.replace(id, value, known?.version ?? '');
}
