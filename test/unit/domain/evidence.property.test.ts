import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type BareRepository, createBareRepository } from '../../support/bare-repository.ts';
import {
  CHANNELS,
  type Channel,
  checkPull,
  commitOn,
  type History,
  type Method,
  mergePull,
  NOTES,
  observeCommit,
  openPull,
  type Pull,
  rendered,
  runSluice,
} from '../../support/fleet-history.ts';

/** 24 short runs are a sample for every check; SOAK_RUNS=5000 looks deeper. */
const RUNS = Number(process.env['SOAK_RUNS'] ?? 24);
const SEED = Number(process.env['SOAK_SEED'] ?? 20_260_105);

type Step =
  | { kind: 'feature'; branch: Channel; file: number; stale: boolean; passes: boolean }
  | { kind: 'hotfix'; branch: 'alpha' | 'beta'; passes: boolean }
  | { kind: 'merge-back'; from: 'alpha' | 'beta' }
  | { kind: 'merge'; pick: number; method: Method; recheck: boolean }
  | { kind: 'revert'; branch: Channel }
  | { kind: 'direct-push'; branch: Channel; file: number }
  | { kind: 'adopt'; branch: Channel }
  | { kind: 'force-push'; branch: Channel; back: number }
  | { kind: 'hold'; branch: Channel; pick: number }
  | { kind: 'hold-ends'; branch: Channel }
  | { kind: 'release'; branch: Channel };

const channel = fc.constantFrom(...CHANNELS);
const file = fc.nat({ max: 3 });
const merge = fc.record({
  kind: fc.constant('merge' as const),
  pick: fc.nat({ max: 5 }),
  method: fc.constantFrom<Method>('merge', 'squash', 'rebase'),
  recheck: fc.boolean(),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: merge },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('feature' as const),
      branch: fc.constantFrom<Channel>('dev', 'dev', 'dev', 'alpha'),
      file,
      stale: fc.boolean(),
      passes: fc.integer({ min: 0, max: 9 }).map((roll) => roll < 8),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('hotfix' as const), branch: fc.constantFrom('alpha', 'beta'), passes: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge-back' as const), from: fc.constantFrom('alpha', 'beta') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revert' as const), branch: channel }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('direct-push' as const), branch: channel, file }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('adopt' as const), branch: channel }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('force-push' as const), branch: channel, back: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), branch: channel, pick: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold-ends' as const), branch: channel }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), branch: channel }) },
);

/** One Git repository for all runs: Git names objects by content, so runs do not disturb each other. */
const repository = createBareRepository();
afterAll(() => repository.close());

/** How often each thing happened over all runs: a property over nothing proves nothing. */
const seen = new Map<string, number>();
function count(what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}

test('nothing unproven starts, nothing promoted is lost, equal content is one revision', async () => {
  const runs = fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 18 }), fc.boolean(), fc.infiniteStream(fc.nat({ max: 9 })), play);

  await fc.assert(runs, { numRuns: RUNS, seed: SEED });

  const needed = ['started dev', 'started alpha', 'started beta', 'proposed', 'refused', 'hotfix merged', 'reverted', 'held'];
  needed.push('tried to adopt a push', 'merged on a push that was refused', 'started as equal');
  for (const what of needed) expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
}, 3_600_000);

async function play(steps: readonly Step[], looksIntoContent: boolean, rolls: Iterable<number>): Promise<void> {
  const dice = rolls[Symbol.iterator]();
  const world = await createWorld(repository, looksIntoContent);
  await runSluice(world.history, true);
  for (const one of steps) {
    const before = { ...world.history.running };
    await act(world, one);
    if (one.kind === 'hold-ends') expect(world.history.running).toEqual(before);
    await runSluice(world.history, Number(dice.next().value) < 8);
    if (one.kind === 'hold-ends') expectHeld(world.history, before);
  }
}

/** An ended hold moves nothing by itself. */
function expectHeld(history: History, before: History['running']): void {
  for (const name of CHANNELS) {
    if (history.holds[name] === undefined) continue;
    expect(history.running[name]).toBe(before[name]);
    count('held');
  }
}

interface World {
  readonly history: History;
  readonly truth: Truth;
}

/** What is true of the content, found without Sluice's decisions. */
interface Truth {
  readonly passed: Set<string>;
  readonly proven: Record<Channel, Set<string>>;
  readonly hotfixPassed: Record<Channel, Set<string>>;
  readonly revisionOf: Map<string, string>;
  /** Files of hotfixes that each channel must keep, until an operator takes one away. */
  readonly kept: Record<Channel, Set<string>>;
  hotfixes: number;
}

async function createWorld(bare: BareRepository, looksIntoContent: boolean): Promise<World> {
  const truth: Truth = {
    passed: new Set(),
    proven: { dev: new Set(), alpha: new Set(), beta: new Set() },
    hotfixPassed: { dev: new Set(), alpha: new Set(), beta: new Set() },
    revisionOf: new Map(),
    kept: { dev: new Set(), alpha: new Set(), beta: new Set() },
    hotfixes: 0,
  };
  const root = await bare.commit([], 'root', [
    ['README.md', 'fleet\n'],
    ...[0, 1, 2, 3].map((index) => [`channels/cluster/components/c${index}.yaml`, `image: ${index}.0\n`] as const),
  ]);
  const branch = () => ({ head: root, via: 'genesis' as const, pull: null });
  const history: History = {
    repository: bare,
    branches: { dev: branch(), alpha: branch(), beta: branch() },
    commits: new Map(),
    evidence: new Map(),
    proofs: { dev: [], alpha: [], beta: [] },
    genesis: { dev: null, alpha: null, beta: null },
    running: { dev: null, alpha: null, beta: null },
    holds: { dev: undefined, alpha: undefined, beta: undefined },
    waivers: [],
    pulls: [],
    now: new Date('2026-01-05T08:00:00Z'),
    pullCount: 0,
    looksIntoContent,
    observe: observer(truth, () => history),
  };
  await observeCommit(history, root, [], 'root');
  return { history, truth };
}

function observer(truth: Truth, history: () => History): History['observe'] {
  return {
    checked(content, pull) {
      truth.passed.add(content);
      if (pull.kind === 'hotfix') truth.hotfixPassed[pull.base].add(content);
    },
    equal(content, pull) {
      const known = [...truth.proven[pull.base]].some((proven) => rendered(proven) === rendered(content));
      expect(known, 'only what the channel has proven needs no e2e').toBe(true);
    },
    async started({ channel: name, content, revision, via }) {
      count(`started ${name}`);
      const known = truth.revisionOf.get(content) ?? revision;
      expect(revision, 'equal content is one revision').toBe(known);
      truth.revisionOf.set(content, known);
      if (via === 'genesis') return;
      const provenHere = truth.proven[name].has(content);
      expect(via, 'only what a merged pull request brought').toBe('merge');
      const equal = [...truth.proven[name]].some((proven) => rendered(proven) === rendered(content));
      if (equal && !provenHere && !truth.passed.has(content)) count('started as equal');
      expect(truth.passed.has(content) || provenHere || equal, 'its own content was tested, or is what runs here').toBe(true);
      const upstream = name === 'beta' ? 'alpha' : 'dev';
      const mayBegin = name === 'dev' || truth.proven[upstream].has(content) || truth.hotfixPassed[name].has(content) || provenHere;
      expect(mayBegin, `${name} starts only what ${upstream} has proven`).toBe(true);
      for (const hotfix of truth.kept[name]) expect(content, 'a hotfix stays').toContain(hotfix);
    },
    proven(name, content) {
      truth.proven[name].add(content);
    },
    async proposed(_source, target, commit) {
      count('proposed');
      const content = await history().repository.content(commit);
      const there = await history().repository.content(history().branches[target].head);
      for (const hotfix of truth.kept[target]) {
        if (there.includes(hotfix)) expect(content, 'no promotion without the hotfix').toContain(hotfix);
      }
    },
    async refused() {
      count('refused');
    },
  };
}

async function act(world: World, one: Step): Promise<void> {
  const { history, truth } = world;
  switch (one.kind) {
    case 'feature':
      return feature(history, one);
    case 'hotfix':
      return hotfix(world, one.branch, one.passes);
    case 'merge-back': {
      const base = one.from === 'beta' ? 'alpha' : 'dev';
      const pull = openPull(history, { base, head: history.branches[one.from].head, kind: 'merge-back', e2ePasses: true });
      return checkPull(history, pull);
    }
    case 'merge':
      return mergeOne(world, one);
    case 'revert':
      return revert(history, one.branch);
    case 'direct-push': {
      const { head } = history.branches[one.branch];
      const next = await commitOn(history, head, 'direct', [[`channels/cluster/components/c${one.file}.yaml`, `image: direct ${head}\n`]]);
      history.branches[one.branch] = { head: next, via: 'push', pull: null };
      return;
    }
    case 'adopt':
      return adopt(history, one.branch);
    case 'force-push':
      return forcePush(history, truth, one.branch, one.back);
    case 'hold': {
      const proofs = history.proofs[one.branch];
      const proof = proofs[one.pick % Math.max(1, proofs.length)];
      if (proof === undefined) return;
      const until = new Date(history.now.getTime() + 3_600_000).toISOString();
      history.holds[one.branch] = { revision: proof.revision, owner: 'on-call', reason: 'look first', until };
      return;
    }
    case 'hold-ends':
      history.now = new Date(history.now.getTime() + 7_200_000);
      return;
    case 'release':
      history.holds[one.branch] = undefined;
  }
}

async function feature(history: History, one: Extract<Step, { kind: 'feature' }>): Promise<void> {
  const { head } = history.branches[one.branch];
  const from = one.stale ? (history.commits.get(head)?.parents[0] ?? head) : head;
  const number = history.pullCount + 1;
  const first = await commitOn(history, from, 'feature', [
    [`channels/cluster/components/c${one.file}.yaml`, `image: ${one.file}.${number}\n`],
  ]);
  const second = await commitOn(history, first, 'feature, more', [
    [`channels/cluster/components/f${number % 4}.yaml`, 'image: new\n'],
    ['README.md', `${number}\n`],
  ]);
  await checkPull(history, openPull(history, { base: one.branch, head: second, kind: 'feature', e2ePasses: one.passes }));
}

/** A change that renders nothing, on top of whatever the branch holds; its e2e would fail if it ran. */
async function adopt(history: History, branch: Channel): Promise<void> {
  const { head, via } = history.branches[branch];
  const revision = history.commits.get(head)?.revision ?? null;
  const isProven = history.proofs[branch].some((proof) => proof.revision === revision);
  if (via === 'push' && !isProven) count('tried to adopt a push');
  const next = await commitOn(history, head, 'notes', [[NOTES, `${history.pullCount}\n`]]);
  await checkPull(history, openPull(history, { base: branch, head: next, kind: 'adopt', e2ePasses: false }));
}

async function hotfix({ history, truth }: World, branch: Channel, e2ePasses: boolean): Promise<void> {
  truth.hotfixes += 1;
  const name = `channels/cluster/components/hotfix-${truth.hotfixes}.yaml`;
  const head = await commitOn(history, history.branches[branch].head, 'hotfix', [[name, `fix: ${truth.hotfixes}\n`]]);
  await checkPull(history, openPull(history, { base: branch, head, kind: 'hotfix', e2ePasses }));
}

async function revert(history: History, branch: Channel): Promise<void> {
  const { head } = history.branches[branch];
  const parent = history.commits.get(head)?.parents[0];
  const tree = parent === undefined ? null : await history.repository.resolve(`${parent}^{tree}`);
  if (parent === undefined || tree === null) return;
  const sha = await history.repository.commitTree(tree, [head], 'Revert');
  await observeCommit(history, sha, [head], 'Revert');
  expect(history.commits.get(sha)?.revision, 'going back is a known revision').toBe(history.commits.get(parent)?.revision);
  await checkPull(history, openPull(history, { base: branch, head: sha, kind: 'revert', e2ePasses: true }));
}

async function mergeOne({ history, truth }: World, one: Extract<Step, { kind: 'merge' }>): Promise<void> {
  const pull = history.pulls[one.pick % Math.max(1, history.pulls.length)];
  if (pull === undefined) return;
  if (one.recheck) await checkPull(history, pull);
  const base = history.branches[pull.base].head;
  const before = await history.repository.content(base);
  const { via } = history.branches[pull.base];
  if (!(await mergePull(history, pull, one.method))) return;
  if (via === 'push' && pull.kind === 'adopt') count('merged on a push that was refused');
  const after = await history.repository.content(history.branches[pull.base].head);
  noteHotfixes(truth, pull, before, after);
  if (pull.promotes === undefined || pull.promotes.targetHead !== base || one.method === 'rebase') return;
  expect(after, 'a promotion brings exactly the proven content').toBe(pull.promotes.content);
}

/** A hotfix that an operator reverted need not stay; one that came must. */
function noteHotfixes(truth: Truth, pull: Pull, before: string, after: string): void {
  const names = (content: string) => content.match(/hotfix-\d+\.yaml/g) ?? [];
  if (pull.kind === 'revert') {
    count('reverted');
    const gone = names(before).filter((name) => !after.includes(name));
    for (const name of gone) for (const other of CHANNELS) truth.kept[other].delete(name);
    return;
  }
  if (pull.kind === 'hotfix') count('hotfix merged');
  for (const name of names(after)) truth.kept[pull.base].add(name);
  const lost = [...truth.kept[pull.base]].filter((name) => before.includes(name) && !after.includes(name));
  expect(lost, `a ${pull.kind} takes no hotfix away`).toEqual([]);
}

async function forcePush(history: History, truth: Truth, branch: Channel, back: number): Promise<void> {
  let { head } = history.branches[branch];
  for (let index = 0; index < back; index += 1) head = history.commits.get(head)?.parents[0] ?? head;
  history.branches[branch] = { head, via: 'push', pull: null };
  const content = await history.repository.content(head);
  for (const name of [...truth.kept[branch]]) if (!content.includes(name)) truth.kept[branch].delete(name);
}
