import fc from 'fast-check';
import { createPullRequestWorld, type Delivered, e2eRuns, type PullRequestWorld } from './pull-request-world.ts';

/** What happens to a pull request on GitHub. */
export type Happening =
  | { readonly kind: 'push'; readonly version: number }
  | { readonly kind: 'base-elsewhere' }
  | { readonly kind: 'base-inside' }
  | { readonly kind: 'base-conflict' }
  | { readonly kind: 'close' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'edit' }
  | { readonly kind: 'rerun' }
  | { readonly kind: 'refresh' }
  | { readonly kind: 'test' };

/** When a delivery comes: after how many of the later happenings, in what order, how often, with how much time between. */
export interface Arrival {
  readonly late: number;
  readonly order: number;
  readonly copies: number;
  readonly pause: number;
}

export interface History {
  readonly happenings: readonly Happening[];
  /** One for each delivery that the happenings make; a history may make fewer. */
  readonly arrivals: readonly Arrival[];
}

const MAX_HAPPENINGS = 7;

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), version: fc.integer({ min: 4, max: 6 }) }) },
  ...(['base-elsewhere', 'base-inside', 'close', 'reopen', 'edit', 'rerun', 'refresh', 'test'] as const).map((kind) => ({
    weight: 2,
    arbitrary: fc.constant({ kind }),
  })),
  { weight: 1, arbitrary: fc.constant({ kind: 'base-conflict' as const }) },
);

/** @param late how many happenings later a delivery may come; 100: each after all of them */
export function histories(late: { readonly min: number; readonly max: number }): fc.Arbitrary<History> {
  const arrival = fc.record({
    late: fc.integer(late),
    order: fc.integer({ min: 0, max: 1000 }),
    // A delivery that is lost comes once, later; others come up to three times.
    copies: fc.integer({ min: 1, max: 3 }),
    pause: fc.constantFrom(0, 0, 1, 20, 90, 600),
  });
  return fc.record({
    happenings: fc.array(happening, { maxLength: MAX_HAPPENINGS }),
    arrivals: fc.array(arrival, { minLength: 2 * MAX_HAPPENINGS + 2, maxLength: 2 * MAX_HAPPENINGS + 2 }),
  });
}

export interface Ending {
  readonly open: boolean;
  /** Conclusion of `sluice` at the last head; null when nobody looked. */
  readonly conclusion: string | null;
  readonly title: string | null;
  readonly clusters: number;
  readonly runs: number;
}

/** Plays a history with its arrivals and lets everything come to rest. @throws Error for what must never be */
export async function play({ happenings, arrivals }: History): Promise<Ending> {
  const world = await createPullRequestWorld();
  const number = await world.open({ 'channels/cluster/versions.yaml': 'kubernetes: 1.36.3\n' });
  const script = new Script(world, number);
  const all: Happening[] = [...happenings];
  const waiting: { delivery: Delivered; at: number; order: number; pause: number }[] = [];
  const send = (deliveries: readonly Delivered[], now: number): void => {
    for (const delivery of deliveries) {
      const { late, order, copies, pause } = arrivals[script.sent % arrivals.length] ?? { late: 0, order: 0, copies: 1, pause: 0 };
      script.sent += 1;
      for (let copy = 0; copy < copies; copy += 1) waiting.push({ delivery, at: now + late + copy, order: order + 300 * copy, pause });
    }
  };
  send(await script.opened(), 0);
  for (let now = 0; now <= all.length; now += 1) {
    await bring(
      world,
      take(waiting, (one) => one.at <= now),
    );
    const next = all[now];
    if (next !== undefined) send(await script.happen(next), now + 1);
  }
  await bring(
    world,
    take(waiting, () => true),
  );
  await world.machines.settle();
  return judge(world, number);
}

function take<T extends { order: number }>(waiting: T[], due: (one: T) => boolean): T[] {
  const taken = waiting.filter(due).sort((left, right) => left.order - right.order);
  for (const one of taken) waiting.splice(waiting.indexOf(one), 1);
  return taken;
}

async function bring(world: PullRequestWorld, deliveries: readonly { delivery: Delivered; pause: number }[]): Promise<void> {
  for (const { delivery, pause } of deliveries) {
    const status = await world.deliver(delivery);
    if (status !== 200 && status !== 202) throw new Error(`the webhook answered ${status} to ${delivery.event}`);
    if (pause > 0) await world.pass(pause);
  }
}

/** What must hold at the end of each history, whatever came when. */
async function judge(world: PullRequestWorld, number: number): Promise<Ending> {
  const { machines } = world;
  const pull = await world.github.getPullRequest({ owner: 'acme', name: 'fleet' }, number);
  const check = await world.check(pull.headSha, 'sluice');
  const problems: string[] = [...world.problems];
  if (world.alive.size > 0) problems.push(`leaked: ${[...world.alive].join(', ')}`);
  if (world.heldLocks().length > 0) problems.push(`held: ${world.heldLocks().join(', ')}`);
  const lookFailed = machines.executions.filter(
    ({ kind, status, error }) => kind === 'root' && status === 'FAILED' && error !== 'CancelledError' && error !== 'States.TaskFailed',
  );
  for (const { name, error, cause } of lookFailed) problems.push(`${name} failed: ${error}: ${cause}`);
  const tested = e2eRuns(machines)
    .filter(({ status }) => status === 'SUCCEEDED')
    .map(({ input }) => stepOf(input));
  if (new Set(tested).size < tested.length) problems.push(`tested twice: ${tested.join(', ')}`);
  if (pull.state === 'open') {
    if (check?.status !== 'completed') problems.push(`the check of the head is ${check?.status ?? 'absent'}: ${check?.title ?? ''}`);
    const wanted = pull.mergeable === true ? 'success' : 'failure';
    if (check?.conclusion !== wanted)
      problems.push(`the check says ${check?.conclusion}, ${check?.title}, ${check?.summary}; wanted is ${wanted}`);
    if (wanted === 'success' && !tested.includes(await world.step(number)))
      problems.push(`green without a run of ${await world.step(number)}`);
    const turn = world.turn(number);
    if (check?.execution !== turn?.execution) problems.push(`the check is of ${check?.execution}, the turn of ${turn?.execution}`);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    open: pull.state === 'open',
    conclusion: check?.conclusion ?? null,
    title: check?.title ?? null,
    clusters: world.made.length,
    runs: tested.length,
  };
}

function stepOf(input: unknown): string {
  const { snapshotConfiguration: sides } = input as { snapshotConfiguration: { baseRevision: string; headRevision: string } };
  return `${sides.baseRevision} -> ${sides.headRevision}`;
}

/** GitHub's side: does what happens and makes the payloads that GitHub would send at that moment. */
class Script {
  sent = 0;
  readonly #world: PullRequestWorld;
  readonly #number: number;
  #count = 0;

  constructor(world: PullRequestWorld, number: number) {
    this.#world = world;
    this.#number = number;
  }

  opened(): Promise<Delivered[]> {
    return this.#pull('opened');
  }

  async happen(happening: Happening): Promise<Delivered[]> {
    const { github } = this.#world;
    this.#count += 1;
    const pull = await this.#read();
    switch (happening.kind) {
      case 'push': {
        github.push(pull.headRef, { 'channels/cluster/versions.yaml': `kubernetes: 1.36.${happening.version}\n` });
        return pull.state === 'open' ? this.#pull('synchronize') : [];
      }
      case 'base-elsewhere':
        return this.#base({ 'README.md': `${this.#count}\n` });
      case 'base-inside':
        return this.#base({ 'channels/cluster/pools.yaml': `# ${this.#count}\n[]\n` });
      case 'base-conflict':
        return this.#base({ 'channels/cluster/versions.yaml': `kubernetes: 1.35.${this.#count}\n` });
      case 'close':
      case 'reopen':
        return this.#turn(happening.kind === 'close' ? 'closed' : 'open', pull.state);
      case 'edit':
        return this.#pull('edited');
      case 'rerun':
        return [
          {
            event: 'check_suite',
            payload: {
              action: 'rerequested',
              check_suite: {
                id: this.#count,
                head_sha: pull.headSha,
                head_branch: pull.headRef,
                pull_requests: [{ number: this.#number }],
              },
            },
          },
        ];
      default:
        return [this.#comment(happening.kind === 'test' ? `/test ${pull.headSha}` : '/refresh')];
    }
  }

  async #turn(to: 'closed' | 'open', from: string): Promise<Delivered[]> {
    if (from === to) return [];
    await this.#world.github.updatePullRequest({ owner: 'acme', name: 'fleet' }, this.#number, { state: to });
    return this.#pull(to === 'open' ? 'reopened' : 'closed');
  }

  async #base(files: Record<string, string>): Promise<Delivered[]> {
    const after = this.#world.github.push('dev', files);
    return [{ event: 'push', payload: { ref: 'refs/heads/dev', after } }];
  }

  async #pull(action: string): Promise<Delivered[]> {
    const { headSha, baseSha, baseRef } = await this.#read();
    const at = new Date(Date.UTC(2026, 0, 5, 8, this.#count)).toISOString();
    const pull = { head: { sha: headSha }, base: { sha: baseSha, ref: baseRef }, updated_at: at, merged: false };
    return [{ event: 'pull_request', payload: { action, number: this.#number, pull_request: pull } }];
  }

  #comment(body: string): Delivered {
    const comment = { id: this.#count, body, user: { login: 'operator', type: 'User' } };
    return { event: 'issue_comment', payload: { action: 'created', issue: { number: this.#number, pull_request: {} }, comment } };
  }

  #read() {
    return this.#world.github.getPullRequest({ owner: 'acme', name: 'fleet' }, this.#number);
  }
}
