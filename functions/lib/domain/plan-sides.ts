import type { Render, RenderedStack } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Configuration } from './configuration.ts';
import { canonicalJson, sha256 } from './hash.ts';
import { type LaunchTemplates, launchTemplatesOf } from './launch-template.ts';
import { etcdSeats } from './network.ts';
import { textOf } from './plan-diff.ts';
import { type PlanItem, planItems } from './plan-items.ts';
import { render } from './render.ts';
import type { TemplateName } from './stack-parameters.ts';
import type { Template } from './template.ts';

/** What a cluster has, or is to get. */
export interface PlanSide {
  readonly configuration: Configuration;
  readonly cluster: ClusterRef;
}

/** What a cluster has (undefined: it is created) and what it is to get (undefined: it is deleted). */
export type PlanChange =
  | { readonly base: PlanSide | undefined; readonly head: PlanSide }
  | { readonly base: PlanSide; readonly head: undefined };

/** What all clusters of one environment, number of members, region and channel get of a configuration, their own variables left out. */
export interface FoldedSide {
  readonly configuration: Configuration;
  readonly render: Render;
  readonly items: ReadonlyMap<string, PlanItem>;
}

/** A thing that both sides may have; `differs` is about the folded values. */
export interface Candidate {
  readonly key: string;
  readonly before: PlanItem | undefined;
  readonly after: PlanItem | undefined;
  readonly differs: boolean;
  /** A cluster's own variables, or escapes, are in the key or in one of the values. */
  readonly own: boolean;
  readonly hash: string;
}

export interface FoldedPair {
  /** Of all keys; those that differ are also in `changed`. */
  readonly all: readonly Candidate[];
  readonly changed: readonly Candidate[];
}

export interface Sides {
  of(side: PlanSide): FoldedSide;
  pair(base: FoldedSide, head: FoldedSide): FoldedPair;
  launchTemplates(template: Template): LaunchTemplates;
  lines(candidate: Candidate): CandidateLines;
}

/** Lines of both values of a candidate, each once. */
export interface CandidateLines {
  /** Without variables. */
  readonly plain: ReadonlySet<string>;
  /** With variables of a cluster's own, or escapes. */
  readonly own: readonly string[];
}

/** Renders each configuration once for each kind of cluster, and compares each pair of them once. */
export function createSides(): Sides {
  const sides = new Map<Configuration, Map<string, FoldedSide>>();
  const pairs = new Map<FoldedSide, Map<FoldedSide, FoldedPair>>();
  const templates = new Map<Template, LaunchTemplates>();
  const lines = new Map<Candidate, CandidateLines>();
  return {
    of({ configuration, cluster }) {
      const kind = canonicalJson([cluster.environment, etcdSeats(cluster).length, cluster.region, cluster.channel]);
      return kept(
        kept(sides, configuration, () => new Map()),
        kind,
        () => {
          const rendered = render(configuration, cluster, { folded: true });
          return { configuration, render: rendered, items: planItems(rendered) };
        },
      );
    },
    pair: (base, head) =>
      kept(
        kept(pairs, base, () => new Map()),
        head,
        () => pairOf(base, head),
      ),
    launchTemplates: (template) => kept(templates, template, () => launchTemplatesOf(template)),
    lines: (candidate) => kept(lines, candidate, () => linesOf(candidate)),
  };
}

function kept<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

function pairOf(base: FoldedSide, head: FoldedSide): FoldedPair {
  const keys = [...new Set([...base.items.keys(), ...head.items.keys()])];
  const all = keys.map((key) => candidateOf(key, base.items.get(key), head.items.get(key)));
  return { all, changed: all.filter(({ differs }) => differs) };
}

function candidateOf(key: string, before: PlanItem | undefined, after: PlanItem | undefined): Candidate {
  // Objects without variables are the same in memory when their file is.
  const same = before !== undefined && after !== undefined && before.value === after.value;
  const left = textOfItem(before);
  const right = same ? left : textOfItem(after);
  const raw = isRaw(before ?? after);
  return {
    key,
    before,
    after,
    differs: left !== right,
    own: key.includes('${') || (!raw && (left.includes('${') || right.includes('${'))),
    hash: left === right ? '' : sha256(`${left}\n${right}`),
  };
}

/** Equal for equal items, whatever the order of keys; the empty text for none. */
function textOfItem(item: PlanItem | undefined): string {
  return item === undefined ? '' : canonicalJson(item.value);
}

/** Quotes are left out: YAML may need them for one of two equal texts. */
function linesOf({ before, after }: Candidate): CandidateLines {
  const all = [...textOf(before?.value).split('\n'), ...textOf(after?.value).split('\n')].map((line) => line.replaceAll(/["']/g, ''));
  const own = new Set(all.filter((line) => line.includes('${')));
  return { plain: new Set(all.filter((line) => !own.has(line))), own: [...own] };
}

/** Text of the configuration that no variable is put into. */
export function isRaw(item: PlanItem | undefined): boolean {
  return item?.kind === 'template' || item?.kind === 'component' || item?.kind === 'deletion';
}

export function templateOf(configuration: Configuration, role: string): Template {
  const name: TemplateName = role === 'network' || role === 'etcd' || role === 'control-plane' ? role : 'node-pool';
  return configuration.templates[name];
}

export function stackOf(side: FoldedSide, role: string): RenderedStack | undefined {
  return side.render.stacks.find((stack) => stack.role === role);
}
