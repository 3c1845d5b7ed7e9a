import type * as z from 'zod';
import { keys } from '#domain/names.ts';
import { validateConfiguration, validateSettings } from '#domain/validation.ts';
import type { Finding } from '#model/checks.ts';
import { NotFoundError } from '#model/errors.ts';
import type { MergeResult, SettingsFiles } from '#model/pull-request.ts';
import type { Genesis } from '#model/records.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { shippedSchemas } from '../../functions/plan/kubernetes-schemas.ts';
import { plan } from '../../functions/plan/plan.ts';
import { assumeRevisions } from './assumed.ts';
import type { Change } from './change.ts';
import { openGit } from './git.ts';
import { createMemoryObjects } from './memory-objects.ts';
import type { Tree } from './read-files.ts';

/** Names the settings that there are not. */
const NO_SETTINGS = 'f'.repeat(40);
const CONTEXT = { execution: 'working-copy' };

/** Findings of a working copy, by the check's own rules and in its order. @param now ISO 8601, for the ends of waivers */
export function findingsOf(change: Change, now: string): Finding[] {
  const { kind, head, before } = change;
  const ofSettings = kind === 'configuration' ? [] : validateSettings(settingsOf(change), before && settingsAt(change.base, before), now);
  if (kind === 'settings') return ofSettings;
  const target = { settings: settingsOf(change), branch: change.branch, now };
  const ofConfiguration = validateConfiguration({ head: head.configuration, base: before?.configuration, target }, shippedSchemas);
  // A folder with both kinds is looked at twice, and what is wrong with its settings told once.
  const once = new Map([...ofSettings, ...ofConfiguration].map((finding) => [JSON.stringify(finding), finding]));
  return [...once.values()].sort((left, right) => rank(left) - rank(right));
}

function settingsOf({ settings: { commit, files } }: Change): SettingsFiles {
  return { commit, files: [...files] };
}

function settingsAt(base: Change['base'], { settings }: Tree): SettingsFiles {
  return { commit: base?.commit ?? NO_SETTINGS, files: [...settings] };
}

export interface ToldPlan {
  readonly title: string;
  readonly markdown: string;
  /** As the plan step answers and keeps it. */
  readonly facts: Awaited<ReturnType<typeof plan.run>>;
  readonly data: unknown;
  /** What was taken for known that only the fleet knows. */
  readonly notes: readonly string[];
}

/** The plan of a working copy by the check's own step. For what passes validation. */
export async function planOf(change: Change): Promise<ToldPlan> {
  const { objects, input, notes } = await asPullRequest(change, change.kind === 'settings' ? 'settings' : 'configuration');
  const facts = await plan.run(input, { objects }, CONTEXT);
  const data: unknown = JSON.parse(await read(objects, keys.planData(facts.planHash)));
  return { title: facts.title, markdown: await read(objects, keys.plan(facts.planHash)), facts, data, notes };
}

function rank({ level }: Finding): number {
  return ['failure', 'warning', 'notice'].indexOf(level);
}

/** What read-pull-request and snapshot-configuration leave for validate and plan when this is pushed. */
async function asPullRequest(
  change: Change,
  kind: 'settings' | 'configuration',
): Promise<{ objects: ObjectStore; input: z.infer<typeof MergeResult>; notes: readonly string[] }> {
  const objects = createMemoryObjects();
  const { head, before } = change;
  for (const tree of [before, head]) {
    if (tree?.configuration !== undefined) {
      await objects.put(keys.snapshot(tree.configuration.revision), JSON.stringify(tree.configuration));
    }
  }
  const keep = async (settings: SettingsFiles): Promise<string> => {
    await objects.put(keys.settings(settings.commit), JSON.stringify(settings));
    return settings.commit;
  };
  const asSettings = kind === 'settings';
  const headSettings = await keep(settingsOf(change));
  const old = settingsAt(change.base, before ?? { configuration: undefined, settings: [] });
  const baseSettings = asSettings ? await keep(old) : headSettings;
  const notes = asSettings ? await keepAssumed(change, old, objects) : [];
  return {
    objects,
    notes,
    input: {
      readPullRequest: { kind, baseRef: asSettings ? 'main' : change.branch },
      snapshotConfiguration: {
        baseRevision: asSettings ? null : (before?.configuration?.revision ?? null),
        headRevision: asSettings ? null : (head.configuration?.revision ?? null),
        baseSettingsCommit: baseSettings,
        headSettingsCommit: headSettings,
      },
    },
  };
}

/** Leaves what clusters are taken to run where the plan looks for what their channel began with. Answers what to tell of it. */
async function keepAssumed(change: Change, base: SettingsFiles, objects: ObjectStore): Promise<readonly string[]> {
  const git = await openGit(change.root);
  if (git === undefined) return [];
  const { begins, snapshots, notes } = await assumeRevisions(git, base, settingsOf(change));
  const at = (await objects.now()).toISOString();
  for (const snapshot of snapshots) await objects.put(keys.snapshot(snapshot.revision), JSON.stringify(snapshot));
  for (const [channel, revision] of begins) {
    const genesis: Genesis = { channel, revision, rollout: CONTEXT.execution, at };
    await objects.put(keys.genesis(channel), JSON.stringify(genesis));
  }
  return notes;
}

async function read(objects: ObjectStore, key: string): Promise<string> {
  const stored = await objects.get(key);
  if (stored === undefined) throw new NotFoundError(`the step left no ${key}`);
  return stored.body;
}
