import type { SettingsFiles } from '#model/pull-request.ts';
import { noHistory, short } from './evidence.ts';
import { hashOf } from './hash.ts';

/** Hash of settings by their files: equal settings are one, whatever commit holds them. */
export function settingsId(files: SettingsFiles['files']): string {
  return hashOf(Object.fromEntries(files.map(({ path, content }) => [path, content])));
}

/** What is known of the settings at the head of `main`, and of the fleet. */
export interface SettingsFacts {
  readonly commit: string;
  /** The merged pull request that the commit came from; null for a direct or forced push. */
  readonly mergedPullRequest: number | null;
  /** Our check succeeded for exactly these files. */
  readonly isChecked: boolean;
  /** Any record of a cluster or proof of a channel is there. */
  readonly hasHistory: boolean;
  /** An operator said that a fleet may begin here (`control/fleet.json`). */
  readonly isFounded: boolean;
}

export type SettingsDecision = { readonly apply: true } | { readonly apply: false; readonly reason: string };

/**
 * May rollouts go by these settings? They came by a merged pull request and were checked as they are; only the settings that
 * a fleet begins with may be pushed. Without any record and without the mark of a new fleet, the records were lost.
 */
export function maySettingsApply(facts: SettingsFacts): SettingsDecision {
  if (facts.mergedPullRequest !== null && facts.isChecked) return { apply: true };
  if (!facts.hasHistory) return facts.isFounded ? { apply: true } : { apply: false, reason: noHistory('the fleet') };
  const commit = short(facts.commit);
  if (facts.mergedPullRequest === null) {
    return { apply: false, reason: `${commit} was pushed to main directly; it waits until a merged pull request adopts it` };
  }
  const reason = `no successful check \`sluice\` for the settings of ${commit}, as #${facts.mergedPullRequest} was merged; propose them again by a pull request to main and merge it while it is green`;
  return { apply: false, reason };
}
