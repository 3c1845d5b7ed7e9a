import type * as z from 'zod';
import { keys } from '#domain/names.ts';
import { chooseUpgrades, UPGRADE_BRANCH_PREFIX } from '#domain/propose-upgrade.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { parseSettings } from '#domain/settings.ts';
import { readShape } from '#domain/shape.ts';
import { parseYaml } from '#domain/yaml-source.ts';
import { Snapshot, Versions } from '#model/configuration.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { ChannelFile } from '#model/settings.ts';
import { ChooseUpgrade, type Upgrade, UpgradeInput } from '#model/upgrade.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Releases } from '#ports/releases.ts';
import { defineStep } from '#ports/step.ts';
import { readSettings } from './settings.ts';
import { snapshotOf } from './snapshot-configuration.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
  readonly releases: Releases;
}

/**
 * Which upgrade is proposed next, if any: to the first channel, of Kubernetes or etcd, one at a time and none twice.
 * @throws NotFoundError, InputError when settings, a branch or versions.yaml can't be read
 */
export const chooseUpgrade = defineStep({
  name: 'choose-upgrade',
  input: UpgradeInput,
  output: ChooseUpgrade,
  async run({ repository }, ports: Ports): Promise<z.infer<typeof ChooseUpgrade>> {
    const channels = await readChannels(repository, ports);
    const [first, ...later] = channels;
    const none = { upgrade: null, channel: first?.channel ?? null, base: first?.branch ?? null, revision: null, downstream: [] };
    if (first === undefined) return { ...none, decision: 'nothing', reason: 'there is no channel' };
    const open = await openUpgrades(repository, first.branch, ports.github);
    if (open.length > 0) return { ...none, decision: 'nothing', reason: `#${open[0]} is open: one upgrade at a time` };

    const { revision, versions } = await readVersions(repository, first, ports);
    const others = [];
    for (const channel of later) {
      others.push({ channel: channel.channel, versions: (await readVersions(repository, channel, ports)).versions });
    }
    const releases = { kubernetes: await ports.releases.list('kubernetes'), etcd: await ports.releases.list('etcd') };
    const choice = chooseUpgrades({ current: versions, others, releases });
    const { upgrade, declined } = await firstNew(repository, choice.candidates, ports.github);
    const reasons = [...declined, ...choice.reasons];
    if (upgrade === undefined) return { ...none, decision: 'nothing', reason: reasons.join('; ') || 'everything is of the newest version' };
    return {
      decision: 'propose',
      reason: `${upgrade.product} ${upgrade.from} to ${upgrade.to}`,
      upgrade,
      channel: first.channel,
      base: first.branch,
      revision,
      downstream: later.map(({ channel }) => channel),
    };
  },
});

/** In promotion order. */
async function readChannels(repository: RepositoryRef, ports: Ports): Promise<readonly ChannelFile[]> {
  const { value, findings } = parseSettings(await readSettings(repository, ports));
  if (value === undefined) throw new InputError(`the settings are not valid: ${findings[0]?.message ?? ''}`);
  return value.settings.channels;
}

/** Numbers of open upgrades, the first one first. */
export async function openUpgrades(repository: RepositoryRef, base: string, github: GitHub): Promise<number[]> {
  const open = await github.listOpenPullRequests(repository, { base });
  const ours = open.filter((pull) => !pull.fork && pull.headRef.startsWith(UPGRADE_BRANCH_PREFIX));
  return ours.map(({ number }) => number).sort((left, right) => left - right);
}

async function readVersions(
  repository: RepositoryRef,
  { channel, branch }: ChannelFile,
  ports: Ports,
): Promise<{ revision: string; versions: Versions }> {
  const head = await ports.github.getBranchHead(repository, branch);
  if (head === undefined) throw new NotFoundError(`channel ${channel} names the branch ${branch}, which does not exist`);
  const revision = await snapshotOf(repository, head, ports);
  if (revision === null) throw new NotFoundError(`branch ${branch} has no ${CONFIGURATION_FOLDER}/`);
  const { source, findings } = sourceOf(await readVersionsFile(revision, ports.objects));
  const versions = source === undefined ? undefined : readShape(source, Versions);
  if (versions?.value !== undefined) return { revision, versions: versions.value };
  const [first] = [...findings, ...(versions?.findings ?? [])];
  throw new InputError(`${VERSIONS} of ${branch} can't be read: ${first?.message ?? ''}`);
}

const VERSIONS = `${CONFIGURATION_FOLDER}/versions.yaml`;

function sourceOf(text: string) {
  const { value: source, findings } = parseYaml(VERSIONS, text);
  return { source, findings };
}

/** Text of `versions.yaml` of a revision whose snapshot is there. @throws NotFoundError */
export async function readVersionsFile(revision: string, objects: ObjectStore): Promise<string> {
  const stored = await objects.get(keys.snapshot(revision));
  const snapshot = stored === undefined ? undefined : Snapshot.parse(JSON.parse(stored.body));
  const file = snapshot?.files.find(({ path }) => path === 'versions.yaml');
  if (file === undefined) throw new NotFoundError(`revision ${revision} has no versions.yaml, or no snapshot`);
  return file.content;
}

/** The first one that never had a pull request: what people closed stays closed. */
async function firstNew(
  repository: RepositoryRef,
  candidates: readonly Upgrade[],
  github: GitHub,
): Promise<{ upgrade?: Upgrade; declined: string[] }> {
  const declined: string[] = [];
  for (const upgrade of candidates) {
    const [earlier] = await github.pullRequestsOfBranch(repository, upgrade.branch);
    if (earlier === undefined) return { upgrade, declined };
    declined.push(`${upgrade.product} ${upgrade.to} was proposed by #${earlier.number}`);
  }
  return { declined };
}
