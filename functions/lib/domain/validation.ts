import type { Finding } from '#model/checks.ts';
import type { Snapshot } from '#model/configuration.ts';
import type { SettingsFiles } from '#model/pull-request.ts';
import type { RestoreRecord } from '#model/restore.ts';
import { boundFindings } from './bounds.ts';
import { type Configuration, type ConfigurationParts, readParts } from './configuration.ts';
import { useFindings } from './configuration-use.ts';
import type { SchemaBook } from './kubernetes-apis.ts';
import { contradictionFindings, type DeletionSide, removalFindings } from './kubernetes-deletions.ts';
import { objectFindings } from './kubernetes-objects.ts';
import { policyFindings } from './policies/findings.ts';
import { policyClashes } from './policies/own-policies.ts';
import { zoneMoveFindings } from './pool-zones.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { usedRestoreFindings } from './restore-change.ts';
import { type ParsedSettings, parseSettings } from './settings.ts';
import { type Life, recordFindings, settingsChangeFindings } from './settings-change.ts';
import { templateTypeFindings } from './template-types.ts';
import { versionMoveFindings } from './version-move.ts';
import { findingAt, type Place, placeOf } from './yaml-source.ts';

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
/** Most findings told; a check of more helps nobody. */
const MAX_FINDINGS = 2000;

/**
 * All that is wrong with a configuration, failures first. A pure function: the check and the command line tell the same.
 * @param schemas what each minor of Kubernetes serves
 */
export function validateConfiguration({ head, base, target }: ConfigurationChange, schemas: SchemaBook): Finding[] {
  const findings = target === undefined ? [] : targetFindings(target.settings, target.branch);
  if (head === undefined) {
    return inOrder([...findings, findingAt(CONFIGURATION_FOLDER, START, 'missing-file', 'The merge would leave no channels/cluster/.')]);
  }
  const bounds = boundFindings(CONFIGURATION_FOLDER, head.files);
  if (bounds.length > 0) return inOrder([...findings, ...bounds]);
  const now = readParts(head);
  const before = base === undefined || boundFindings(CONFIGURATION_FOLDER, base.files).length > 0 ? undefined : readParts(base);
  const own = [...now.findings, ...partFindings(head, now, schemas)];
  return inOrder([
    ...findings,
    ...own,
    ...(before === undefined ? [] : moveFindings(head, now, before)),
    ...policiesOf(head, { ...now, findings: own }, target),
  ]);
}

/** What a configuration says by itself. */
function partFindings(head: Snapshot, now: ConfigurationParts, schemas: SchemaBook): Finding[] {
  const { versions, deletions, components } = now;
  const text = head.files.find(({ path }) => path === 'deletions.yaml')?.content ?? '';
  return [
    ...(versions === undefined ? [] : objectFindings({ ...now, versions, files: head.files }, schemas)),
    ...useFindings(now, head.files),
    ...Object.values(now.templates).flatMap((template) => (template === undefined ? [] : templateTypeFindings(template))),
    ...(deletions === undefined ? [] : contradictionFindings({ components, deletions }, text)),
  ];
}

/** What the step from the base to the head would do. */
function moveFindings(head: Snapshot, now: ConfigurationParts, before: ConfigurationParts): Finding[] {
  const [from, to] = [versionSide(before), versionSide(now)];
  const versions = from && to && versionMoveFindings(from, to, head.files);
  const [was, is] = [deletionSide(before), deletionSide(now)];
  const objects = was && is && removalFindings(was, is);
  const pools = head.files.find(({ path }) => path === 'pools.yaml')?.content ?? '';
  const zones = zoneMoveFindings(before.pools, now.pools, `${CONFIGURATION_FOLDER}/pools.yaml`, pools);
  return [...(versions ?? []), ...(objects ?? []), ...zones];
}

function versionSide({ versions, components }: ConfigurationParts): Pick<Configuration, 'versions' | 'components'> | undefined {
  return versions && { versions, components };
}

/** undefined when objects may be missing only because their file can't be read. */
function deletionSide({ components, deletions, objectsAreRead }: ConfigurationParts): DeletionSide | undefined {
  return objectsAreRead && deletions !== undefined ? { components, deletions } : undefined;
}

/** What the policies say of the parts that can be read; whom they concern is in the settings, as far as those can be read. */
function policiesOf(head: Snapshot, now: ConfigurationParts, target: ConfigurationChange['target']): Finding[] {
  if (target === undefined) return [];
  const { read: settings } = parseSettings(target.settings);
  const channel = settings.settings.channels.find(({ branch }) => branch === target.branch);
  if (channel === undefined) return [];
  return [
    ...policyClashes(now, settings.policies),
    ...policyFindings({ configuration: now, files: head.files, settings, channel, today: target.now }),
  ];
}

/** What the repository and the records say; a working copy alone knows neither. */
export interface KnownOfFleet {
  /** Of clusters that come or go. */
  readonly lives?: ReadonlyMap<string, Life>;
  /** Restores that the change asks for by ids that were used. */
  readonly usedRestores?: readonly RestoreRecord[];
  /** Branches of channels that do not exist. */
  readonly missingBranches?: readonly string[];
}

/**
 * All that is wrong with the settings, and with what their change would do to clusters that live; failures first.
 * @param now ISO 8601, for the ends of waivers @param known what the files do not say, where it is known
 */
export function validateSettings(head: SettingsFiles, base: SettingsFiles | undefined, now: string, known: KnownOfFleet = {}): Finding[] {
  const bounds = boundFindings('channels', head.files);
  if (bounds.length > 0) return bounds;
  const { read, findings } = parseSettings(head);
  const policies = policyFindings({ settings: read, today: now });
  const branches = branchFindings(read, known.missingBranches ?? []);
  if (base === undefined) return inOrder([...findings, ...branches, ...policies]);
  // Of a broken base, which this change may repair, what could be read: the clusters in it live as any other.
  const before = parseSettings(base).read;
  const changes = [
    ...settingsChangeFindings(before.settings, read),
    ...recordFindings(before.settings, read, known.lives ?? new Map()),
    ...usedRestoreFindings(before.settings, read, known.usedRestores ?? []),
  ];
  return inOrder([...findings, ...branches, ...changes, ...policies]);
}

function branchFindings({ channels }: ParsedSettings, missing: readonly string[]): Finding[] {
  return channels
    .filter(({ file }) => missing.includes(file.branch))
    .map(({ file, source }) => {
      const message = `The branch ${file.branch} does not exist. Push it first, or correct the name.`;
      return findingAt(source.path, placeOf(source, ['branch']), 'branch', message);
    });
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
  const sorted = findings.toSorted((left, right) => rank(left) - rank(right));
  const last = sorted[MAX_FINDINGS - 1];
  if (sorted.length <= MAX_FINDINGS || last === undefined) return sorted;
  const message = `There are ${sorted.length - MAX_FINDINGS} more findings. Mend these first.`;
  return [...sorted.slice(0, MAX_FINDINGS), findingAt(last.path, START, 'more-findings', message, 'notice')];
}
