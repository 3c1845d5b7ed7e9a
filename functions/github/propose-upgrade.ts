import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { compare, raiseVersions } from '#domain/propose-upgrade.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { upgradeText } from '#domain/upgrade-text.ts';
import { readObject } from '#facts/stored.ts';
import { Finding } from '#model/checks.ts';
import { InputError, NotFoundError, RefusedError } from '#model/errors.ts';
import { RepositoryName, type RepositoryRef } from '#model/primitives.ts';
import { Artifact } from '#model/records.ts';
import { ChooseUpgrade, ReportUpgrade, type Upgrade } from '#model/upgrade.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { openUpgrades, readVersionsFile } from './choose-upgrade.ts';
import { snapshotOf } from './snapshot-configuration.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
}

const VERSIONS = `${CONFIGURATION_FOLDER}/versions.yaml`;

const Outcome = z.object({ outcome: z.enum(['opened', 'nothing']), reason: z.string(), pullRequest: z.int().nullable() });

/**
 * Opens the pull request of the chosen upgrade: one commit on a branch of its own that raises versions.yaml, its body with
 * what validation says. Repeated it finds its own pull request; what changed meanwhile is left to the next day's run.
 * @throws InputError when nothing was chosen
 */
export const proposeUpgrade = defineStep({
  name: 'propose-upgrade',
  input: z.object({ repository: RepositoryName, chooseUpgrade: ChooseUpgrade, reportUpgrade: ReportUpgrade }),
  output: Outcome,
  async run({ repository, chooseUpgrade: chosen, reportUpgrade: report }, ports: Ports) {
    const { upgrade, base, channel, revision, downstream } = chosen;
    if (upgrade === null || base === null || channel === null || revision === null) throw new InputError('no upgrade was chosen');
    const there = await lookFor(repository, upgrade, base, ports.github);
    if (there !== undefined) return there;
    const head = await ports.github.getBranchHead(repository, base);
    if (head === undefined) throw new NotFoundError(`the branch ${base} does not exist any more`);
    if ((await snapshotOf(repository, head, ports)) !== revision) {
      return { outcome: 'nothing' as const, reason: `${base} moved on since it was looked at`, pullRequest: null };
    }
    const before = await readVersionsFile(revision, ports.objects);
    const after = raiseVersions(VERSIONS, before, upgrade);
    if (after === undefined) throw new InputError(`${VERSIONS} of ${base} has no ${upgrade.product} that can be raised`);
    const tests = testsVersion(before, upgrade);
    const text = upgradeText({
      upgrade,
      channel,
      downstream,
      findings: await readFindings(report.findingsKey, ports.objects),
      apiKnown: report.apiKnown,
      missingArtifacts: await missingArtifacts(upgrade, tests.after, ports.objects),
      raisesTests: tests.before !== undefined && tests.before !== tests.after,
    });
    const { treeSha } = await ports.github.getCommit(repository, head);
    const tree = await ports.github.writeFile(repository, treeSha, VERSIONS, after);
    const commit = await ports.github.createCommit(repository, { message: text.message, tree, parents: [head] });
    await ports.github.setBranch(repository, upgrade.branch, commit);
    return open(repository, upgrade, base, text, ports.github);
  },
});

type Told = z.infer<typeof Outcome>;

/** What there is of this upgrade, or what is in its way. */
async function lookFor(repository: RepositoryRef, upgrade: Upgrade, base: string, github: GitHub): Promise<Told | undefined> {
  const [own] = await github.pullRequestsOfBranch(repository, upgrade.branch);
  if (own?.state === 'open') return { outcome: 'opened', reason: `#${own.number} proposes ${upgrade.to}`, pullRequest: own.number };
  if (own !== undefined) return { outcome: 'nothing', reason: `${upgrade.to} was proposed by #${own.number}`, pullRequest: null };
  const [other] = await openUpgrades(repository, base, github);
  return other === undefined ? undefined : { outcome: 'nothing', reason: `#${other} is open: one upgrade at a time`, pullRequest: null };
}

async function open(
  repository: RepositoryRef,
  upgrade: Upgrade,
  base: string,
  { title, body }: { readonly title: string; readonly body: string },
  github: GitHub,
): Promise<Told> {
  try {
    const pull = await github.createPullRequest(repository, { title, body, head: upgrade.branch, base });
    return await onlyOne(repository, upgrade, base, pull.number, github);
  } catch (error) {
    // Another run of this very moment was faster: its pull request is the one.
    const there = error instanceof RefusedError ? await lookFor(repository, upgrade, base, github) : undefined;
    if (there?.outcome === 'opened') return there;
    throw error;
  }
}

/** Two runs at once may have chosen differently: the pull request that was opened first stays. */
async function onlyOne(repository: RepositoryRef, upgrade: Upgrade, base: string, number: number, github: GitHub): Promise<Told> {
  const [first = number] = await openUpgrades(repository, base, github);
  if (first >= number) return { outcome: 'opened', reason: `#${number} proposes ${upgrade.to}`, pullRequest: number };
  await github.updatePullRequest(repository, number, { state: 'closed' });
  return { outcome: 'nothing', reason: `#${first} was opened at the same time; #${number} is closed`, pullRequest: null };
}

async function readFindings(key: string, objects: ObjectStore): Promise<Finding[]> {
  const stored = await objects.get(key);
  if (stored === undefined) throw new NotFoundError(`there is no ${key}; report-upgrade must run first`);
  return Finding.array().parse(JSON.parse(stored.body));
}

/** Version of the e2e tests before (undefined: that of Kubernetes) and after. */
function testsVersion(text: string, { product, to }: Upgrade): { before: string | undefined; after: string } {
  const before = /^e2eTests:\s*['"]?(?<version>\d+\.\d+\.\d+)/m.exec(text)?.groups?.['version'];
  const stays = product !== 'kubernetes' || (before !== undefined && compare(before, to) >= 0);
  return { before, after: stays && before !== undefined ? before : to };
}

/** Artifacts of the new version that are not ready: what updates and their tests will wait for. */
async function missingArtifacts({ product, to }: Upgrade, tests: string, objects: ObjectStore): Promise<string[]> {
  const needed = product === 'etcd' ? [['etcd', to] as const] : [['kubernetes', to] as const, ['e2e', tests] as const];
  const looked = await Promise.all(
    needed.map(async ([name, version]) => ({
      text: `${name} ${version}`,
      state: (await readObject(objects, keys.artifact(name, version), Artifact))?.state,
    })),
  );
  return looked.filter(({ state }) => state !== 'ready').map(({ text }) => text);
}
