import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOnce, type Target } from '#adapters/etcd/connection.ts';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { HASH_KV } from '#adapters/etcd/messages.ts';
import { encode, type Value } from '#adapters/etcd/protobuf.ts';
import { withFile } from '#adapters/files/random-access.ts';
import { contentLayer, trailerLayer } from '#domain/snapshot/verdicts.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { runSluice } from '../support/fleet-repository.ts';

const CLOCK = { now: () => new Date() };
const MEGABYTE = 1024 * 1024;

let plane: ControlPlane;
let target: Target;
let folder: string;
beforeAll(async () => {
  plane = await startControlPlane({ api: false });
  target = { url: plane.etcdEndpoint, identity: await plane.client('etcd') };
  folder = mkdtempSync(join(tmpdir(), 'sl-snapshot-'));
}, 60_000);
afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true });
});

describe('the verifier and a real etcd', () => {
  it('agree on an empty database', async () => {
    await agree();
  });

  it('agree on the key-value hash at every revision that is left, whatever was written, deleted and compacted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step(), { minLength: 1, maxLength: 12 }), async (steps) => {
        for (const one of steps) await apply(one);
        await agree();
      }),
      { numRuns: 12, endOnFailure: true },
    );
    await call('Maintenance/Defragment', []);
    await agree();
  }, 180_000);

  it('agree when values are larger than a page and than a request of etcd is by default', async () => {
    await put('/registry/configmaps/ns/large', 'x'.repeat(MEGABYTE + 7));
    for (let index = 0; index < 40; index += 1) await put(`/registry/configmaps/ns/${index}`, 'y'.repeat(5_000 + index));

    const { counts } = await agree();

    expect(counts.kinds).toMatchObject({ configmaps: 41 });
  });

  it('agree when all keys are gone, before and after a compaction at the last revision', async () => {
    await call('KV/DeleteRange', [
      [1, '\0'],
      [2, '\0'],
    ]);
    await agree();
    await apply({ act: 'compact', back: 0 });

    const { keys, revision, compactRevision } = await agree();

    expect({ keys, compactRevision }).toEqual({ keys: 0, compactRevision: revision });
  });

  it('are compared by `sluice backup verify`: 0 for the hash of the member, 1 for another one', async () => {
    const path = await save();
    const live = await callOnce(target, HASH_KV, { revision: 0 }, 10_000);

    const right = await runSluice(folder, ['backup', 'verify', path, '--json', '--hash', String(live.hash)]);
    const wrong = await runSluice(folder, ['backup', 'verify', path, '--hash', String(live.hash ^ 1)]);

    expect([right.code, wrong.code]).toEqual([0, 1]);
    expect(JSON.parse(right.out)).toMatchObject({
      ok: true,
      hash: { hash: live.hash, compactRevision: live.compactRevision, revision: live.newest },
      version: { storage: '3.6.0' },
    });
    expect(wrong.out).toContain('FAILS');
  });
});

type Step = { act: 'put' | 'delete' | 'lease'; key: number; size: number } | { act: 'compact'; back: number };

function step(): fc.Arbitrary<Step> {
  const key = fc.nat(9);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ act: fc.constantFrom('put' as const, 'delete' as const, 'lease' as const), key, size: fc.nat(9000) }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('compact' as const), back: fc.nat(3) }) },
  );
}

async function apply(one: Step): Promise<void> {
  if (one.act === 'compact') {
    const revision = Math.max(1, (await newest()) - one.back);
    // At or below the last compaction etcd refuses, which changes nothing. `physical` waits until it is done.
    await call('KV/Compact', [
      [1, revision],
      [2, true],
    ]).catch(() => undefined);
    return;
  }
  const key = `/registry/pods/ns${one.key % 3}/pod-${one.key}`;
  if (one.act === 'delete') return call('KV/DeleteRange', [[1, key]]);
  if (one.act === 'put') return put(key, 'x'.repeat(one.size));
  await call('Lease/LeaseGrant', [
    [1, 600],
    [2, one.key + 1],
  ]).catch(() => undefined);
  await call('KV/Put', [
    [1, key],
    [2, 'leased'],
    [3, one.key + 1],
  ]);
}

/** The file's revision, compaction and hashes are those that the live member tells. */
async function agree() {
  const path = await save();
  const live = await callOnce(target, HASH_KV, { revision: 0 }, 10_000);
  const result = withFile(path, (file) => {
    const l1 = trailerLayer(file, CLOCK, () => undefined);
    const l2 = contentLayer(
      file,
      CLOCK,
      () => undefined,
      (own) =>
        Array.from({ length: 8 }, (_, back) => ({ ...own, revision: own.revision - back })).filter(
          ({ revision }) => revision >= Math.max(1, own.compactRevision),
        ),
    );
    return { l1, ...l2 };
  });
  expect([result.l1.verdict, result.verdict.verdict, result.verdict.reason]).toEqual(['holds', 'holds', result.verdict.reason]);
  if (result.content === undefined) throw new Error('no content');
  const { hashes, revision, compactRevision } = result.content;
  expect({ revision, compactRevision }).toEqual({ revision: await newest(), compactRevision: live.compactRevision });
  expect(hashes[0]?.hash).toBe(live.hash);
  for (const { revision: at, hash } of hashes) {
    const told = await callOnce(target, HASH_KV, { revision: at }, 10_000);
    // At a compaction's revision the member tells what it recorded before, of data that are gone since.
    if (told.compactRevision === compactRevision) expect([at, hash]).toEqual([at, told.hash]);
  }
  return result.content;
}

let saved = 0;
async function save(): Promise<string> {
  const parts: Uint8Array[] = [];
  const etcd = createEtcd({ endpoints: [plane.etcdEndpoint], identity: await plane.client('etcd') });
  for await (const { bytes } of etcd.snapshot(plane.etcdEndpoint)) parts.push(bytes);
  saved += 1;
  const path = join(folder, `${saved}.db`);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

async function newest(): Promise<number> {
  const etcd = createEtcd({ endpoints: [plane.etcdEndpoint], identity: await plane.client('etcd') });
  return (await etcd.status())[0]?.revision ?? 0;
}

function put(key: string, value: string): Promise<void> {
  return call('KV/Put', [
    [1, key],
    [2, value],
  ]);
}

async function call(path: string, fields: readonly (readonly [number, Value])[]): Promise<void> {
  const method = { path: `/etcdserverpb.${path}`, encode: () => encode(fields), decode: () => undefined };
  await callOnce(target, method, undefined, 20_000);
}
