import type { Finding } from '#model/checks.ts';
import type { Snapshot } from '#model/configuration.ts';
import type { SettingsFiles } from '#model/pull-request.ts';
import { type Configuration, parseConfiguration } from './configuration.ts';
import { policyFindings } from './policies/findings.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { parseSettings } from './settings.ts';
import { settingsChangeFindings } from './settings-change.ts';
import { versionMoveFindings } from './version-move.ts';
import { findingAt, type Place } from './yaml-source.ts';

/** A change of `channels/cluster/`. */
export interface ConfigurationChange {
  /** What merging would make; undefined when it would leave no configuration. */
  readonly head: Snapshot | undefined;
  /** What is there now; undefined when there is nothing to compare with. */
  readonly base: Snapshot | undefined;
  /** Where it would go: the settings of `main`, the branch, the time (ISO 8601). Absent: not asked, as for a working copy. */
  readonly target?: { readonly settings: SettingsFiles; readonly branch: string; readonly now: string } | undefined;
}

const START: Place = { line: 1, column: 1 };

/** All that is wrong with a configuration, failures first. A pure function: the check and the command line tell the same. */
export function validateConfiguration({ head, base, target }: ConfigurationChange): Finding[] {
  const findings = target === undefined ? [] : targetFindings(target.settings, target.branch);
  if (head === undefined) {
    return inOrder([...findings, findingAt(CONFIGURATION_FOLDER, START, 'missing-file', 'The merge would leave no channels/cluster/.')]);
  }
  const { value, findings: own } = parseConfiguration(head);
  const before = base === undefined ? undefined : parseConfiguration(base).value;
  const moves = value === undefined || before === undefined ? [] : versionMoveFindings(before, value, head.files);
  return inOrder([...findings, ...own, ...moves, ...policiesOf(head, value, target)]);
}

/** What the policies say of a configuration that can be read; whom they concern is in the settings. */
function policiesOf(head: Snapshot, configuration: Configuration | undefined, target: ConfigurationChange['target']): Finding[] {
  const settings = target === undefined ? undefined : parseSettings(target.settings).value;
  const channel = settings?.settings.channels.find(({ branch }) => branch === target?.branch);
  if (configuration === undefined || target === undefined || settings === undefined || channel === undefined) return [];
  return policyFindings({ configuration, files: head.files, settings, channel, today: target.now });
}

/**
 * All that is wrong with the settings, and with what their change would do to clusters that live; failures first.
 * @param now ISO 8601, for the ends of waivers
 */
export function validateSettings(head: SettingsFiles, base: SettingsFiles | undefined, now: string): Finding[] {
  const { value, findings } = parseSettings(head);
  const policies = value === undefined ? [] : policyFindings({ settings: value, today: now });
  const before = base === undefined ? undefined : parseSettings(base).value;
  // A broken base is what this change repairs: there is nothing to compare with.
  if (value === undefined || before === undefined) return inOrder([...findings, ...policies]);
  return inOrder([...findings, ...settingsChangeFindings(before.settings, value), ...policies]);
}

function targetFindings(settings: SettingsFiles, branch: string): Finding[] {
  const { value, findings } = parseSettings(settings);
  if (value === undefined) return [...findings];
  const branches = value.settings.channels.map((channel) => channel.branch);
  if (branches.includes(branch)) return [];
  const message = `No channel has the branch ${branch}. A change of channels/cluster/ goes to one of: ${branches.join(', ')}.`;
  return [findingAt(CONFIGURATION_FOLDER, START, 'branch', message)];
}

function inOrder(findings: readonly Finding[]): Finding[] {
  const rank = ({ level }: Finding): number => ['failure', 'warning', 'notice'].indexOf(level);
  return findings.toSorted((left, right) => rank(left) - rank(right));
}
