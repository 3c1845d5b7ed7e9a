import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { Finding } from '#model/checks.ts';
import { readPullRequest } from '../../../functions/github/read-pull-request.ts';
import { snapshotConfiguration } from '../../../functions/github/snapshot-configuration.ts';
import { plan } from '../../../functions/plan/plan.ts';
import { validate } from '../../../functions/plan/validate.ts';
import { createControlWorld, REPOSITORY, runStep } from '../../support/control-world.ts';
import { createFakeGitHub } from '../../support/fakes/github.ts';
import { commit, configurationFiles, createFleetRepository, type FleetRepository, settingsFiles } from '../../support/fleet-repository.ts';
import { edited } from '../../support/reference-fleet.ts';

type Change = Readonly<Record<string, string | null>>;

let fleet: FleetRepository;
beforeEach(() => {
  fleet = createFleetRepository();
});
afterEach(() => {
  fleet.remove();
});

/** The same change as a pull request through the steps of the machine, over another GitHub, reader and bucket. */
async function throughTheMachine(base: 'dev' | 'main', change: Change): Promise<{ findings: Finding[]; plan: string | undefined }> {
  const github = createFakeGitHub(REPOSITORY);
  github.push('main', { 'README.md': 'Fleet\n', ...settingsFiles() });
  github.push('dev', configurationFiles());
  for (const branch of ['alpha', 'beta']) github.push(branch, {}, 'dev');
  github.push('my-change', change, base);
  const { number } = await github.createPullRequest(REPOSITORY, { title: 'A change', body: '', head: 'my-change', base });
  const world = { ...createControlWorld(), github };
  const pull = await runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, world, 'pr');
  const snapshot = await runStep(snapshotConfiguration, { readPullRequest: pull }, world, 'pr');
  const state = { readPullRequest: pull, snapshotConfiguration: snapshot };
  const { findingsKey, ok } = (await runStep(validate, state, world, 'pr')) as { findingsKey: string; ok: boolean };
  const findings = Finding.array().parse(JSON.parse((await world.objects.get(findingsKey))?.body ?? ''));
  if (!ok) return { findings, plan: undefined };
  const { planHash } = (await runStep(plan, state, world, 'pr')) as { planHash: string };
  return { findings, plan: (await world.objects.get(keys.plan(planHash)))?.body };
}

/** Paths of the configuration from the repository's top. */
function cluster(files: Readonly<Record<string, string | null>>): Change {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [`channels/cluster/${path}`, content]));
}

const DEV = settingsFiles()['channels/dev.yaml'] ?? '';
const INGRESS = 'components/ingress/deployment.yaml';

const CHANGES: readonly (readonly [name: string, base: 'dev' | 'main', change: Change, clean: boolean])[] = [
  ['an image', 'dev', cluster(edited(INGRESS, 'replicas: 2', 'replicas: 3')), true],
  ['the nodes of a pool', 'dev', cluster(edited('pools.yaml', 'generation: 1', 'generation: 2')), true],
  ['Kubernetes by a minor', 'dev', cluster(edited('versions.yaml', '1.35.4', '1.36.3')), true],
  ['a component more', 'dev', cluster({ 'components/more/component.yaml': 'name: more\nphase: workloads\n' }), true],
  ['a misspelt key', 'dev', cluster(edited('pools.yaml', 'maxSize', 'maxSise')), false],
  ['YAML that ends too early', 'dev', cluster({ 'pools.yaml': 'pools: [' }), false],
  ['two minors at once', 'dev', cluster(edited('versions.yaml', '1.35.4', '1.37.0')), false],
  ['a file that nothing reads', 'dev', cluster({ 'verions.yaml': 'a: 1\n' }), false],
  ['a file less', 'dev', cluster({ 'etcd.yaml': null }), false],
  ['an unknown variable', 'dev', cluster(edited(INGRESS, 'namespace: ingress', 'namespace: ${CLUSTER_NAM}')), false],
  [
    'several mistakes in several files',
    'dev',
    cluster({ 'pools.yaml': 'pools: 1\n', 'versions.yaml': 'kubernetes: 1\n', 'x.yaml': '' }),
    false,
  ],
  ['text that is no UTF-8 and a byte order mark', 'dev', cluster({ 'pools.yaml': '\ufeffpools: \ufffd\n' }), false],
  ['another soak', 'main', { 'channels/dev.yaml': DEV.replace('soak: 10m', 'soak: 20m') }, true],
  ['a cluster gone', 'main', { 'channels/dev.yaml': DEV.replace('name: dev-1', 'name: dev-2') }, false],
  ['an unknown key in the settings', 'main', { 'channels/dev.yaml': `${DEV}\nsoakk: 1m\n` }, false],
];

describe('sluice validate and sluice plan tell what the steps of the check tell', () => {
  it.each(CHANGES)('of %s', async (_name, base, change, clean) => {
    const expected = await throughTheMachine(base, change);
    if (base === 'main') fleet.git('checkout', '--quiet', '-B', 'my-change', 'origin/main');
    fleet.write(change);

    const validated = await fleet.sluice('validate', '--json');
    const planned = await fleet.sluice('plan', '--markdown');

    expect(JSON.parse(validated.out)).toMatchObject({ ok: clean, findings: expected.findings });
    expect(expected.findings.some(({ level }) => level === 'failure')).toBe(!clean);
    expect([validated.code, planned.code]).toEqual(clean ? [0, 0] : [1, 1]);
    if (clean) expect(planned.out).toBe(expected.plan);
    else expect(planned.out).toContain('so there is no plan');
  });
});

describe('sluice plan of settings', () => {
  const ENTRY =
    "\n  - { name: dev-2, account: '200000000009', region: eu-central-1, environment: test, network: 10.9.0.0/16, owner: team-platform }\n";
  const ASSUMED = 'Note: What clusters run is recorded in the fleet';

  beforeEach(() => {
    fleet.git('checkout', '--quiet', '-B', 'my-change', 'origin/main');
  });

  it('tells of a new cluster all that it gets, by what the branch of its channel holds', async () => {
    fleet.write({ 'channels/dev.yaml': `${DEV.trimEnd()}${ENTRY}` });
    const holds = fleet.git('rev-parse', 'origin/dev:channels/cluster').slice(0, 12);

    const told = await fleet.sluice('plan', '--markdown');
    const { plan: data, notes } = JSON.parse((await fleet.sluice('plan', '--json')).out) as {
      plan: { plan: { groups: { class: string; clusters: string[]; changes: unknown[] }[] } };
      notes: string[];
    };

    expect(told).toMatchObject({ code: 0, error: expect.stringContaining(ASSUMED) });
    expect(told.error).toContain(`dev origin/dev at ${fleet.git('rev-parse', 'origin/dev').slice(0, 12)}`);
    expect(notes).toHaveLength(1);
    expect(told.out).toContain(`**dev-2** is created, at what its channel begins with (${holds}).`);
    expect(told.out).not.toContain('not known here');
    expect(data.plan.groups.map((group) => [group.class, group.clusters])).toEqual([['creation', ['dev-2']]]);
    expect(data.plan.groups[0]?.changes.length).toBeGreaterThan(50);
  });

  it('tells what a hold changes, by the tree that it names', async () => {
    const old = fleet.git('rev-parse', 'origin/dev:channels/cluster');
    fleet.git('checkout', '--quiet', '-B', 'theirs', 'origin/dev');
    fleet.write(cluster(edited(INGRESS, 'replicas: 2', 'replicas: 5')));
    commit(fleet, 'their change');
    fleet.git('update-ref', 'refs/remotes/origin/dev', 'theirs');
    fleet.git('checkout', '--quiet', 'my-change');
    const hold = `hold: { revision: ${old}, reason: a trial, owner: ann, until: 2099-01-01T00:00:00Z }`;
    fleet.write({ 'channels/dev.yaml': `${DEV.trimEnd()}\n    ${hold}\n` });

    const { code, out } = await fleet.sluice('plan', '--markdown');

    expect(code).toBe(0);
    expect(out).toContain(`**dev-1** gets other settings, and goes to ${old.slice(0, 12)}.`);
    expect(out).toMatch(/^-.*replicas: 5$/m);
    expect(out).toMatch(/^\+.*replicas: 2$/m);
  });

  it('says which branch and which revision it does not have', async () => {
    fleet.git('update-ref', '-d', 'refs/remotes/origin/dev');
    const hold = `hold: { revision: ${'ab'.repeat(20)}, reason: a trial, owner: ann, until: 2099-01-01T00:00:00Z }`;
    fleet.write({ 'channels/dev.yaml': `${DEV.trimEnd()}\n    ${hold}\n${ENTRY.slice(1)}` });

    const { code, out, error } = await fleet.sluice('plan', '--markdown');

    expect(code).toBe(0);
    expect(out).toContain('2 clusters of which it is not known here what changes');
    expect(error).not.toContain(ASSUMED);
    expect(error).toContain('git fetch origin dev');
    expect(error).toContain('The revision abababababab that a cluster is held at is not here');
  });

  it('says nothing of revisions where no cluster changes', async () => {
    fleet.write({ 'channels/dev.yaml': DEV.replace('soak: 10m', 'soak: 20m') });

    expect(await fleet.sluice('plan', '--markdown')).toMatchObject({ code: 0, error: '' });
  });
});

describe('sluice validate', () => {
  it('tells findings one a line, what was looked at, and where the rules are', async () => {
    fleet.write(cluster({ ...edited('pools.yaml', 'maxSize: 6', 'maxSise: 6'), 'verions.yaml': 'a: 1\n' }));

    const { code, out } = await fleet.sluice('validate');

    expect(code).toBe(1);
    expect(out).toContain(
      'channels/cluster/pools.yaml:6:5 failure schema There is no key maxSise in pools[0]. Did you mean maxSize?\n\nchannels/cluster/verions.yaml:1:1 failure unknown-file',
    );
    expect(out).toMatch(
      /^Not clean: 3 failures found in the configuration, for the channel dev by the settings of origin\/main, compared with origin\/dev at [0-9a-f]{12}\.$/m,
    );
    expect(out).toContain('docs/rules.md');
  });

  it('reads new and changed files as they stand, and leaves out what is ignored or was deleted', async () => {
    fleet.write({ '.gitignore': '*.swp\n', 'channels/cluster/pools.yaml.swp': 'x', 'channels/cluster/new.yaml': 'a: 1\n' });
    fleet.write({ 'channels/cluster/components/resource-report/component.yaml': null });

    const { findings } = JSON.parse((await fleet.sluice('validate', '--json')).out) as { findings: Finding[] };

    expect(findings.map(({ rule, path }) => [rule, path])).toEqual([
      ['missing-file', expect.stringContaining('components/resource-report')],
      ['unknown-file', 'channels/cluster/new.yaml'],
    ]);
  });

  it('compares with where the work left its branch, and says what it lacks of it', async () => {
    fleet.write(cluster(edited('versions.yaml', '1.35.4', '1.36.3')));
    commit(fleet, 'my change');
    fleet.git('checkout', '--quiet', '-b', 'theirs', 'origin/dev');
    fleet.write(cluster(edited(INGRESS, 'replicas: 2', 'replicas: 5')));
    commit(fleet, 'their change');
    fleet.git('update-ref', 'refs/remotes/origin/dev', 'theirs');
    fleet.git('checkout', '--quiet', 'my-change');

    const { code, out, error } = await fleet.sluice('plan');

    expect(code).toBe(0);
    expect(error).toBe('Note: origin/dev has 1 commit that you lack; the check looks at the merge with them.\n');
    expect(out).not.toContain('replicas');
  });

  it('finds the channel by the branch that is checked out, by --channel, or by --base', async () => {
    const channelOf = async (...args: string[]): Promise<unknown> =>
      (JSON.parse((await fleet.sluice('validate', '--json', ...args)).out) as { channel: string; base: { name: string } }).channel;

    expect(await channelOf()).toBe('dev');
    expect(await channelOf('--channel', 'beta')).toBe('beta');
    expect(await channelOf('--base', 'origin/alpha')).toBe('alpha');
    fleet.git('checkout', '--quiet', '-b', 'alpha');
    expect(await channelOf()).toBe('alpha');
  });

  it('takes the settings of another commit when it is told to', async () => {
    const first = fleet.git('rev-parse', 'origin/main');
    fleet.git('update-ref', '-d', 'refs/remotes/origin/main');

    const without = await fleet.sluice('validate');
    const named = await fleet.sluice('validate', '--settings', first);

    expect(without).toMatchObject({ code: 2, error: expect.stringMatching(/git fetch origin main, or name a commit with --settings/) });
    expect(named.code).toBe(0);
  });

  it('looks at both kinds in a folder without Git, each mistake told once', async () => {
    fleet.git('checkout', '--quiet', '--detach');
    fleet.write({ ...settingsFiles(), 'channels/dev.yaml': `${DEV}\nsoakk: 1m\n` });
    fleet.write({ '.git/HEAD': null });

    const { code, out, error } = await fleet.sluice('validate', '--json');

    expect(code).toBe(1);
    expect(error).toBe('');
    expect(JSON.parse(out)).toMatchObject({ kind: 'both', base: null, findings: [{ rule: 'schema', path: 'channels/dev.yaml' }] });
    expect(await fleet.sluice('plan')).toMatchObject({ code: 2, error: expect.stringContaining('--base') });
  });
});
