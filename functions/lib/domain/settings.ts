import type { Finding } from '#model/checks.ts';
import type { SettingsFiles } from '#model/pull-request.ts';
import { ChannelFile, type Settings } from '#model/settings.ts';
import { SERVICE_NETWORK } from './network.ts';
import { type ParsedPolicies, parseOwnPolicies } from './policies/own-policies.ts';
import { isMisspeltChannelFile, SETTINGS_BRANCH } from './pull-request-kind.ts';
import { readShape } from './shape.ts';
import { didYouMean } from './suggest.ts';
import { findingAt, type Parsed, parseSingle, placeOf, type ValuePath, type YamlSource } from './yaml-source.ts';

/** A channel file with its source, so that findings of later rules have their place. */
interface ChannelSource {
  readonly file: ChannelFile;
  readonly source: YamlSource;
}

export interface ParsedSettings {
  readonly settings: Settings;
  readonly channels: readonly ChannelSource[];
  /** The fleet's own policies; absent when there are none. */
  readonly policies?: ParsedPolicies;
  /** False when a channel may be missing because its file could not be read: then nothing may be said to be gone. Absent: all are there. */
  readonly isWhole?: boolean;
}

/** Settings with the channels that could be read, so that one broken file does not hide what is wrong in the others. */
interface SettingsParts extends Parsed<ParsedSettings> {
  readonly read: ParsedSettings;
}

/** Reads all channel files of one commit. The value is there only when nothing fails. */
export function parseSettings(files: SettingsFiles): SettingsParts {
  const findings: Finding[] = [];
  const channels: ChannelSource[] = [];
  const own = parseOwnPolicies(files.files);
  const policies = own.value === undefined ? {} : { policies: own.value.hash };
  for (const file of files.files.filter(({ path }) => /^channels\/[^/]+\.yaml$/.test(path))) {
    const parsed = parseSingle(file.path, file.content);
    const shape = parsed.value === undefined ? undefined : readShape(parsed.value, ChannelFile);
    findings.push(...parsed.findings, ...(shape?.findings ?? []));
    if (parsed.value !== undefined && shape?.value !== undefined)
      channels.push({ file: { ...shape.value, ...policies }, source: parsed.value });
  }
  for (const { path } of files.files.filter((file) => isMisspeltChannelFile(file.path))) {
    const message = `Nothing reads the file ${path}. Did you mean ${path.replace(/yml$/, 'yaml')}?`;
    findings.push(findingAt(path, { line: 1, column: 1 }, 'unknown-file', message));
  }
  const isWhole = findings.length === 0;
  findings.push(...own.findings);
  const ordered = inPromotionOrder(channels);
  const value = {
    settings: { commit: files.commit, channels: ordered.map(({ file }) => file) },
    channels: ordered,
    ...(own.value === undefined ? {} : { policies: own.value }),
  };
  const read = { ...value, isWhole };
  if (isWhole && channels.length === 0)
    findings.push(findingAt('channels', { line: 1, column: 1 }, 'missing-file', 'There is no channel file channels/<name>.yaml.'));
  const areRead = findings.length === 0;
  findings.push(...duplicateFindings(channels), ...followFindings(channels, isWhole), ...channels.flatMap(ownFindings));
  return areRead && findings.every(({ level }) => level !== 'failure') ? { value, read, findings } : { read, findings };
}

function at(channel: ChannelSource, path: ValuePath, rule: string, message: string): Finding {
  return findingAt(channel.source.path, placeOf(channel.source, path), rule, message);
}

interface Claim {
  readonly channel: ChannelSource;
  readonly path: ValuePath;
  readonly what: string;
  readonly value: string;
}

/** Names, branches, accounts and networks that stand twice, over all channels. */
function duplicateFindings(channels: readonly ChannelSource[]): Finding[] {
  const claims = channels.flatMap((channel): Claim[] => [
    { channel, path: ['channel'], what: 'channel', value: channel.file.channel },
    { channel, path: ['branch'], what: 'branch', value: channel.file.branch },
    ...channel.file.clusters.flatMap((cluster, index): Claim[] => [
      { channel, path: ['clusters', index, 'name'], what: 'cluster', value: cluster.name },
      { channel, path: ['clusters', index, 'account'], what: 'account', value: cluster.account },
      { channel, path: ['clusters', index, 'network'], what: 'network', value: cluster.network },
    ]),
    ...(channel.file.e2e?.slots ?? []).flatMap((slot, index): Claim[] => [
      { channel, path: ['e2e', 'slots', index, 'account'], what: 'account', value: slot.account },
      { channel, path: ['e2e', 'slots', index, 'network'], what: 'network', value: slot.network },
    ]),
  ]);
  const first = new Map<string, Claim>();
  return claims.flatMap((claim) => {
    const key = `${claim.what} ${claim.value}`;
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, claim);
      return [];
    }
    const { line } = placeOf(earlier.channel.source, earlier.path);
    const message = `The ${claim.what} ${claim.value} is taken already, in ${earlier.channel.source.path} line ${line}.`;
    return [at(claim.channel, claim.path, `duplicate-${claim.what}`, message)];
  });
}

/** The channels form one line of promotion or a tree: one first channel, each other follows one that exists, no circle. */
function followFindings(channels: readonly ChannelSource[], isWhole: boolean): Finding[] {
  const names = channels.map(({ file }) => file.channel);
  const firsts = channels.filter(({ file }) => file.follows === undefined);
  const follows = followsOf(channels);
  const findings = channels.flatMap((channel) => {
    const followed = channel.file.follows;
    if (followed === undefined) return [];
    if (!follows.has(followed)) {
      if (!isWhole) return [];
      return [at(channel, ['follows'], 'follows', `There is no channel ${followed} to follow.${didYouMean(followed, names)}`)];
    }
    return inCircle(channel, follows)
      ? [at(channel, ['follows'], 'follows', `${channel.file.channel} follows itself, through ${followed}.`)]
      : [];
  });
  for (const extra of firsts.slice(1)) {
    const message = `${extra.file.channel} follows no channel, and neither does ${firsts[0]?.file.channel ?? ''}. Only one channel may be the first.`;
    findings.push(at(extra, ['channel'], 'follows', message));
  }
  return findings;
}

function inCircle(start: ChannelSource, follows: ReadonlyMap<string, string | undefined>): boolean {
  const seen = new Set<string>();
  let current: string | undefined = start.file.follows;
  while (current !== undefined && !seen.has(current)) {
    if (current === start.file.channel) return true;
    seen.add(current);
    current = follows.get(current);
  }
  return false;
}

/** By a channel's name, the one that it follows; of two files with one name the first. */
function followsOf(channels: readonly ChannelSource[]): Map<string, string | undefined> {
  return new Map(channels.map(({ file }) => [file.channel, file.follows] as const).reverse());
}

/** Rules within one file. */
function ownFindings(channel: ChannelSource): Finding[] {
  const { file, source } = channel;
  const findings: Finding[] = [];
  if (source.path !== `channels/${file.channel}.yaml`) {
    findings.push(at(channel, ['channel'], 'channel-name', `The channel ${file.channel} must stand in channels/${file.channel}.yaml.`));
  }
  if (file.branch === SETTINGS_BRANCH) {
    const message = `${SETTINGS_BRANCH} holds the settings, so no channel can follow it. Give ${file.channel} a branch of its own.`;
    findings.push(at(channel, ['branch'], 'duplicate-branch', message));
  }
  const last = file.waves.at(-1);
  if (last?.percent !== 100) {
    const message = 'The last wave must have percent: 100, or some clusters would never be updated.';
    findings.push(at(channel, ['waves', file.waves.length - 1], 'waves', message));
  }
  file.clusters.forEach(({ name, environment, etcdMembers }, index) => {
    if (environment !== 'production' || etcdMembers !== 1) return;
    const message = `${name} is a production cluster: with one member of etcd nothing answers while that is replaced. Give it 3 or 5, or leave the field out for 3.`;
    findings.push(at(channel, ['clusters', index, 'etcdMembers'], 'member-count', message));
  });
  file.freeze.forEach((window, index) => {
    if (window.from >= window.until) findings.push(at(channel, ['freeze', index, 'until'], 'freeze', 'The freeze ends before it begins.'));
  });
  const clusters = ['all', ...file.clusters.map(({ name }) => name)];
  file.emergency.forEach(({ cluster }, index) => {
    if (file.login === undefined)
      findings.push(at(channel, ['emergency', index], 'emergency', 'Nobody can log in to this channel: it has no login.'));
    if (!clusters.includes(cluster)) {
      const message = `The channel ${file.channel} has no cluster ${cluster}.${didYouMean(cluster, clusters)}`;
      findings.push(at(channel, ['emergency', index, 'cluster'], 'emergency', message));
    }
  });
  const networks = [
    ...file.clusters.map((cluster, index) => ({ path: ['clusters', index, 'network'], network: cluster.network })),
    ...(file.e2e?.slots ?? []).map((slot, index) => ({ path: ['e2e', 'slots', index, 'network'], network: slot.network })),
  ];
  for (const { path, network } of networks) {
    if (network === SERVICE_NETWORK)
      findings.push(at(channel, path, 'network', `${network} is the service network inside each cluster. Take another.`));
    if (network.split('.').some((part) => Number.parseInt(part, 10) > 255))
      findings.push(at(channel, path, 'network', `${network} is no IPv4 network.`));
  }
  return findings;
}

/** The first channel first, each after the one that it follows. */
function inPromotionOrder(channels: readonly ChannelSource[]): ChannelSource[] {
  const follows = followsOf(channels);
  const depthOf = ({ file }: ChannelSource): number => {
    let depth = 0;
    for (let above = file.follows; above !== undefined && depth < channels.length; above = follows.get(above)) depth += 1;
    return depth;
  };
  return channels
    .map((channel) => ({ channel, depth: depthOf(channel) }))
    .sort((left, right) => left.depth - right.depth || (left.channel.file.channel < right.channel.file.channel ? -1 : 1))
    .map(({ channel }) => channel);
}
