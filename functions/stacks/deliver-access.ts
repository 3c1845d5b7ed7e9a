import * as z from 'zod';
import { clusterAccess } from '#domain/access.ts';
import { accessNote } from '#domain/check-texts.ts';
import { accountKeys, keys } from '#domain/names.ts';
import { readSettings } from '#facts/fleet.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { ClusterAccess } from '#model/access.ts';
import { CheckRef } from '#model/checks.ts';
import { ConflictError, InputError } from '#model/errors.ts';
import { NewestSettings } from '#model/rollout.ts';
import type { ClusterEntry, Settings } from '#model/settings.ts';
import type { Checks } from '#ports/checks.ts';
import type { AccountObjects, ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly accountObjects: AccountObjects;
  readonly checks: Checks;
}

/** Accounts that are written to at once. */
const PARALLEL = 20;
/** So many clusters are named; the state is not to grow with the fleet. */
const NAMED = 10;

/**
 * Brings who may log in to each cluster, by the newest settings that apply, into its account: at once and to all of them,
 * since access that somebody needs in an emergency, or must lose, waits for no wave. An account that can't be reached keeps
 * what it has, and is told on the rollout's check at once; the others get theirs.
 */
export const deliverAccess = defineStep({
  name: 'deliver-access',
  input: z.object({ resolveRevision: z.object({ check: CheckRef }) }),
  output: z.object({ delivered: z.int(), failed: z.int(), reason: z.string() }),
  async run({ resolveRevision: { check } }, { objects, accountObjects, checks }: Ports, { execution }) {
    const newest = newestSettings(objects);
    const { channels } = await newest();
    // Also those to be decommissioned: they live until somebody deletes them, and who must not log in any more must not there.
    const wanted = channels.flatMap((channel) => channel.clusters.map((entry) => ({ channel, entry })));
    const failures: string[] = [];
    for (let start = 0; start < wanted.length; start += PARALLEL) {
      await Promise.all(
        wanted.slice(start, start + PARALLEL).map(async ({ channel, entry }) => {
          const account = accountObjects.of(entry.account, entry.region, execution);
          await deliver(channel.channel, entry, account, newest).catch((error: unknown) => {
            failures.push(`${entry.name}: ${error instanceof Error ? error.message : String(error)}`);
          });
        }),
      );
    }
    const more = failures.length > NAMED ? `; and ${failures.length - NAMED} more` : '';
    const reason = failures.slice(0, NAMED).join('; ') + more;
    const summary = accessNote({ failed: failures.length, reason });
    if (summary !== '') {
      const title = 'Who may log in is not everywhere; the waves are being planned';
      await checks.want({ ref: check, status: 'in_progress', title, summary, execution });
    }
    return { delivered: wanted.length - failures.length, failed: failures.length, reason };
  },
});

/** The newest settings at each call; read only once as long as they stay the newest. */
function newestSettings(objects: ObjectStore): () => Promise<Settings> {
  let known: Promise<Settings> | undefined;
  let commit = '';
  return async () => {
    const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
    if (newest === undefined) throw new InputError(`${keys.newestSettings()} is not there: resolve-revision writes it`);
    if (known === undefined || newest.commit !== commit) {
      commit = newest.commit;
      known = readSettings(objects, commit);
    }
    return known;
  };
}

/** The settings are read after what is there, so that a late repeat can't put older ones back. */
async function deliver(channel: string, { name }: ClusterEntry, account: ObjectStore, newest: () => Promise<Settings>): Promise<void> {
  const written = await changeObject(account, accountKeys.access(name), ClusterAccess, async (known) => {
    const { commit, channels } = await newest();
    const file = channels.find((candidate) => candidate.channel === channel);
    const entry = file?.clusters.find((candidate) => candidate.name === name);
    if (file === undefined || entry === undefined) throw new ConflictError(`${name} is gone from ${channel} meanwhile`);
    const next = clusterAccess(commit, file, entry);
    return known !== undefined && sameRules(known, next) ? undefined : next;
  });
  if (written === undefined) throw new ConflictError(`nothing was written for ${name}`);
}

function sameRules(left: ClusterAccess, right: ClusterAccess): boolean {
  return JSON.stringify({ ...left, commit: '' }) === JSON.stringify({ ...right, commit: '' });
}
