import { short } from '#domain/evidence.ts';
import { revisionsOf, settingsMoves } from '#domain/plan-settings.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { parseSettings } from '#domain/settings.ts';
import type { Snapshot } from '#model/configuration.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import type { SettingsFiles } from '#model/pull-request.ts';
import { tipOf } from './change.ts';
import type { Git } from './git.ts';
import { readConfigurationTree } from './read-files.ts';

/** What stands here for what only the fleet knows: which revision each cluster runs. */
export interface Assumed {
  /** By channel, the revision that its branch holds. */
  readonly begins: ReadonlyMap<string, string>;
  /** Of those, and of what holds name. */
  readonly snapshots: readonly Snapshot[];
  /** What was assumed, and what could not be read, for people. */
  readonly notes: readonly string[];
}

/** No record of a cluster and no proof of a channel is in a repository. */
const NOTHING_KNOWN = { records: new Map(), proofs: new Map() };

/**
 * The configurations that a plan of settings needs, from the clone alone: clusters are taken to run what the branch of their
 * channel holds, or what they are held at. Only of channels whose clusters change.
 */
export async function assumeRevisions(git: Git, base: SettingsFiles, head: SettingsFiles): Promise<Assumed> {
  const settings = parseSettings(head).value;
  if (settings === undefined) return { begins: new Map(), snapshots: [], notes: [] };
  const before = parseSettings(base).value?.settings ?? { ...settings.settings, channels: [] };
  const moves = settingsMoves(before, settings, NOTHING_KNOWN);
  const moving = new Set(moves.map(({ channel }) => channel));
  const begins = new Map<string, string>();
  const sources: string[] = [];
  const notes: string[] = [];
  for (const { channel, branch } of settings.settings.channels.filter((one) => moving.has(one.channel))) {
    const tip = await tipOf(git, branch);
    const tree = tip && (await git.ask('rev-parse', '--verify', '--quiet', '--end-of-options', `${tip.commit}:${CONFIGURATION_FOLDER}`));
    if (tip !== undefined && tree !== undefined) {
      begins.set(channel, tree);
      sources.push(`${channel} ${tip.name} at ${short(tip.commit)}`);
    } else notes.push(`There is no ${CONFIGURATION_FOLDER}/ of the branch ${branch} here; git fetch origin ${branch} brings it.`);
  }
  if (sources.length > 0) {
    notes.unshift(
      `What clusters run is recorded in the fleet's account only. Here they are taken to run what the branch of their channel holds, unless they are held: ${sources.join(', ')}.`,
    );
  }
  const snapshots: Snapshot[] = [];
  for (const revision of new Set([...begins.values(), ...revisionsOf(moves)])) {
    const read = await readTree(git, revision);
    if (typeof read === 'string') notes.push(read);
    else snapshots.push(read);
  }
  return { begins, snapshots, notes };
}

/** A configuration by its revision, or why it can't be read: then the plan says that of its clusters nothing is known. */
async function readTree(git: Git, revision: string): Promise<Snapshot | string> {
  if ((await git.ask('cat-file', '-t', revision)) !== 'tree')
    return `The revision ${short(revision)} that a cluster is held at is not here; git fetch --unshallow brings what GitHub has.`;
  try {
    return await readConfigurationTree(git, revision);
  } catch (error) {
    if (error instanceof InputError || error instanceof NotFoundError)
      return `The revision ${short(revision)} can't be read: ${error.message}.`;
    throw error;
  }
}
