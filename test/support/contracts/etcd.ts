import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { readContent } from '#domain/snapshot/verify.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { Etcd } from '#ports/etcd.ts';
import { inMemory } from '../bbolt.ts';

export interface EtcdWorld {
  readonly etcd: Etcd;
  /** Compacts it, awaited. */
  compact(revision: number): Promise<void>;
  /** Ends every member; the last that a contract does. */
  kill(): Promise<void>;
}

/** The behaviour that every implementation of port Etcd has, on a healthy cluster of one member. */
export function etcdContract(make: () => EtcdWorld): void {
  it('tells the state of its member', async () => {
    const [member, ...others] = await make().etcd.status();

    expect(others).toEqual([]);
    expect(member).toMatchObject({ name: 'a', healthy: true, leader: true, learner: false, alarms: [] });
    expect(member?.version).toMatch(/^3\.6\.\d+$/);
    expect(member?.clusterId).not.toBe('');
    expect(member?.revision).toBeGreaterThan(0);
  });

  it('streams a snapshot that ends with the SHA-256 of the rest', async () => {
    const { etcd } = make();
    const [member] = await etcd.status();
    const chunks: Uint8Array[] = [];
    const versions = new Set<string>();

    for await (const { bytes, version } of etcd.snapshot(member?.endpoint ?? '')) {
      chunks.push(bytes);
      versions.add(version);
    }

    const file = Buffer.concat(chunks);
    expect(file.length % 512).toBe(32);
    expect(createHash('sha256').update(file.subarray(0, -32)).digest()).toEqual(file.subarray(-32));
    expect([...versions].some((version) => version.startsWith('3.6.'))).toBe(true);
  });

  it('tells the key-value hash of what a snapshot holds', async () => {
    const { etcd } = make();
    const [member] = await etcd.status();
    const endpoint = member?.endpoint ?? '';
    const chunks: Uint8Array[] = [];
    for await (const { bytes } of etcd.snapshot(endpoint)) chunks.push(bytes);
    const { revision, compactRevision, hashes } = readContent(inMemory(Buffer.concat(chunks)), () => undefined);

    const told = await etcd.keyValueHash(endpoint, revision);

    expect(told).toEqual({ hash: hashes[0]?.hash, compactRevision, newest: revision });
    expect(await etcd.keyValueHash(endpoint, 0)).toEqual(told);
  });

  it('tells where it was compacted, and the hash that it recorded there, by the compaction before', async () => {
    const { etcd, compact } = make();
    const [member] = await etcd.status();
    const endpoint = member?.endpoint ?? '';
    const before = await etcd.keyValueHash(endpoint, 0);

    await compact(before.newest);

    expect(await etcd.compactedAt(endpoint)).toBe(before.newest);
    expect(await etcd.keyValueHash(endpoint, before.newest)).toEqual(before);
    expect((await etcd.keyValueHash(endpoint, 0)).compactRevision).toBe(before.newest);
    await expect(etcd.keyValueHash(endpoint, before.newest - 1)).rejects.toBeInstanceOf(ClusterUnreachableError);
  });

  it('lets a consumer stop in the middle', async () => {
    const { etcd } = make();
    const [member] = await etcd.status();
    let read = 0;

    for await (const { bytes } of etcd.snapshot(member?.endpoint ?? '')) {
      read += bytes.length;
      break;
    }

    expect(read).toBeGreaterThan(0);
    expect((await etcd.status())[0]?.healthy).toBe(true);
  });

  it('says that nobody answers once it is dead', async () => {
    const world = make();
    const [member] = await world.etcd.status();
    await world.kill();

    await expect(world.etcd.status()).rejects.toBeInstanceOf(ClusterUnreachableError);
    await expect(world.etcd.compactedAt(member?.endpoint ?? '')).rejects.toBeInstanceOf(ClusterUnreachableError);
    const stream = world.etcd.snapshot(member?.endpoint ?? '')[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toBeInstanceOf(ClusterUnreachableError);
  });
}
