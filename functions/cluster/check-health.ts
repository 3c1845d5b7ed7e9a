import * as z from 'zod';
import { formatProblems, kept, keptBefore, verdictAt } from '#domain/health.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { Health, SCOPES } from '#model/health.ts';
import { advanced, waiting } from '#model/progress.ts';
import { defineStep } from '#ports/step.ts';
import { lookAtHealth } from './look-at-health.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

const SHOWN = 10;

const Output = Awaiting.extend({
  scope: z.enum(SCOPES),
  health: Health,
  /** What the look before the update found; handed on from look to look. */
  before: Health.optional(),
});

/**
 * Looks whether the API answers fast on each of ten new connections, all nodes are Ready, the system's workloads and DNS are
 * available and the configuration's probes pass. `before` only notes what it finds; later looks wait until all is well but
 * for what was not well before the update, so that a cluster that is not well can be mended by an update. Before the nodes
 * what waits for a node is not waited for either: the nodes come next.
 */
export const checkHealth = defineStep({
  name: 'check-health',
  input: ClusterAndRender.extend({
    scope: z.enum(SCOPES).default('all'),
    deadlineMinutes: z.number().positive().default(20),
    checkHealth: Output.optional(),
    beginUpdate: z.object({ notWell: z.array(z.string()).nullish() }).optional(),
  }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const { scope } = input;
    const since = beganAt(input.checkHealth?.scope === scope ? input.checkHealth : undefined, now);
    const render = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const look = await lookAtHealth(input.cluster.name, render, scope, ports, kubernetes);
    const before = scope === 'before' ? keptBefore(look) : input.checkHealth?.before;
    const health = kept(look);
    const same = { since: since.toISOString(), scope, health, ...(before === undefined ? {} : { before }) };
    const seen = `${health.nodes} nodes and ${health.workloads} system workloads`;
    if (scope === 'before') {
      const problems = look.problems.length === 0 ? '' : `; not well before the update: ${formatProblems(look.problems, SHOWN)}`;
      return { ...advanced(`${seen}, the API answers in ${health.apiMilliseconds} ms${problems}`), ...same };
    }
    const { problems, asBefore, later } = verdictAt(look, scope, before, input.beginUpdate?.notWell ?? undefined);
    if (problems.length === 0) {
      const compared = before === undefined ? '' : `, ${before.apiMilliseconds} ms before the update`;
      const told = asBefore.length === 0 ? '' : `; as before the update: ${formatProblems(asBefore, SHOWN)}`;
      const waits = later.length === 0 ? '' : `; left to the nodes: ${formatProblems(later, SHOWN)}`;
      return { ...advanced(`${seen} are healthy, the API answers in ${health.apiMilliseconds} ms${compared}${told}${waits}`), ...same };
    }
    const reason = `${problems.length} problems: ${formatProblems(problems, SHOWN)}`;
    enforceDeadline('a healthy cluster', since, now, input.deadlineMinutes, reason);
    return { ...waiting(paced(since, now), reason), ...same };
  },
});
