import type { ChannelProof, RevisionEvidence } from '#model/records.ts';
import { durationText, timeText } from './duration.ts';
import { short } from './evidence.ts';

export interface PromotionTextFacts {
  readonly source: string;
  readonly target: string;
  readonly revision: string;
  /** The rollout that proved the revision in the source channel. */
  readonly proof: ChannelProof | undefined;
  readonly evidence: RevisionEvidence | undefined;
  /** Link to an execution of a machine; absent: names only. */
  readonly link?: (machine: string, execution: string) => string;
}

/** GitHub's limit of a pull request body is 65,536 characters; the rest is left for what people add. */
const BODY_LIMIT = 60_000;

/** Title and Markdown body of a promotion's pull request: what merging does, and the proof, cluster by cluster. */
export function promotionText(facts: PromotionTextFacts): { title: string; body: string } {
  const { source, target, revision, proof } = facts;
  const head = [
    `Merging rolls revision \`${short(revision)}\` out to **${target}**. The content is exactly what runs in ${source}.`,
    '',
    ...proofLines(facts),
    '',
    ...e2eLines(facts),
  ];
  const rows = proof === undefined ? [] : clusterRows(proof, facts.link);
  const tail = ['', `Revision: \`${revision}\`${proof === undefined ? '' : `, commit ${proof.commit}`}`];
  return { title: `Promote ${short(revision)} from ${source} to ${target}`, body: fitted([...head, ''], rows, tail) };
}

function proofLines({ source, proof, link }: PromotionTextFacts): string[] {
  if (proof === undefined) return [`No rollout to ${source} is recorded for this revision: do not merge before one has succeeded.`];
  const seconds = (Date.parse(proof.finishedAt) - Date.parse(proof.startedAt)) / 1000;
  const count = proof.clusters.length === 1 ? '1 cluster' : `${proof.clusters.length} clusters`;
  const rollout = named('rollout', proof.rollout, link);
  return [`Rollout to ${source}: succeeded ${timeText(proof.finishedAt)} on ${count} in ${durationText(seconds)} (${rollout}).`];
}

function e2eLines({ evidence, link }: PromotionTextFacts): string[] {
  if (evidence === undefined) return ['e2e: nothing recorded.'];
  const check = `Check of #${evidence.check.pullRequest}: passed ${timeText(evidence.check.at)} (${named('pull-request', evidence.check.execution, link)}).`;
  if (evidence.e2e === null) return [check, 'e2e: not run, the change reached no cluster.'];
  const { passed, failed, durationSeconds, baseRevision, execution } = evidence.e2e;
  const update = `update from \`${short(baseRevision)}\``;
  return [
    check,
    `e2e: ${passed} passed, ${failed} failed in ${durationText(durationSeconds)}, ${update} (${named('e2e', execution, link)}).`,
  ];
}

function clusterRows(proof: ChannelProof, link: PromotionTextFacts['link']): string[] {
  const rows = proof.clusters.map(
    ({ name, execution, backup, durationSeconds }) =>
      `| ${name} | updated | ${backup === null ? 'none (new or unchanged cluster)' : `\`${backup}\` proven`} | ${durationText(durationSeconds)} | ${named('update-cluster', execution, link)} |`,
  );
  return rows.length === 0 ? [] : ['| cluster | result | etcd backup | duration | execution |', '|---|---|---|---|---|', ...rows];
}

function named(machine: string, execution: string, link: PromotionTextFacts['link']): string {
  return link === undefined ? `\`${execution}\`` : `[${execution}](${link(machine, execution)})`;
}

/** Cuts rows, visibly, so that the body stays within GitHub's limit. */
function fitted(head: readonly string[], rows: readonly string[], tail: readonly string[]): string {
  const whole = (kept: readonly string[], note: readonly string[]): string => [...head, ...kept, ...note, ...tail].join('\n');
  let kept = rows;
  let text = whole(kept, []);
  while (text.length > BODY_LIMIT && kept.length > 0) {
    kept = kept.slice(0, Math.floor(kept.length * 0.9));
    text = whole(kept, ['', `… and ${rows.length - kept.length} more clusters; the rollout's ledger has them all.`]);
  }
  return text;
}
