import type { Finding } from '#model/checks.ts';
import type { Environment } from '#model/settings.ts';
import type { ParsedSettings } from '../settings.ts';
import type { Place } from '../yaml-source.ts';
import type { PolicySubject } from './subject.ts';

/** How much a violation weighs for a cluster of each environment. `off`: the policy is not for such clusters. */
export type Levels = Readonly<Record<Environment, Finding['level'] | 'off'>>;

/** Something that a policy does not allow, at its place. */
export interface Violation {
  /** Relative to the repository. */
  readonly path: string;
  readonly place: Place;
  /** What is at fault, as a waiver names it: `Deployment kube-system/coredns`, `pool batch`, a file. */
  readonly object: string;
  /** What is wrong and what to do; the object stands before it. */
  readonly message: string;
  /** Where the object is applied; absent: everywhere. */
  readonly environments?: readonly Environment[];
  /** Names of the clusters concerned; absent: all. */
  readonly clusters?: readonly string[];
}

interface Described {
  /** Stable; waivers and docs/rules.md name it. */
  readonly id: string;
  readonly title: string;
  /** The reason, in docs/rules.md. */
  readonly why: string;
  readonly fix: string;
  readonly levels: Levels;
}

/** A rule about the configuration. */
export interface Policy extends Described {
  check(subject: PolicySubject): readonly Violation[];
}

/** A rule about the channel files; its violations name clusters. */
export interface SettingsPolicy extends Described {
  checkSettings(settings: ParsedSettings): readonly Violation[];
}

/** Fails wherever it is found. */
export const FAILS: Levels = { development: 'failure', test: 'failure', e2e: 'failure', production: 'failure' };
/** Fails for clusters of production, warns elsewhere: it will fail when the change is promoted. */
export const FAILS_IN_PRODUCTION: Levels = { development: 'warning', test: 'warning', e2e: 'warning', production: 'failure' };
/** Fails for clusters of production; elsewhere it is nobody's business. */
export const ONLY_IN_PRODUCTION: Levels = { development: 'off', test: 'off', e2e: 'off', production: 'failure' };
export const WARNS: Levels = { development: 'warning', test: 'warning', e2e: 'warning', production: 'warning' };
export const WARNS_IN_PRODUCTION: Levels = { development: 'off', test: 'off', e2e: 'off', production: 'warning' };
