import { isMap, isScalar } from 'yaml';
import type { Versions } from '#model/configuration.ts';
import type { Product, Upgrade } from '#model/upgrade.ts';
import type { Release } from '#ports/releases.ts';
import { parseYaml } from './yaml-source.ts';

/** What the branches of all proposed upgrades begin with. */
export const UPGRADE_BRANCH_PREFIX = 'sluice/upgrade-';

type Raised = Pick<Versions, Product>;

export interface UpgradeFacts {
  /** What the first channel has. */
  readonly current: Raised;
  /** What the channels after it have. */
  readonly others: readonly { readonly channel: string; readonly versions: Raised }[];
  readonly releases: Readonly<Record<Product, readonly Release[]>>;
}

export interface UpgradeChoice {
  /** What could be proposed, the first one first. */
  readonly candidates: readonly Upgrade[];
  /** Why something newer is not proposed. */
  readonly reasons: readonly string[];
}

/**
 * Versions that etcd must have before it goes to a minor (its upgrade guides, https://etcd.io/docs/latest/upgrades/): from
 * older 3.5 members come back as zombies or stay learners.
 */
const ETCD_FLOORS: Readonly<Record<string, string>> = { '3.6': '3.5.32', '3.7': '3.6.11' };

const PRODUCTS: readonly Product[] = ['kubernetes', 'etcd'];
const TITLES: Readonly<Record<Product, string>> = { kubernetes: 'Kubernetes', etcd: 'etcd' };

/**
 * The next versions of the first channel: patches before minors, for they are small and mend what is known to be broken; at
 * most one minor, and only when no channel is behind, for a promotion could not take two at once. Never a pre-release.
 */
export function chooseUpgrades(facts: UpgradeFacts): UpgradeChoice {
  const found = PRODUCTS.map((product) => ofProduct(product, facts));
  const candidates = found.flatMap((one) => one.candidates).sort((left, right) => rank(left) - rank(right));
  return { candidates, reasons: found.flatMap((one) => one.reasons) };
}

function rank({ step }: Upgrade): number {
  return step === 'patch' ? 0 : 1;
}

function ofProduct(product: Product, { current, others, releases }: UpgradeFacts): UpgradeChoice {
  const from = current[product];
  const released = finalVersions(releases[product]);
  const patch = newest(released.filter((version) => minorOf(version) === minorOf(from)));
  const patches = patch !== undefined && compare(patch, from) > 0 ? [upgrade(product, from, patch, 'patch')] : [];
  const next = nextMinor(from);
  const target = newest(released.filter((version) => minorOf(version) === next));
  if (target === undefined) return { candidates: patches, reasons: [] };
  const reason = whyNot(product, from, next, others);
  if (reason !== undefined) return { candidates: patches, reasons: [reason] };
  return { candidates: [...patches, upgrade(product, from, target, 'minor')], reasons: [] };
}

/** Why the next minor may not be proposed yet. */
function whyNot(product: Product, from: string, next: string, others: UpgradeFacts['others']): string | undefined {
  const behind = others.find(({ versions }) => compare(`${minorOf(versions[product])}.0`, `${minorOf(from)}.0`) < 0);
  if (behind !== undefined) {
    return `${TITLES[product]} ${next} waits until ${behind.channel} has ${minorOf(from)} (it has ${behind.versions[product]})`;
  }
  if (product !== 'etcd') return undefined;
  const floor = ETCD_FLOORS[next];
  if (floor === undefined) return `etcd ${next} is not proposed: no rule for the way to it is known`;
  return compare(from, floor) < 0 ? `etcd ${next} waits until the channel has ${floor} (it has ${from})` : undefined;
}

function upgrade(product: Product, from: string, to: string, step: Upgrade['step']): Upgrade {
  return { product, from, to, step, branch: `${UPGRADE_BRANCH_PREFIX}${product}-${to}` };
}

/** Versions of releases that are out: no drafts, no pre-releases by flag or by name, no tags of other things. */
function finalVersions(releases: readonly Release[]): string[] {
  return releases.flatMap(({ tag, prerelease, draft }) => {
    const version = /^v(?<version>(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2})$/.exec(tag)?.groups?.['version'];
    return prerelease || draft || version === undefined ? [] : [version];
  });
}

function newest(versions: readonly string[]): string | undefined {
  return versions.toSorted(compare).at(-1);
}

function numbers(version: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return [major, minor, patch];
}

function minorOf(version: string): string {
  const [major, minor] = numbers(version);
  return `${major}.${minor}`;
}

function nextMinor(version: string): string {
  const [major, minor] = numbers(version);
  return `${major}.${minor + 1}`;
}

/** Below 0 when the left version is the older one. */
export function compare(left: string, right: string): number {
  const [a, b] = [numbers(left), numbers(right)];
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/**
 * `versions.yaml` with the product raised and everything else as it was written; `e2eTests` goes along with Kubernetes when
 * it is older, for the tests of an older minor say nothing of a newer one. undefined when the file can't be read.
 */
export function raiseVersions(path: string, text: string, { product, to }: Pick<Upgrade, 'product' | 'to'>): string | undefined {
  const contents = parseYaml(path, text).value?.documents[0]?.contents;
  if (!isMap(contents)) return undefined;
  const places = [product, ...(product === 'kubernetes' ? ['e2eTests'] : [])].flatMap((key) => {
    const value: unknown = contents.get(key, true);
    if (!isScalar(value) || value.range === null || value.range === undefined) return [];
    const older = key === product || compare(String(value.value), to) < 0;
    return older ? [{ key, start: value.range[0], end: value.range[1] }] : [];
  });
  if (!places.some(({ key }) => key === product)) return undefined;
  return places
    .toSorted((left, right) => right.start - left.start)
    .reduce((raised, { start, end }) => `${raised.slice(0, start)}${to}${raised.slice(end)}`, text);
}
