import { beforeEach, describe, expect, it } from 'vitest';
import { accountKeys, keys } from '#domain/names.ts';
import type { BackupIndex, BackupManifest } from '#model/backup-records.ts';
import { RefusedError } from '#model/errors.ts';
import { layersText } from '../../../cli/text/backups.ts';
import { type BackupFleet, createBackupFleet, layersUpTo } from '../../support/backup-list.ts';
import { runSluice } from '../../support/fleet-repository.ts';
import { suspiciousIndex } from '../../support/page-fleet.ts';

let fleet: BackupFleet;
beforeEach(async () => {
  fleet = await createBackupFleet();
});

const entry = (id: string): NonNullable<BackupIndex['newestProven']> => {
  const [, day, hour, minute] = /^202601(\d\d)T(\d\d)(\d\d)/.exec(id) ?? [];
  return { id, takenAt: `2026-01-${day}T${hour}:${minute}:00.000Z` };
};
/** Proven a quarter of an hour ago, and restored. */
async function fine(cluster: string, over: Partial<BackupManifest> = {}): Promise<string> {
  const id = await fleet.manifest(cluster, '+0745', over);
  await fleet.index(cluster, { newestProven: entry(id), newestDrilled: entry(id), bytes: 20_000_000, seconds: 12 });
  return id;
}

async function late(cluster: string): Promise<void> {
  const id = await fleet.manifest(cluster, '2300', { layers: layersUpTo('L4'), kubernetes: null, recoverySet: null });
  const reason = 'BackupNotProvenError: L3 fails: the key-value hashes differ';
  const lastFailure = { at: '2026-01-05T07:50:00.000Z', execution: 'scheduled-dev-2-1-1', reason };
  await fleet.index(cluster, { newestProven: entry(id), failures: 3, lastFailure });
}

async function suspicious(cluster: string): Promise<void> {
  const id = await fleet.manifest(cluster, '+0745');
  await fleet.index(cluster, { ...suspiciousIndex(cluster), newestProven: entry(id) });
}

describe('sluice backup list', () => {
  it('tells of each cluster in a line how its backups are, those first that need somebody, and what to do', async () => {
    await fine('dev-1');
    await late('dev-2');
    await suspicious('dev-3');

    const { code, out } = await fleet.run('list');

    expect(code).toBe(1);
    expect(out).toBe(`3 clusters: 1 suspicious, 1 late, 1 fine   as of 2026-01-05 08:00 UTC

  cluster  newest proven  restored    layers  signature  size     state
  dev-3    15 min ago     90 min ago  L0-L6   fits       20.0 MB  suspicious
  dev-2    9 h ago        never       L0-L4   fits       20.0 MB  late
  dev-1    15 min ago     15 min ago  L0-L6   fits       20.0 MB  fine

dev-3: 20260105T074500Z-0123456789ab lacks what 20260105T063000Z-0123456789ab had: configmaps: 3 objects instead of 40 (92 % less); 51.4 MB in use instead of 104.9 MB (51 % less)
  do: find out what is missing; if it is right, backup.acknowledged in the channel file (docs/recover.md, "A suspicious backup")

dev-2: no proven backup of its last two intervals of 1h; 3 failed since: BackupNotProvenError: L3 fails: the key-value hashes differ
  do: members differ: one has lost or changed data (docs/operate.md)
`);
  });

  it('has the same columns in colour, and none without', async () => {
    await fine('dev-1');
    await late('dev-2');
    await suspicious('dev-3');

    const plain = await fleet.run('list');
    const coloured = await fleet.runInColour('list');

    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(coloured.out.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain.out);
    expect(coloured.out).toContain('\u001b[31mlate\u001b[0m');
  });

  it('lists each backup of one cluster, the newest first, with what speaks against it', async () => {
    await fine('dev-1');
    await fleet.manifest('dev-1', '+0645', { layers: layersUpTo('L4'), recoverySet: null });
    const layers = [...layersUpTo('L2'), { layer: 'L3' as const, verdict: 'fails' as const, reason: 'members differ', seconds: 1 }];
    await fleet.manifest('dev-1', '+0545', { layers });
    fleet.signer.wrongKey = true;
    await fleet.manifest('dev-1', '+0445');
    await fleet.bucket('dev-1').put('backups/dev-1/20260105T034500Z-0123456789ab/snapshot.db', 'x');

    const { code, out } = await fleet.run('list', '--cluster', 'dev-1');

    expect(code).toBe(0);
    expect(out).toBe(`1 cluster: 1 fine   as of 2026-01-05 08:00 UTC

  cluster  newest proven  restored    layers  signature  size     state
  dev-1    15 min ago     15 min ago  L0-L6   fits       20.0 MB  fine

  backup                         taken       layers    signature     size     verdict     kept as
  20260105T074500Z-0123456789ab  15 min ago  L0-L6     fits          20.0 MB  proven      the newest that is proven
  20260105T064500Z-0123456789ab  75 min ago  L0-L4     fits          20.0 MB  proven      hourly, for 7 days
  20260105T054500Z-0123456789ab  2 h ago     L3 fails  fits          20.0 MB  NOT PROVEN  hourly, for 7 days
  20260105T044500Z-0123456789ab  3 h ago     L0-L6     does not fit  20.0 MB  NOT PROVEN  hourly, for 7 days
  20260105T034500Z-0123456789ab  4 h ago     -         unchecked     -        NOT PROVEN  hourly, for 7 days

20260105T054500Z-0123456789ab: L4 was not run: no verdict
20260105T054500Z-0123456789ab: L3 fails: members differ
20260105T044500Z-0123456789ab: the signature by key/fake does not fit: it was changed, or signed by another key
20260105T034500Z-0123456789ab: it has no manifest: it was never proven, or was taken away
`);
  });

  it('says so when the newest proven one is not, whatever the index says', async () => {
    await fine('dev-1');
    const id = await fleet.manifest('dev-2', '+0745');
    await fleet.index('dev-2', { newestProven: entry(id) });
    const key = accountKeys.backup('dev-2', id, 'manifest.json');
    const stored = await fleet.bucket('dev-2').get(key);
    await fleet.bucket('dev-2').put(key, stored?.body.replace('"revision":4711', '"revision":4712') ?? '');

    const { code, out } = await fleet.run('list', '--cluster', 'dev-2');

    expect(code).toBe(1);
    expect(out).toContain('1 cluster: 1 not proven');
    expect(out).toContain('does not fit: it was changed');
  });

  it('takes a manifest of another cluster for none', async () => {
    const id = await fleet.manifest('dev-2', '+0745', { cluster: 'dev-1' });
    await fleet.index('dev-2', { newestProven: entry(id) });

    expect((await fleet.run('list', '--cluster', 'dev-2')).out).toContain(`its manifest is of dev-1 ${id}`);
  });

  it('tells what it may not read, and says of nothing that it is fine by that', async () => {
    await fine('dev-1');
    fleet.bucket('dev-1').beforeEach = () => {
      throw new RefusedError('could not read s3://there: AccessDenied');
    };

    const one = await fleet.run('list', '--hub-only');
    const both = await fleet.run('list');

    expect(one.code).toBe(0);
    expect(both.code).toBe(2);
    expect(both.out).toContain('dev-1    15 min ago     15 min ago  -       unchecked  20.0 MB  not read');
    expect(both.out).toContain('dev-1: not looked at: could not read s3://there: AccessDenied');
  });

  it('judges the layers where only the key may not be read', async () => {
    await fine('dev-1');
    fleet.signer.fails = new RefusedError('could not read the public half of the key: AccessDenied');

    const { code, out } = await fleet.run('list', '--cluster', 'dev-1');

    expect(code).toBe(2);
    expect(out).toContain('L0-L6   unchecked  20.0 MB  proven, unchecked');
    expect(out).toContain('not looked at: the signature: could not read the public half');
  });

  it('tells of a cluster without any: late from its making on, unless it was never made', async () => {
    await fleet.index('dev-1', {});

    const { code, out } = await fleet.run('list');

    expect(code).toBe(1);
    expect(out).toContain('dev-1    none           never     -       -          -     late');
    expect(out).toContain('does sluice-backup-fleet run?');
    expect(out).toContain('dev-2    none           never     -       -          -     not there');
  });

  it('names an index that can not be read', async () => {
    await fine('dev-1');
    await fleet.hub.put(keys.backupIndex('dev-1'), '{');

    const { code, out } = await fleet.run('list', '--cluster', 'dev-1');

    expect(code).toBe(2);
    expect(out).toContain('not looked at: backups/dev-1.json is no JSON');
  });

  it('answers the same as JSON', async () => {
    const id = await fine('dev-1');
    await late('dev-2');

    const { code, out } = await fleet.run('list', '--json');
    const one = JSON.parse((await fleet.run('list', '--json', '--cluster', 'dev-1')).out);

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      at: '2026-01-05T08:00:00.000Z',
      clusters: [
        { cluster: 'dev-1', channel: 'dev', state: 'fine', problems: [], newest: { id, signature: 'fits', proven: true } },
        { cluster: 'dev-2', state: 'late', failures: 3, problems: [{ todo: expect.stringContaining('members differ') }] },
        { cluster: 'dev-3', state: 'not there', newestProven: null },
      ],
    });
    expect(one).toMatchObject({ ok: true, backups: [{ id, proven: true }] });
  });
});

describe('sluice backup show', () => {
  it('tells everything that the manifest says', async () => {
    await fine('dev-1');

    const { code, out } = await fleet.run('show', 'dev-1', 'newest');

    expect(code).toBe(0);
    expect(out).toBe(`proven: dev-1 20260105T074500Z-0123456789ab, taken 2026-01-05 07:45 UTC (15 min ago)

  L0  holds    members            L0 is as it should be
  L1  holds    trailer            L1 is as it should be
  L2  holds    pages and records  L2 is as it should be
  L3  holds    key-value hash     L3 is as it should be
  L4  holds    stored object      L4 is as it should be
  L5  holds    etcd restored      L5 is as it should be
  L6  holds    API server on it   L6 is as it should be

  signature       fits, by key/fake
  object          s3://sluice-210000000001-eu-central-1/backups/dev-1/20260105T074500Z-0123456789ab/snapshot.db
  size            20.0 MB, SHA-256 ${'a'.repeat(64)}
  etcd            3.6.16, revision 4711, cluster id c1, from etcd-eu-central-1a of 3
  compared        up to revision 4650 of 4711, with what members recorded at a compaction (by schedule: no member computes for it)
  key-value hash  1393426274, compaction 4200
  restored under  Kubernetes 1.35.4
  keys            identity v1, encryption keys 1 (9e1d9e1d9e1d9e1d)
  ran             not recorded
  taken for       the schedule, or by hand
  by              scheduled-dev-1-490000-0

  objects
        420  pods
         40  configmaps

  to look at the file itself (it holds every Secret of the cluster):
  aws s3 cp s3://sluice-210000000001-eu-central-1/backups/dev-1/20260105T074500Z-0123456789ab/snapshot.db snapshot.db && npx sluice backup verify snapshot.db
`);
  });

  it.each([
    [
      { by: 'computed' as const, revision: 4711, why: 'by hand' },
      'compared        all of it, to revision 4711, with what members computed (by hand)',
    ],
    [undefined, 'compared        not recorded'],
  ])('tells how far it was compared: %o', async (hashProof, line) => {
    const id = await fine('dev-1', { hashProof });

    const { out } = await fleet.run('show', 'dev-1', id);

    expect(out).toContain(`  ${line}\n`);
  });

  it('asks KMS for a signature that is a MAC', async () => {
    fleet.signer.byMac = true;
    const id = await fine('dev-1');

    const whole = await fleet.run('show', 'dev-1', id);
    fleet.signer.byMac = false;
    fleet.signer.macFits = async () => false;
    const wrong = await fleet.run('show', 'dev-1', id);
    fleet.signer.macFits = () => Promise.reject(new RefusedError('kms:VerifyMac is not allowed'));
    const silent = await fleet.run('show', 'dev-1', id);

    expect([whole.code, wrong.code, silent.code]).toEqual([0, 1, 2]);
    expect(whole.out).toContain('signature       fits, by key/fake-mac');
    expect(wrong.out).toContain('does not fit');
    expect(silent.out).toContain('kms:VerifyMac is not allowed');
  });

  it('says of a suspicious one what it lacks, and of one without a manifest that it proves nothing', async () => {
    await suspicious('dev-3');
    const id = '20260105T034500Z-0123456789ab';

    const found = await fleet.run('show', 'dev-3', 'newest');
    const missing = await fleet.run('show', 'dev-3', id);

    expect(found.code).toBe(1);
    expect(found.out).toContain('suspicious: the backup 20260105T074500Z-0123456789ab is suspicious against');
    expect(missing.code).toBe(1);
    expect(missing.out).toBe(
      `NOT PROVEN: dev-3 ${id}, taken 2026-01-05 03:45 UTC (4 h ago)\n  not proven: it has no manifest: it was never proven, or was taken away\n`,
    );
  });

  it('answers the manifest as JSON', async () => {
    const id = await fine('dev-1');

    const { out } = await fleet.run('show', 'dev-1', id, '--json');

    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      cluster: 'dev-1',
      id,
      signature: 'fits',
      suspicious: null,
      manifest: { counts: { pods: 420 } },
    });
  });
});

describe('both', () => {
  it.each([
    [['list', 'dev-1'], 'One cluster: --cluster dev-1'],
    [['list', '--cluster', 'dev-l'], 'The settings name no cluster dev-l. Did you mean dev-1?'],
    [['list', '--clustr', 'x'], 'There is no option --clustr. Did you mean --cluster?'],
    [['show', 'dev-1'], 'Which backup?'],
    [['show', 'dev-1', 'newest'], 'has no proven backup yet'],
    [['show', 'dev-1', 'x'], 'x is no id of a backup'],
    [['show', 'dev-1', 'newest', 'y'], 'y is too much'],
  ])('refuse %j', async (args, message) => {
    await expect(fleet.run(...args)).rejects.toThrow(message);
  });

  it('refuse a bucket without settings', async () => {
    fleet.hub.remove(keys.newestSettings());

    await expect(fleet.run('list')).rejects.toThrow('is it the hub’s (--hub)?');
  });

  it('ask which hub, and are there with a suggestion', async () => {
    const [hub, misspelt] = [await runSluice('.', ['backup', 'list', '--hub', '']), await runSluice('.', ['backup', 'lst'])];

    expect(hub).toMatchObject({ code: 2, error: expect.stringContaining('Which hub? Name its bucket: --hub sluice-<account>-<region>') });
    expect(misspelt.error).toContain('There is no action lst. Did you mean list?');
  });
});

describe('layers in a word', () => {
  const of = (...verdicts: ('holds' | 'fails' | 'not-run')[]) =>
    layersText(
      layersUpTo('L6')
        .slice(0, verdicts.length)
        .map((layer, index) => ({ ...layer, verdict: verdicts[index] ?? 'not-run' })),
    );

  it.each([
    [of(), '-'],
    [of('not-run'), 'none'],
    [of('holds'), 'L0'],
    [of('holds', 'holds', 'not-run', 'holds'), 'L0-L1'],
    [of('holds', 'fails', 'fails'), 'L1 L2 fails'],
  ])('%s', (text, wanted) => {
    expect(text).toBe(wanted);
  });
});
