import type { Finding } from '#model/checks.ts';
import type { Product, Upgrade } from '#model/upgrade.ts';
import { codeSpan } from './markdown.ts';

export interface UpgradeTextFacts {
  readonly upgrade: Upgrade;
  readonly channel: string;
  readonly downstream: readonly string[];
  /** What validation says of the configuration with the new version. */
  readonly findings: readonly Finding[];
  /** Whether the API of the new version is known. */
  readonly apiKnown: boolean;
  /** Artifacts that the update and its tests need and that are not published, as `<name> <version>`. */
  readonly missingArtifacts: readonly string[];
  readonly raisesTests: boolean;
}

const TITLES: Readonly<Record<Product, string>> = { kubernetes: 'Kubernetes', etcd: 'etcd' };
const REPOSITORIES: Readonly<Record<Product, string>> = { kubernetes: 'kubernetes/kubernetes', etcd: 'etcd-io/etcd' };

/** GitHub's limit of a pull request body is 65,536 characters; the rest is left for what people add. */
const BODY_LIMIT = 60_000;
const MESSAGE_LIMIT = 500;

/** Title, commit message and Markdown body of an upgrade's pull request: what it does, what it breaks, what it needs. */
export function upgradeText(facts: UpgradeTextFacts): { title: string; message: string; body: string } {
  const { product, from, to } = facts.upgrade;
  const title = `Raise ${TITLES[product]} from ${from} to ${to}`;
  const head = [...whatLines(facts), '', '### What it would break', ''];
  const tail = ['', ...artifactLines(facts), 'Close this pull request to never have this version proposed again; a newer one will be.', ''];
  const rows = facts.findings.map(findingLine);
  const quiet = facts.findings.some(({ level }) => level !== 'notice') ? [] : quietLines(facts);
  return {
    title,
    message: `${title}\n\nSluice-Upgrade: ${product} ${to}\n`,
    body: fitted([...head, ...apiLines(facts), ...quiet], rows, tail),
  };
}

function whatLines({ upgrade: { product, from, to, step }, channel, downstream, raisesTests }: UpgradeTextFacts): string[] {
  const notes = `[release notes](https://github.com/${REPOSITORIES[product]}/releases/tag/v${to})`;
  const which = step === 'patch' ? 'the newest patch of its minor' : 'the newest patch of the next minor';
  const later = downstream.length === 0 ? '' : `, later by promotion to ${downstream.join(', then ')}`;
  return [
    `\`channels/cluster/versions.yaml\`: \`${product}\` goes from ${from} to ${to}, ${which} (${notes}).`,
    ...(raisesTests ? [`\`e2eTests\` goes to ${to} as well.`] : []),
    `Merging rolls it out to ${channel}${later}.`,
    ...(step === 'minor' ? ['There is no way back from a minor but a restore: what is stored then is of the newer one.'] : []),
  ];
}

/** Notices are no findings against the version, but say what was not looked at. */
function quietLines({ channel, findings }: UpgradeTextFacts): string[] {
  const nothing = `Validation of the configuration of ${channel} with this version finds nothing new`;
  return findings.length === 0 ? [`${nothing}.`] : [`${nothing} that is wrong, and says:`, ''];
}

function apiLines({ upgrade: { product, to }, apiKnown }: UpgradeTextFacts): string[] {
  if (product !== 'kubernetes' || apiKnown) return [];
  const minor = to.replace(/\.\d+$/, '');
  return [
    `**Removed APIs were not looked for**: this Sluice does not know the API of Kubernetes ${minor}. Read the release notes before you merge.`,
    '',
  ];
}

function artifactLines({ missingArtifacts }: UpgradeTextFacts): string[] {
  if (missingArtifacts.length === 0) return [];
  return [
    '### Not published yet',
    '',
    ...missingArtifacts.map((artifact) => `- \`${artifact}\``),
    '',
    'e2e and updates wait an hour for these binaries and then fail: publish them before you merge.',
    '',
  ];
}

function findingLine({ level, rule, path, line, message }: Finding): string {
  const text = message.replaceAll(/\s+/g, ' ').slice(0, MESSAGE_LIMIT);
  return `- **${level}** \`${rule}\` ${codeSpan(`${path}:${line}`)} ${escaped(text)}`;
}

/** Nothing in a message is markup, a link to a person or to a pull request. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>()#|!@]/g, (character) => `&#${character.codePointAt(0)};`);
}

/** Cuts findings, visibly, so that the body stays within GitHub's limit. */
function fitted(head: readonly string[], rows: readonly string[], tail: readonly string[]): string {
  const whole = (kept: readonly string[]): string => {
    const more = rows.length - kept.length;
    return [...head, ...kept, ...(more === 0 ? [] : [`- and ${more} more, on the check of this pull request`]), ...tail].join('\n');
  };
  let kept = rows;
  while (whole(kept).length > BODY_LIMIT && kept.length > 0) kept = kept.slice(0, Math.floor(kept.length * 0.9));
  return whole(kept);
}
