import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { untilReady } from '#adapters/kubernetes/api-drill.ts';
import { readAll } from '#adapters/kubernetes/api-lists.ts';
import type { Send } from '#adapters/kubernetes/http.ts';
import type { GuardedProcess } from '#adapters/process/guarded.ts';
import { ClusterUnreachableError } from '#model/errors.ts';

let directory: string;
let log: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-limits-'));
  log = join(directory, 'log');
  writeFileSync(log, 'the last line\n');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const running: GuardedProcess = { exited: new Promise(() => undefined), end: async () => undefined };
const ended: GuardedProcess = { exited: Promise.resolve(1), end: async () => undefined };

it('tells an API server that is not ready in time from one that ends', async () => {
  const send: Send = async () => ({ status: 503, body: '[-]caches' });

  await expect(untilReady(send, running, log, 20)).rejects.toMatchObject({
    name: 'BackupNotProvenError',
    late: true,
    message: expect.stringContaining('not ready after 0.02 s: caches; the last line'),
  });
  await expect(untilReady(send, ended, log)).rejects.toMatchObject({ name: 'BackupNotProvenError', late: false });
});

const PODS = [{ metadata: {}, versions: [{ version: 'v1', resources: [{ resource: 'pods', verbs: ['list'] }] }] }];
const timeout = new DOMException('late', 'TimeoutError');

it.each([
  [
    'time for all is up',
    -1,
    async () => ({ status: 200, body: '{"metadata":{}}' }),
    { late: true, problem: /not all resources were read/ },
  ],
  ['no answer came in time', 60_000, () => unreachable(timeout), { late: true, problem: /no pods/ }],
  ['the server is gone', 60_000, () => unreachable(new Error('ECONNREFUSED')), { late: false, problem: /no pods/ }],
  ['it is refused', 60_000, async () => ({ status: 500, body: 'no pods' }), { late: false, problem: /no pods/ }],
] as const)('says of a list whether time ran out when %s', async (_, milliseconds, pods, expected) => {
  const send: Send = async ({ path }) => {
    if (path.startsWith('/api/v1/pods')) return pods();
    if (path.startsWith('/api/v1/configmaps')) return { status: 410, body: '' };
    return { status: 200, body: JSON.stringify({ items: path === '/api' ? PODS : [] }) };
  };

  const { resources } = await readAll(send, new Map([['pods', new Set(['default/one'])]]), 1100, milliseconds);

  expect(resources).toMatchObject([{ name: 'pods', stored: 1, ...expected, problem: expect.stringMatching(expected.problem) }]);
});

function unreachable(cause: Error): Promise<never> {
  return Promise.reject(new ClusterUnreachableError('no pods', { cause }));
}
