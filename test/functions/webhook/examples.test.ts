import examples from '@octokit/webhooks-examples';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { receive, type WebhookPorts } from '../../../functions/webhook/receive.ts';
import { createFakeExecutions } from '../../support/fakes/executions.ts';

/** Every payload that GitHub's own collection of examples has. */
const Examples = z.array(z.object({ name: z.string(), examples: z.array(z.looseObject({})) }));
const PAYLOADS = Examples.parse(examples).flatMap(({ name, examples: payloads }) =>
  payloads.map((payload, index) => ({ name, index, payload })),
);
const REPOSITORY = { owner: 'platform', name: 'fleet' };

/** As our repository would send it: the examples are of many, some without the App's installation. */
function ours(payload: object): object {
  const repository = { ...('repository' in payload ? (payload.repository as object) : {}), name: 'fleet', owner: { login: 'platform' } };
  return { ...payload, repository, installation: { id: 42 } };
}

function setUp() {
  const executions = createFakeExecutions();
  const ports: WebhookPorts = {
    executions,
    verify: async () => true,
    installationId: 42,
    repository: REPOSITORY,
    fleetBranches: async () => undefined,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  };
  const deliver = (name: string, payload: object) =>
    receive({ headers: { 'x-github-event': name, 'x-hub-signature-256': 'x' }, body: JSON.stringify(payload) }, ports);
  return { executions, deliver };
}

describe('example payloads of GitHub', () => {
  it('are all there', () => {
    expect(PAYLOADS).toHaveLength(329);
  });

  it.each(PAYLOADS)('$name ($index) is answered, and starts nothing twice', async ({ name, payload }) => {
    const { executions, deliver } = setUp();

    const first = await deliver(name, ours(payload));
    const started = executions.started.length;
    const second = await deliver(name, ours(payload));

    expect([200, 202]).toContain(first.statusCode);
    expect(second).toEqual(first);
    expect(first.statusCode === 200).toBe(started > 0);
    expect(executions.started).toHaveLength(started);
  });

  it.each(PAYLOADS)('$name ($index) of another repository is refused by name, or asks for nothing', async ({ name, payload }) => {
    const { executions, deliver } = setUp();

    const answer = await deliver(name, payload);

    expect([202, 400, 401]).toContain(answer.statusCode);
    expect(answer.body).not.toBe('');
    expect(executions.started).toEqual([]);
  });

  it('ask for what each event is about', async () => {
    const { executions, deliver } = setUp();

    for (const { name, payload } of PAYLOADS) await deliver(name, ours(payload));

    const kinds = new Set(executions.started.map(({ name }) => name.split('-')[0]));
    expect([...kinds].sort()).toEqual(['look', 'pr', 'queue', 'rollout']);
  });
});
