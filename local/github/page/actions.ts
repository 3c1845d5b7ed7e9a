import { operatorOf } from '../domain/actor.ts';
import { requestAction, rerequestRun, rerequestSuite } from '../domain/checks.ts';
import { mergePull } from '../domain/merging.ts';
import { closePull, openPull, reopenPull } from '../domain/pulls.ts';
import type { World } from '../domain/world.ts';
import { invalid, notFound, Refusal } from '../refusal.ts';
import { textLimits } from '../rest/limits.ts';
import { addComment, pullOf } from '../rest/pulls.ts';
import type { CheckRun } from '../state.ts';
import { links } from './layout.ts';

export type Form = Readonly<Record<string, string>>;

/** What each button does, as the operator; answers where the browser goes then. */
const ACTIONS: Readonly<Record<string, (world: World, form: Form) => Promise<string> | string>> = {
  async open(world, form) {
    const draft = { title: form['title'] ?? '', body: form['body'] ?? '', head: form['head'] ?? '', base: form['base'] ?? '' };
    textLimits(draft);
    const pull = await openPull(world, draft, operatorOf(world.settings));
    return links(world).pull(pull.number);
  },
  async merge(world, form) {
    const pull = pullOf(world, form['number']);
    const method = form['method'];
    if (method !== 'merge' && method !== 'squash' && method !== 'rebase') throw invalid('Choose a way of merging.');
    await mergePull(world, pull, { method, sha: form['sha'] }, operatorOf(world.settings));
    return links(world).pull(pull.number);
  },
  async close(world, form) {
    const pull = pullOf(world, form['number']);
    await closePull(world, pull, operatorOf(world.settings));
    return links(world).pull(pull.number);
  },
  async reopen(world, form) {
    const pull = pullOf(world, form['number']);
    await reopenPull(world, pull, operatorOf(world.settings));
    return links(world).pull(pull.number);
  },
  comment(world, form) {
    const pull = pullOf(world, form['number']);
    addComment(world, pull, form['body'] ?? '', operatorOf(world.settings));
    return links(world).pull(pull.number);
  },
  'rerequest-run'(world, form) {
    const run = runOf(world, form);
    if (run.status !== 'completed') throw new Refusal(422, 'This check run is not completed yet.');
    rerequestRun(world, run, operatorOf(world.settings));
    return pageOf(world, run);
  },
  'rerequest-suite'(world, form) {
    const suite = world.store.state.suites.find((candidate) => candidate.id === Number(form['suite']));
    if (suite === undefined) throw notFound();
    rerequestSuite(world, suite, operatorOf(world.settings));
    return links(world).pull(Number(form['number']));
  },
  'requested-action'(world, form) {
    const run = runOf(world, form);
    requestAction(world, run, form['identifier'] ?? '', operatorOf(world.settings));
    return pageOf(world, run);
  },
};

/** @throws Refusal when it can't be done, 404 for an unknown action */
export function act(world: World, form: Form): Promise<string> {
  const action = Object.hasOwn(ACTIONS, form['action'] ?? '') ? ACTIONS[form['action'] ?? ''] : undefined;
  if (action === undefined) throw notFound();
  return world.serial(async () => action(world, form));
}

function runOf(world: World, form: Form): CheckRun {
  const run = world.store.state.runs.find((candidate) => candidate.id === Number(form['run']));
  if (run === undefined) throw notFound();
  return run;
}

function pageOf(world: World, run: CheckRun): string {
  const pull = world.store.state.pulls.find((candidate) => candidate.headSha === run.headSha);
  return pull === undefined ? links(world).run(run.id) : links(world).pull(pull.number);
}
