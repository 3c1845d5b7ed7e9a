import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createFolder, type FleetRepository, runSluice } from '../../support/fleet-repository.ts';

let folder: FleetRepository;
let fleet: string;
beforeEach(() => {
  folder = createFolder();
  fleet = join(folder.directory, 'fleet');
});
afterEach(() => {
  folder.remove();
});

function inFleet(...args: string[]): string {
  return folder.git('-C', fleet, ...args);
}

describe('sluice init', () => {
  it('writes a repository with a branch for each channel, and says how to push it', async () => {
    const { code, out } = await folder.sluice('init', 'fleet');

    expect(code).toBe(0);
    expect(inFleet('branch', '--format', '%(refname:short)').split('\n')).toEqual(['alpha', 'beta', 'dev', 'main']);
    expect(inFleet('status', '--short')).toBe('');
    expect(out).toContain(`git -C ${fleet} push origin main`);
  });

  it.each(['main', 'dev', 'alpha', 'beta'])('writes a branch %s that validates and has a plan', async (branch) => {
    await folder.sluice('init', 'fleet');
    inFleet('checkout', '--quiet', branch);

    const validated = await runSluice(fleet, ['validate', '--json']);
    const planned = await runSluice(fleet, ['plan', '--json']);

    expect([branch, validated.code, validated.error, planned.code]).toEqual([branch, 0, '', 0]);
    const { kind, findings } = JSON.parse(validated.out) as { kind: string; findings: { level: string }[] };
    expect(kind).toBe(branch === 'main' ? 'settings' : 'configuration');
    expect(findings.filter(({ level }) => level !== 'warning')).toEqual([]);
    expect(JSON.parse(planned.out)).toMatchObject({ ok: true, affectsClusters: false });
  });

  it('writes a repository in which the plan of one more cluster tells what it gets', async () => {
    await folder.sluice('init', 'fleet');
    const path = join(fleet, 'channels/alpha.yaml');
    const cluster = "{ name: more-1, account: '200000000077', region: eu-central-1, environment: test, network: 10.77.0.0/16, owner: ann }";
    writeFileSync(path, `${readFileSync(path, 'utf8').trimEnd()}\n  - ${cluster}\n`);

    const { code, out, error } = await runSluice(fleet, ['plan']);

    expect([code, out.includes('not known here')]).toEqual([0, false]);
    expect(out).toContain('more-1 is created, at what its channel begins with (');
    expect(error).toMatch(/^Note: What clusters run is recorded .*: alpha alpha at [0-9a-f]{12}\.\n$/);
  });

  it('holds settings on main and the configuration on the other branches, with the schema for editors on all', async () => {
    await folder.sluice('init', 'fleet');

    const files = (branch: string): string[] => inFleet('ls-tree', '-r', '--name-only', branch).split('\n');

    expect(files('main').filter((path) => path.endsWith('.yaml'))).toEqual([
      'channels/alpha.yaml',
      'channels/beta.yaml',
      'channels/bootstrap/account.yaml',
      'channels/dev.yaml',
    ]);
    expect(files('dev')).toContain('channels/cluster/versions.yaml');
    expect(files('dev').filter((path) => /^channels\/[^/]+\.yaml$/.test(path))).toEqual([]);
    for (const branch of ['main', 'dev', 'alpha', 'beta']) expect(files(branch)).toContain('channels/schema.json');
    expect(inFleet('rev-parse', 'alpha:channels/cluster')).toBe(inFleet('rev-parse', 'dev:channels/cluster'));
  });

  it('marks each example, and counts them', async () => {
    const { out } = await folder.sluice('init', 'fleet');

    const marked = inFleet('grep', '-n', '# example', 'main', 'dev', '--', 'channels').split('\n');

    expect(marked.length).toBeGreaterThan(10);
    expect(out).toContain(`${marked.length} values are examples`);
  });

  it('takes clusters, accounts, region, owner and image; no example is left then', async () => {
    const { code, out } = await folder.sluice(
      ...['init', 'fleet', '--region', 'eu-west-1', '--owner', 'team-a', '--os-image', 'ami-0123456789abcdef0'],
      ...['--cluster', 'dev=kube-dev:111111111111', '--cluster', 'alpha=kube-a:222222222222', '--e2e-account', '999999999999'],
      ...['--cluster', 'beta=kube-1:333333333333', '--cluster', 'beta=kube-2:444444444444'],
    );

    const channel = (name: string): { clusters: unknown[]; e2e?: unknown } => parse(inFleet('show', `main:channels/${name}.yaml`)) as never;
    expect(code).toBe(0);
    expect(out).not.toContain('example');
    expect(channel('beta').clusters).toEqual([
      { name: 'kube-1', account: '333333333333', region: 'eu-west-1', environment: 'production', network: '10.3.0.0/16', owner: 'team-a' },
      { name: 'kube-2', account: '444444444444', region: 'eu-west-1', environment: 'production', network: '10.4.0.0/16', owner: 'team-a' },
    ]);
    expect(channel('dev').e2e).toMatchObject({ slots: [{ account: '999999999999', region: 'eu-west-1', network: '10.200.0.0/16' }] });
    expect(inFleet('grep', 'osImage', 'dev', '--', 'channels/cluster/versions.yaml')).toMatch(/osImage: ami-0123456789abcdef0$/);
  });

  it('gives a hundred clusters networks of their own, none of them the Service network', async () => {
    const clusters = Array.from({ length: 100 }, (_, index) => ['--cluster', `beta=kube-${index + 1}:${String(300_000_000_000 + index)}`]);

    const { code } = await folder.sluice('init', 'fleet', ...clusters.flat());

    const beta = parse(inFleet('show', 'main:channels/beta.yaml')) as { clusters: { network: string }[] };
    expect(code).toBe(0);
    expect(new Set(beta.clusters.map(({ network }) => network)).size).toBe(100);
    expect(beta.clusters.map(({ network }) => network)).not.toContain('10.96.0.0/16');
  });

  it('takes an empty folder, and leaves one that holds anything alone', async () => {
    mkdirSync(fleet);
    expect((await folder.sluice('init', 'fleet')).code).toBe(0);

    const again = await folder.sluice('init', 'fleet');

    expect(again).toMatchObject({ code: 2, error: expect.stringContaining('is not empty, and nothing is ever overwritten') });
    writeFileSync(join(folder.directory, 'file'), 'mine');
    expect(await folder.sluice('init', 'file')).toMatchObject({ code: 2 });
    expect(readFileSync(join(folder.directory, 'file'), 'utf8')).toBe('mine');
  });

  it.each([
    ['no folder', [], 'name the folder to write'],
    ['an unknown channel', ['fleet', '--cluster', 'bta=kube-1:111111111111'], 'there is no channel bta. Did you mean beta?'],
    ['a cluster without account', ['fleet', '--cluster', 'dev=kube-1'], 'write <channel>=<name>:<account>'],
    ['a wrong account and region', ['fleet', '--region', 'here', '--e2e-account', '1'], '--region must be an AWS region'],
    [
      'a name twice',
      ['fleet', '--cluster', 'dev=kube:111111111111', '--cluster', 'beta=kube:222222222222'],
      'The cluster kube is taken already',
    ],
  ])('refuses %s and leaves nothing behind', async (_name, args, message) => {
    const { code, error } = await folder.sluice('init', ...args);

    expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining(message) });
    expect(readdirSync(folder.directory)).toEqual([]);
  });

  it('makes a folder that others can read', async () => {
    await folder.sluice('init', 'fleet');

    expect((statSync(fleet).mode & 0o777).toString(8)).toBe((0o777 & ~process.umask()).toString(8));
  });
});
