import type { WantedCheck } from '#model/checks.ts';
import type { PageRollout, PageWave } from '#model/page.ts';
import type { Ledger } from '#model/records.ts';
import type { RolloutInputs, SoakRecord } from '#model/rollout.ts';
import type { Known } from './may-start.ts';
import { given, problemsOf, type RolloutFacts } from './page-facts.ts';

/** True while its check has not ended; what can't be read counts as under way. */
export function isLive({ check }: RolloutFacts): boolean {
  return !check.known || (check.value !== null && check.value.status !== 'completed');
}

/** A rollout with its waves, by what was pinned, admitted and settled. */
export function pageRollout(facts: RolloutFacts): PageRollout {
  const { id, channel, revision, commit, check, soaks } = facts;
  const inputs = given(facts.inputs);
  const ledger = given(facts.ledger);
  return {
    id,
    channel,
    revision,
    commit,
    state: stateOf(check),
    title: given(check)?.title ?? '',
    plannedAt: inputs?.plannedAt ?? null,
    mergedBy: inputs?.resolved.mergedBy ?? null,
    pullRequest: inputs?.resolved.mergedPullRequest ?? null,
    waves: inputs === null ? [] : wavesOf(inputs, ledger, soaks.map(given), isLive(facts)),
    waits: isLive(facts) ? ownWaits(given(check)) : [],
    failed: Object.entries(ledger?.failed ?? {}).map(([cluster, { error, cause, execution }]) => ({
      cluster,
      cause: cause === '' ? error : cause,
      execution,
    })),
    problems: problemsOf([check, facts.inputs, facts.ledger, ...soaks]),
  };
}

function stateOf(check: Known<WantedCheck | null>): PageRollout['state'] {
  if (!check.known || check.value === null) return "can't be read";
  const { status, conclusion } = check.value;
  if (status !== 'completed') return 'under way';
  if (conclusion === 'success') return 'succeeded';
  return conclusion === 'cancelled' ? 'superseded' : 'failed';
}

/** What the rollout itself does or waits for; its clusters' lines stand with them. */
function ownWaits(check: WantedCheck | null): PageRollout['waits'] {
  const lines = (check?.progress ?? []).filter(
    ({ cluster, state }) => cluster === undefined && (state === 'waiting' || state === 'running'),
  );
  return lines.map(({ step, state, reason, at }) => ({
    reason: `${step} ${state === 'waiting' ? 'waits' : 'runs'}${reason === undefined || reason === '' ? '' : `: ${reason}`}`,
    until: null,
    since: at,
  }));
}

function wavesOf(inputs: RolloutInputs, ledger: Ledger | null, soaks: readonly (SoakRecord | null)[], live: boolean): PageWave[] {
  const began = inputs.waves.map(({ clusters }) => clusters.some((name) => clusterState(name, ledger) !== 'waits'));
  const last = began.lastIndexOf(true);
  return inputs.waves.map(({ name, clusters, soakSeconds }, index) => {
    const soaked = soaks[index] ?? null;
    const settled = clusters.every((cluster) => ['succeeded', 'failed'].includes(clusterState(cluster, ledger)));
    const state = waveState({ isBefore: index < last, began: began[index] === true, settled, soaked, soakSeconds, live });
    return {
      name,
      state,
      clusters: clusters.map((cluster) => {
        const found = clusterState(cluster, ledger);
        const left = found === 'waits' && (state === 'done' || !live);
        return { name: cluster, state: left ? ('left out' as const) : found, since: ledger?.started[cluster] ?? null };
      }),
      soak: soaked === null ? null : { healthySeconds: soaked.healthySeconds, seconds: soakSeconds },
    };
  });
}

interface WaveFacts {
  readonly isBefore: boolean;
  readonly began: boolean;
  readonly settled: boolean;
  readonly soaked: SoakRecord | null;
  readonly soakSeconds: number;
  readonly live: boolean;
}

function waveState({ isBefore, began, settled, soaked, soakSeconds, live }: WaveFacts): PageWave['state'] {
  if (isBefore) return 'done';
  if (soaked !== null) return soaked.healthySeconds >= soakSeconds || !live ? 'done' : 'soaking';
  if (!began) return live ? 'to come' : 'not reached';
  if (!settled) return live ? 'running' : 'done';
  return live && soakSeconds > 0 ? 'soaking' : 'done';
}

function clusterState(name: string, ledger: Ledger | null): 'waits' | 'started' | 'succeeded' | 'failed' {
  if (ledger?.failed[name] !== undefined) return 'failed';
  if (ledger?.succeeded[name] !== undefined) return 'succeeded';
  return ledger?.started[name] === undefined ? 'waits' : 'started';
}
