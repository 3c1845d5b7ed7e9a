import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { requiredLayers } from '#domain/backup.ts';
import { type GateQuestion, isFreshProof, MAX_AGE_MINUTES, macOf, proofOf, signedText } from '#domain/backup-proof.ts';
import { askProof } from '#facts/backup-proof.ts';
import type { BackupManifest } from '#model/backup-records.ts';
import { TransientError } from '#model/errors.ts';
import { manifest as earlierManifest } from '../../support/etcd-world.ts';
import { createFakeSigner } from '../../support/fakes/signer.ts';
import { signingKeyPair } from '../../support/signing.ts';

const REVISION = 'a'.repeat(40);
const TAKEN = new Date('2026-01-05T08:00:00Z');
const ALL = requiredLayers(true);

const SET: NonNullable<BackupManifest['recoverySet']> = {
  identityVersion: 'v1',
  authorities: { ca: '0123456789abcdef', 'etcd-ca': '1123456789abcdef' },
  serviceAccountKey: '2123456789abcdef',
  encryptionKeys: [{ name: 'key2', fingerprint: '3123456789abcdef' }],
};

function unsigned(over: Partial<BackupManifest> = {}): BackupManifest {
  return {
    ...earlierManifest(),
    takenAt: TAKEN.toISOString(),
    execution: 'b-update-1',
    kubernetes: '1.35.4',
    counts: { pods: 42, secrets: 7 },
    keyValueHash: { hash: 1393426274, compactRevision: 80 },
    members: [{ name: 'a', id: 'm1', version: '3.6.16' }],
    recoverySet: SET,
    configuration: { revision: REVISION, settingsHash: '1'.repeat(64), kubernetes: '1.35.4', etcd: '3.6.16' },
    purpose: { revision: REVISION },
    layers: ALL.map((layer) => ({ layer, verdict: 'holds', reason: `${layer} is equal`, seconds: 0.5 })),
    ...over,
  };
}

const signer = createFakeSigner();

async function signed(manifest: BackupManifest): Promise<string> {
  const by = { algorithm: 'ECDSA_SHA_256', key: 'key/fake' };
  const value = await signer.sign(signedText({ ...manifest, signature: by }));
  return JSON.stringify({ ...manifest, signature: { ...by, value } }, null, 2);
}

function problemsOf(text: string, key = signer.publicKeyPem): readonly string[] {
  return proofOf(text, ALL, key).problems;
}

describe('a manifest proves its backup', () => {
  it('when all layers hold and the key has signed it, however it is written down', async () => {
    const text = await signed(unsigned());
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).toReversed()));

    expect(problemsOf(text)).toEqual([]);
    expect(problemsOf(reordered)).toEqual([]);
    expect(proofOf(text, ALL, signer.publicKeyPem).manifest).toMatchObject({ cluster: 'alpha-1', recoverySet: SET });
  });

  it.each([
    ['is not signed', async () => JSON.stringify(unsigned()), /^it is not signed$/],
    ['is of an earlier version of Sluice', async () => JSON.stringify(earlierManifest()), /^it is not signed$/],
    ['has no recovery set', async () => signed({ ...unsigned(), recoverySet: null }), /no recovery set/],
    ['lacks a layer', async () => signed(unsigned({ layers: unsigned().layers.slice(0, -1) })), /^L6 was not run/],
    [
      'has a layer that fails, and says that it is proven',
      async () => signed(unsigned({ layers: [...unsigned().layers, { layer: 'L3', verdict: 'fails', reason: 'differs', seconds: 1 }] })),
      /^L3 fails: differs$/,
    ],
    ['is cut off', async () => (await signed(unsigned())).slice(0, -3), /no JSON object/],
    ['is a list', async () => '[]', /no JSON object/],
    ['has another shape', async () => '{"id":"b1"}', /another shape at cluster/],
  ])('not when it %s', async (_, make, reason) => {
    const problems = problemsOf(await make());

    expect(
      problems.some((problem) => reason.test(problem)),
      problems.join('; '),
    ).toBe(true);
  });

  it('without a recovery set, when it was not to be served', async () => {
    const text = await signed(unsigned({ recoverySet: null }));

    expect(proofOf(text, requiredLayers(false), signer.publicKeyPem).problems).toEqual([]);
  });

  it('not by another key, nor by what is no key of P-256', async () => {
    const text = await signed(unsigned());

    expect(problemsOf(text, signingKeyPair().publicKey)).toEqual([expect.stringMatching(/^the signature by key\/fake does not fit/)]);
    expect(problemsOf(text, signingKeyPair('P-384').publicKey)).toEqual([expect.stringMatching(/none of the curve P-256/)]);
    expect(problemsOf(text, 'no key')).toEqual([expect.stringMatching(/none of the curve P-256/)]);
  });
});

/** Paths of all values in a manifest, objects and lists too. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (value === null || typeof value !== 'object') return [path];
  const inner = Object.entries(value).flatMap(([name, entry]) => pathsOf(entry, [...path, name]));
  return path.length === 0 ? inner : [path, ...inner];
}

/** The parent of a path's end, and the end. */
function placeOf(root: unknown, path: readonly string[]): [Record<string, unknown>, string] {
  let parent = root as Record<string, unknown>;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, unknown>;
  return [parent, path.at(-1) ?? ''];
}

describe('a signed manifest that was changed in any field', () => {
  let text: string;
  let paths: (readonly string[])[];
  beforeAll(async () => {
    text = await signed(unsigned());
    paths = pathsOf(JSON.parse(text));
  });

  it('is not proven: every value taken away, every value replaced', () => {
    expect(paths.length).toBeGreaterThan(60);
    for (const path of paths) {
      const without = JSON.parse(text);
      const [parent, name] = placeOf(without, path);
      if (Array.isArray(parent)) parent.splice(Number(name), 1);
      else delete parent[name];
      expect([path, problemsOf(JSON.stringify(without)).length > 0]).toEqual([path, true]);
    }
  });

  it('is not proven, whatever is put in place of a value or beside it', () => {
    const found = { changed: 0, added: 0 };
    fc.assert(
      fc.property(fc.nat(), fc.jsonValue({ maxDepth: 2 }), fc.boolean(), fc.string({ minLength: 1 }), (at, value, beside, extra) => {
        const path = paths[at % paths.length] ?? [];
        const changed = JSON.parse(text);
        const [parent, name] = placeOf(changed, path);
        if (beside && !Array.isArray(parent)) {
          if (extra in parent || extra === '__proto__') return;
          parent[extra] = value;
          found.added += 1;
        } else {
          if (JSON.stringify(parent[name]) === JSON.stringify(value)) return;
          parent[name] = value;
          found.changed += 1;
        }
        expect(problemsOf(JSON.stringify(changed))).not.toEqual([]);
      }),
      { numRuns: 1000 },
    );
    // Otherwise nothing was shown.
    expect(Math.min(found.changed, found.added)).toBeGreaterThan(150);
  });
});

describe('a manifest that is signed by a MAC', () => {
  const byMac = Object.assign(createFakeSigner(), { byMac: true });
  const text = async (over: Partial<BackupManifest> = {}): Promise<string> => {
    const manifest = unsigned(over);
    const by = await byMac.signs();
    const value = await byMac.sign(signedText({ ...manifest, signature: by }));
    return JSON.stringify({ ...manifest, signature: { ...by, value } }, null, 2);
  };

  it('proves its backup when KMS says that it fits', async () => {
    expect((await askProof(await text(), ALL, byMac)).problems).toEqual([]);
    expect((await askProof(await signed(unsigned()), ALL, signer)).problems).toEqual([]);
  });

  it('proves nothing once it is changed, in what it says or how it is signed', async () => {
    const whole = await text();
    const changed = whole.replace('"pods": 42', '"pods": 43');
    const other = whole.replace('HMAC_SHA_256', 'ECDSA_SHA_256');

    expect(changed).not.toBe(whole);
    expect(other).not.toBe(whole);
    for (const one of [changed, other])
      expect((await askProof(one, ALL, byMac)).problems).toEqual([expect.stringContaining('does not fit')]);
  });

  it('proves nothing to who has not asked KMS, and whom it does not answer', async () => {
    expect(proofOf(await text(), ALL, byMac.publicKeyPem).problems).toEqual([expect.stringContaining('only KMS can tell')]);
    expect(proofOf(await signed(unsigned()), ALL, { macFits: true }).problems).toEqual([
      expect.stringContaining('none of the curve P-256'),
    ]);
    const silent = Object.assign(createFakeSigner(), { fails: new TransientError('KMS answers 503') });
    await expect(askProof(await text(), ALL, silent)).rejects.toBeInstanceOf(TransientError);
  });

  it('is none for what is no manifest, or is not signed so', async () => {
    expect([macOf('{'), macOf('{}'), macOf(await signed(unsigned()))]).toEqual([undefined, undefined, undefined]);
    expect(macOf(await text())?.value).not.toBe('');
  });
});

describe('the gate', () => {
  const minutes = (count: number): Date => new Date(TAKEN.getTime() + count * 60_000);
  const question = (over: Partial<GateQuestion> = {}): GateQuestion => ({
    cluster: 'alpha-1',
    execution: 'update-1',
    revision: REVISION,
    change: 'etcd',
    now: minutes(1),
    ...over,
  });
  const ask = async (over: Partial<GateQuestion> = {}, of: Partial<BackupManifest> = {}) =>
    isFreshProof(proofOf(await signed(unsigned(of)), ALL, signer.publicKeyPem), question(over));

  it.each(['etcd', 'control-plane'] as const)('is open for %s until the backup is too old', async (change) => {
    const limit = MAX_AGE_MINUTES[change];
    const layers = unsigned().layers.map((layer) => ({ ...layer, seconds: 0 }));

    expect(await ask({ change, now: minutes(limit - 0.01) }, { layers })).toEqual({
      open: true,
      until: minutes(limit),
      stale: false,
      reasons: [],
    });
    expect(await ask({ change, now: minutes(limit) }, { layers })).toMatchObject({ open: false, until: undefined, stale: true });
  });

  it.each([
    ['another cluster', { cluster: 'beta-1' }, {}, 'it is of alpha-1, not of beta-1'],
    ['another etcd in its place', { etcdClusterId: 'c2' }, {}, 'it is of the etcd cluster c1, and c2 runs'],
    ['another revision', { revision: 'b'.repeat(40) }, {}, `it was taken for the change to ${REVISION}, not to ${'b'.repeat(40)}`],
    [
      'another revision of the control plane',
      { revision: 'b'.repeat(40), change: 'control-plane' as const },
      {},
      `it was taken for the change to ${REVISION}, not to ${'b'.repeat(40)}`,
    ],
    ['etcd, by one of the schedule', {}, { purpose: undefined }, `it was taken by schedule, not for the change to ${REVISION}`],
    ['a clock that went back', { now: minutes(-6) }, {}, `it was taken at ${TAKEN.toISOString()}, which is yet to come: a clock is wrong`],
    ['one that is old', { now: minutes(61) }, {}, 'it is 61 minutes old; for etcd it may be 60: take a new one'],
    ['another execution of the same change', { execution: 'update-2' }, {}, 'it was taken by b-update-1, not under the lock of update-2'],
    [
      'the control plane too, by the backup of another execution',
      { execution: 'update-2', change: 'control-plane' as const },
      { purpose: undefined },
      'it was taken by b-update-1, not under the lock of update-2',
    ],
    ['etcd, by one that was taken by hand', {}, { execution: 'by-hand' }, 'it was taken by by-hand, not under the lock of update-1'],
    [
      'a deletion, by one of an update',
      { change: 'deletion' as const, revision: undefined },
      {},
      `it was taken for the change to ${REVISION}, not for a deletion`,
    ],
    [
      'the control plane, by one of the schedule that was compared up to a compaction only',
      { change: 'control-plane' as const },
      { purpose: undefined, execution: 'scheduled-1', hashProof: { by: 'recorded' as const, revision: 80, why: 'by schedule' } },
      `L3 compares it up to revision 80, and it ends at ${earlierManifest().etcd.revision}: it was taken by schedule`,
    ],
    ['one of which a layer was not run', {}, { layers: unsigned().layers.slice(1) }, 'L0 was not run: no verdict'],
  ])('is shut for %s', async (_, over, of, reason) => {
    const stale = reason.endsWith('take a new one');

    expect(await ask(over, of)).toEqual({ open: false, until: undefined, stale, reasons: [reason] });
  });

  it('is open for the control plane by one of the schedule, and for the etcd that was backed up', async () => {
    expect(await ask({ change: 'control-plane' }, { purpose: undefined })).toMatchObject({ open: true });
    expect(await ask({ etcdClusterId: 'c1' })).toMatchObject({ open: true });
    const hashProof = { by: 'computed' as const, revision: earlierManifest().etcd.revision, why: 'before a change' };
    expect(await ask({}, { hashProof })).toMatchObject({ open: true });
  });

  it('is open for a deletion by the backup that it took, and by its second one', async () => {
    const over = { change: 'deletion' as const, revision: undefined, now: minutes(59) };

    expect(await ask(over, { purpose: undefined })).toMatchObject({ open: true });
    expect(await ask(over, { purpose: undefined, execution: 'b2-update-1' })).toMatchObject({ open: true });
    expect(await ask(over, { purpose: undefined, execution: 'scheduled-1' })).toMatchObject({ open: false });
  });

  it('does not count how long the proof took of the backup that the change took itself, up to the lease', async () => {
    const layers = unsigned().layers.map((layer) => ({ ...layer, seconds: layer.layer === 'L5' ? 600 : 0 }));
    const at = (now: number, of: Partial<BackupManifest>) => ask({ change: 'control-plane', now: minutes(now) }, { layers, ...of });

    expect(await at(24.9, {})).toMatchObject({ open: true, until: minutes(25) });
    expect(await at(25, {})).toMatchObject({ open: false, stale: true });
    expect(await at(15, { execution: 'scheduled-1', purpose: undefined })).toMatchObject({ open: false, stale: true });
    const slow = layers.map((layer) => ({ ...layer, seconds: 3600 }));
    expect(await at(59.9, { layers: slow })).toMatchObject({ open: true, until: minutes(60) });
    expect(await at(60, { layers: slow })).toMatchObject({ open: false });
  });

  it('is not stale when something else speaks against the backup too', async () => {
    expect(await ask({ cluster: 'beta-1', now: minutes(61) })).toMatchObject({ open: false, stale: false });
    expect(await ask({ now: minutes(61) })).toMatchObject({ open: false, stale: true });
  });

  it('is shut for what is no proof at all', () => {
    expect(isFreshProof({ manifest: undefined, problems: [] }, question())).toMatchObject({
      open: false,
      reasons: ['there is no manifest'],
    });
    expect(isFreshProof(proofOf('{}', ALL, signer.publicKeyPem), question())).toMatchObject({ open: false });
  });
});
