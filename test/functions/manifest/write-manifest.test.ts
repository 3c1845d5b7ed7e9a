import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';
import { requiredLayers } from '#domain/backup.ts';
import { proofOf } from '#domain/backup-proof.ts';
import { BackupManifest } from '#model/backup-records.ts';
import { BackupNotProvenError, ConflictError, TransientError } from '#model/errors.ts';
import { checkMembers } from '../../../functions/etcd/check-members.ts';
import { takeSnapshot } from '../../../functions/etcd/take-snapshot.ts';
import { writeManifest } from '../../../functions/manifest/write-manifest.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeBlobs } from '../../support/fakes/blobs.ts';
import { createFakeEtcd } from '../../support/fakes/etcd.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSigner, type FakeSigner } from '../../support/fakes/signer.ts';

const CONTEXT = { execution: 'backup-1' };
const NOW = new Date('2026-01-05T08:00:00Z');

let root: string;
let objects: FakeObjects;
let signer: FakeSigner;
const ports = () => ({ objects, signer });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-manifest-'));
  objects = createFakeObjects();
  signer = createFakeSigner();
});
afterEach(() => rmSync(root, { recursive: true }));

describe('write-manifest', () => {
  const SET = { identityVersion: 'v1', authorities: { ca: '0123456789abcdef' }, serviceAccountKey: '0123456789abcdef', encryptionKeys: [] };
  const PROVEN = {
    proveApi: { verdicts: [{ layer: 'L6', verdict: 'holds', reason: 'served', seconds: 3 }], kubernetes: '1.35.4', recoverySet: SET },
  };

  async function inputOf(l5: 'holds' | 'fails' | 'not-run', more: object = PROVEN) {
    const etcd = createFakeEtcd();
    const taking = { etcd: async () => etcd, blobs: createFakeBlobs(), scratch: createScratch(root), clock: { now: () => NOW } };
    const members = await checkMembers.run({ cluster: CLUSTER }, taking, CONTEXT);
    const taken = await takeSnapshot.run({ cluster: CLUSTER, checkMembers: members }, taking, CONTEXT);
    const verdicts = [
      { layer: 'L4' as const, verdict: 'holds' as const, reason: 'equal', seconds: 1 },
      { layer: 'L5' as const, verdict: l5, reason: `it ${l5}`, seconds: 1 },
    ];
    const proveSnapshot = { verdicts, revision: l5 === 'holds' ? 100 : null, counts: { pods: 3 } };
    return writeManifest.input.parse({ cluster: CLUSTER, checkMembers: members, takeSnapshot: taken, proveSnapshot, ...more });
  }

  it('writes the proof beside the snapshot', async () => {
    const output = await writeManifest.run(await inputOf('holds'), ports(), CONTEXT);

    const manifest = BackupManifest.parse(JSON.parse((await objects.get(output.manifestKey))?.body ?? ''));
    expect(output).toMatchObject({
      proven: true,
      layers: { L0: 'holds', L1: 'holds', L2: 'holds', L3: 'holds', L4: 'holds', L5: 'holds', L6: 'holds' },
    });
    expect(manifest).toMatchObject({
      proven: true,
      kubernetes: '1.35.4',
      execution: 'backup-1',
      etcd: { revision: 100, members: 1 },
      counts: { pods: 20 },
    });
    expect(manifest.object.key).toBe(`backups/alpha-1/${output.id}/snapshot.db`);
  });

  it('signs by a MAC where the account says so, and goes by what KMS says of it', async () => {
    signer.byMac = true;

    const output = await writeManifest.run(await inputOf('holds'), ports(), CONTEXT);

    const manifest = BackupManifest.parse(JSON.parse((await objects.get(output.manifestKey))?.body ?? ''));
    expect(manifest.signature).toMatchObject({ algorithm: 'HMAC_SHA_256', key: 'key/fake-mac' });
    signer.wrongKey = true;
    objects = createFakeObjects();
    await expect(writeManifest.run(await inputOf('holds'), ports(), CONTEXT)).rejects.toThrow('does not fit');
  });

  it('says how far L3 compares, and takes L3 and L4 from what told them later', async () => {
    const { proveSnapshot: _, ...input } = await inputOf('not-run', { drill: false });
    const [l2, l3] = input.takeSnapshot.content;
    const hashProof = { by: 'recorded' as const, revision: 95, why: 'by schedule' };
    const told = [l3, { layer: 'L4', verdict: 'holds', reason: 'read back', seconds: 1 }];
    const takeSnapshot = { ...input.takeSnapshot, content: [l2], hashProof: undefined, compactionSeconds: 330 };
    const later = writeManifest.input.parse({ ...input, takeSnapshot, proveHash: { verdicts: told, hashProof } });

    const output = await writeManifest.run(later, ports(), CONTEXT);

    const manifest = BackupManifest.parse(JSON.parse((await objects.get(output.manifestKey))?.body ?? ''));
    expect(manifest.hashProof).toEqual(hashProof);
    expect(manifest.layers.map(({ layer }) => layer)).toEqual(['L0', 'L1', 'L2', 'L3', 'L4']);
    expect(output.proven).toBe(true);
  });

  it('proves nothing when nobody told L3 and L4 of a snapshot that awaited a compaction', async () => {
    const { proveSnapshot: _, ...input } = await inputOf('not-run', { drill: false });
    const takeSnapshot = { ...input.takeSnapshot, content: input.takeSnapshot.content.slice(0, 1), compactionSeconds: 330 };

    const run = writeManifest.run(writeManifest.input.parse({ ...input, takeSnapshot }), ports(), CONTEXT);

    await expect(run).rejects.toThrow('L3 was not run: no verdict; L4 was not run: no verdict');
  });

  it('asks for no drill where none was wanted, and says that none was made', async () => {
    const output = await writeManifest.run(await inputOf('not-run', { drill: false }), ports(), CONTEXT);

    expect(output).toMatchObject({ proven: true, layers: { L4: 'holds', L5: 'not-run' } });
    expect(output.layers).not.toHaveProperty('L6');
  });

  it.each([
    ['was not served', {}, 'L6 was not run: no verdict'],
    [
      'is not what the API server can read',
      {
        proveApi: {
          verdicts: [{ layer: 'L6', verdict: 'fails', reason: 'the key is lost', seconds: 3 }],
          kubernetes: '1.35.4',
          recoverySet: null,
        },
      },
      'L6 fails: the key is lost',
    ],
  ])('refuses what %s', async (_, more, reason) => {
    await expect(writeManifest.run(await inputOf('holds', more), ports(), CONTEXT)).rejects.toThrow(reason);
  });

  it.each(['fails', 'not-run'] as const)('writes the manifest and then refuses when L5 %s', async (l5) => {
    const input = await inputOf(l5);

    const run = writeManifest.run(input, ports(), CONTEXT);

    await expect(run).rejects.toThrow(BackupNotProvenError);
    await expect(run).rejects.toThrow(`it ${l5}`);
    const [manifest] = Object.values(objects.contents());
    expect(BackupManifest.parse(JSON.parse(manifest ?? ''))).toMatchObject({ proven: false });
  });

  it.each(['L2', 'L3'])('refuses without %s', async (layer) => {
    const input = await inputOf('holds');
    const content = input.takeSnapshot.content.filter((entry) => entry.layer !== layer);

    const run = writeManifest.run({ ...input, takeSnapshot: { ...input.takeSnapshot, content } }, ports(), CONTEXT);

    await expect(run).rejects.toThrow(`${layer} was not run`);
  });

  it('is safe to repeat, and never overwrites what another execution wrote', async () => {
    const input = await inputOf('holds');
    const first = await writeManifest.run(input, ports(), CONTEXT);

    const second = await writeManifest.run(input, ports(), CONTEXT);

    expect(second).toEqual(first);
    await expect(writeManifest.run(input, ports(), { execution: 'backup-2' })).rejects.toBeInstanceOf(ConflictError);
  });

  it('signs what it writes, with the members and what opens the backup', async () => {
    const { manifestKey } = await writeManifest.run(await inputOf('holds'), ports(), CONTEXT);

    const { manifest, problems } = proofOf(objects.contents()[manifestKey] ?? '', requiredLayers(true), signer.publicKeyPem);
    expect(problems).toEqual([]);
    expect(manifest).toMatchObject({
      members: [{ name: 'a', version: '3.6.16' }],
      recoverySet: SET,
    });
    expect(manifest).not.toHaveProperty('purpose');
    expect(manifest).not.toHaveProperty('configuration');
  });

  it('says for which change it is, and what ran before it', async () => {
    const versions = { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-0a1b2c3d4e5f60718', e2eTests: '1.36.3' };
    const current = { revision: 'b'.repeat(40), settingsHash: 'c'.repeat(64), versions };
    const { manifestKey } = await writeManifest.run(
      await inputOf('holds', { ...PROVEN, revision: 'a'.repeat(40), current }),
      ports(),
      CONTEXT,
    );

    expect(JSON.parse(objects.contents()[manifestKey] ?? '')).toMatchObject({
      purpose: { revision: 'a'.repeat(40) },
      configuration: { revision: 'b'.repeat(40), settingsHash: 'c'.repeat(64), kubernetes: '1.35.4', etcd: '3.6.16' },
    });
  });

  it('proves nothing by a key that is not the one it shows', async () => {
    signer.wrongKey = true;

    await expect(writeManifest.run(await inputOf('holds'), ports(), CONTEXT)).rejects.toThrow(/the signature by key\/fake does not fit/);
  });

  it('does not go by its own manifest that somebody changed meanwhile', async () => {
    const input = await inputOf('holds');
    const { manifestKey } = await writeManifest.run(input, ports(), CONTEXT);
    await objects.put(manifestKey, (objects.contents()[manifestKey] ?? '').replace('"pods": 20', '"pods": 21'));

    await expect(writeManifest.run(input, ports(), CONTEXT)).rejects.toThrow(/does not fit: it was changed/);
  });

  it('is not proven when it was served and nothing says by which identity', async () => {
    const input = await inputOf('holds', { proveApi: { ...PROVEN.proveApi, recoverySet: null } });

    await expect(writeManifest.run(input, ports(), CONTEXT)).rejects.toThrow(/no recovery set/);
  });

  it('writes nothing when KMS does not answer', async () => {
    const input = await inputOf('holds');
    signer.fails = new TransientError('KMS is slow');

    await expect(writeManifest.run(input, ports(), CONTEXT)).rejects.toBeInstanceOf(TransientError);
    expect(objects.contents()).toEqual({});
  });
});
