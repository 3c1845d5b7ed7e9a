import { describe, expect, it } from 'vitest';
import { NotFoundError, RefusedError } from '#model/errors.ts';
import { rewriteSecrets } from '../../../functions/cluster/rewrite-secrets.ts';
import { aRender, CLUSTER, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH } };

function secret(name: string, namespace: string) {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data: { a: 'MQ==' } };
}

async function world(trusted: number[]) {
  const fleet = createClusterWorld();
  const { versions } = aRender();
  await fleet.deliver(aRender({ versions: { ...versions, identity: { encryption: { trusted, issues: trusted.at(-1) ?? 1 } } } }));
  await fleet.kubernetes.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  for (const one of [secret('a', 'shop'), secret('b', 'shop'), secret('a', 'kube-system')]) await fleet.kubernetes.apply(one);
  const patched: string[] = [];
  const kubernetes = {
    ...fleet.kubernetes,
    async patch(id: { namespace?: string; name: string }, patch: unknown) {
      patched.push(`${id.namespace}/${id.name} ${JSON.stringify(patch)}`);
      return secret(id.name, id.namespace ?? '');
    },
  };
  return { patched, kubernetes, ports: { ...fleet.ports, kubernetes: async () => kubernetes } };
}

describe('rewriting Secrets', () => {
  it('writes each anew while two keys are trusted, and changes nothing in them', async () => {
    const { ports, patched } = await world([1, 2]);

    const answer = await rewriteSecrets.run(INPUT, ports, CONTEXT);

    expect(answer).toEqual({ rewritten: 3 });
    expect(patched.sort()).toEqual(['kube-system/a {}', 'shop/a {}', 'shop/b {}']);
  });

  it('does nothing while there is one key', async () => {
    const { ports, patched } = await world([2]);

    expect(await rewriteSecrets.run(INPUT, ports, CONTEXT)).toEqual({ rewritten: 0 });
    expect(patched).toEqual([]);
  });

  it('passes over one that is gone meanwhile, and fails for one that can not be written', async () => {
    const gone = await world([1, 2]);
    const broken = await world([1, 2]);
    const failing = (error: Error) => async (): Promise<never> => {
      throw error;
    };
    const with_ = (fleet: typeof gone, error: Error) => ({
      ...fleet.ports,
      kubernetes: async () => ({ ...fleet.kubernetes, patch: failing(error) }),
    });

    expect(await rewriteSecrets.run(INPUT, with_(gone, new NotFoundError('gone')), CONTEXT)).toEqual({ rewritten: 3 });
    await expect(rewriteSecrets.run(INPUT, with_(broken, new RefusedError('no')), CONTEXT)).rejects.toBeInstanceOf(RefusedError);
  });
});
