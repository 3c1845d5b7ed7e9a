import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import type { CheckRef, Finding, WantedCheck } from '#model/checks.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { CheckRunRequest } from '#ports/github.ts';
import { type PublishPorts, publishCheck } from '../../../functions/publish/publish-check.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';

const REF: CheckRef = { repository: { owner: 'platform', name: 'fleet' }, sha: 'a'.repeat(40), name: 'sluice' };

interface Sent {
  readonly id: number;
  readonly kind: 'create' | 'update';
  readonly request: CheckRunRequest;
}

function setUp(): { ports: PublishPorts; objects: FakeObjects; sent: Sent[]; refused: unknown[][] } {
  const refused: unknown[][] = [];
  const objects = createFakeObjects();
  const sent: Sent[] = [];
  let next = 100;
  const notUsed = (): never => {
    throw new Error('not a call of the publisher');
  };
  const github = new Proxy({} as PublishPorts['github'], {
    get(_, name) {
      if (name === 'createCheckRun') {
        return async (_repository: unknown, request: CheckRunRequest) => {
          next += 1;
          sent.push({ id: next, kind: 'create', request });
          return next;
        };
      }
      if (name === 'findCheckRun') return async () => undefined;
      if (name === 'updateCheckRun')
        return async (_repository: unknown, id: number, request: CheckRunRequest) => void sent.push({ id, kind: 'update', request });
      return notUsed;
    },
  });
  return {
    ports: {
      objects,
      github,
      clock: { now: () => new Date('2026-01-05T08:00:00Z') },
      link: () => 'https://aws.example/execution',
      pace: async () => undefined,
      refused: (...told) => void refused.push(told),
    },
    objects,
    sent,
    refused,
  };
}

function wanted(change: Partial<WantedCheck> = {}): WantedCheck {
  return {
    ref: REF,
    status: 'in_progress',
    title: 'Planning',
    summary: '',
    findings: [],
    progress: [],
    execution: 'pr-7-a',
    startedAt: '2026-01-05T08:00:00.000Z',
    ...change,
  };
}

function finding(line: number): Finding {
  return { rule: 'unknown-key', level: 'failure', path: 'channels/dev.yaml', line, message: `line ${line}` };
}

async function write(objects: FakeObjects, check: WantedCheck): Promise<void> {
  await objects.put(keys.check(REF.sha, REF.name), JSON.stringify(check));
}

describe('publishCheck', () => {
  it('creates the run once and updates it after', async () => {
    const { ports, objects, sent } = setUp();

    await write(objects, wanted());
    await publishCheck(REF, ports);
    await write(objects, wanted({ status: 'completed', conclusion: 'success', title: 'Green' }));
    await publishCheck(REF, ports);

    expect(sent.map((entry) => [entry.kind, entry.id, entry.request.status])).toEqual([
      ['create', 101, 'in_progress'],
      ['update', 101, 'completed'],
    ]);
  });

  it('sends nothing for a message that comes twice', async () => {
    const { ports, objects, sent } = setUp();
    await write(objects, wanted());

    const first = await publishCheck(REF, ports);
    const second = await publishCheck(REF, ports);

    expect([first, second]).toEqual([true, false]);
    expect(sent).toHaveLength(1);
  });

  it('gives a new attempt a run of its own', async () => {
    const { ports, objects, sent } = setUp();

    await write(objects, wanted({ status: 'completed', conclusion: 'failure' }));
    await publishCheck(REF, ports);
    await write(objects, wanted({ execution: 'pr-7-b' }));
    await publishCheck(REF, ports);

    expect(sent.map((entry) => entry.kind)).toEqual(['create', 'create']);
  });

  it('sends 120 annotations as 50, 50 and 20, and none again', async () => {
    const { ports, objects, sent } = setUp();
    const findings = Array.from({ length: 120 }, (_, index) => finding(index + 1));

    await write(objects, wanted({ findings, status: 'completed', conclusion: 'failure' }));
    await publishCheck(REF, ports);
    await write(objects, wanted({ findings, status: 'completed', conclusion: 'failure', title: 'Another title' }));
    await publishCheck(REF, ports);

    expect(sent.map((entry) => entry.request.annotations?.length ?? 0)).toEqual([50, 50, 20, 0]);
    expect(new Set(sent.flatMap((entry) => entry.request.annotations?.map((annotation) => annotation.startLine) ?? [])).size).toBe(120);
  });

  it('fails when another publisher was faster, so that the queue delivers again', async () => {
    const { ports, objects } = setUp();
    await write(objects, wanted());
    await publishCheck(REF, ports);
    await write(objects, wanted({ title: 'Next' }));
    objects.beforeEach = async (operation, key) => {
      if (operation !== 'putIfMatch') return;
      objects.beforeEach = undefined;
      await objects.put(key, '{"id":1,"hash":"other","execution":null,"annotations":0}');
    };

    await expect(publishCheck(REF, ports)).rejects.toMatchObject({ name: 'ConflictError' });
  });

  it('goes on where a lost try ended, and sends no annotation twice', async () => {
    const { ports, objects, sent } = setUp();
    await write(
      objects,
      wanted({ findings: Array.from({ length: 120 }, (_, index) => finding(index + 1)), status: 'completed', conclusion: 'failure' }),
    );
    let writes = 0;
    const lost: PublishPorts = {
      ...ports,
      pace: async () => {
        writes += 1;
        if (writes === 3) throw new TransientError('GitHub answered 502');
      },
    };

    await expect(publishCheck(REF, lost)).rejects.toThrow(TransientError);
    await publishCheck(REF, ports);

    expect(sent.map(({ kind }) => kind)).toEqual(['create', 'update', 'update']);
    expect(
      sent
        .flatMap(({ request }) => request.annotations ?? [])
        .map(({ startLine }) => startLine)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
  });

  it('finds the run that a lost try has made', async () => {
    const { ports, objects, sent } = setUp();
    await write(objects, wanted());
    const github = {
      ...ports.github,
      createCheckRun: ports.github.createCheckRun,
      updateCheckRun: ports.github.updateCheckRun,
      findCheckRun: async () => ({ id: 77, annotations: 0 }),
    };

    await publishCheck(REF, { ...ports, github });

    expect(sent.map(({ kind, id }) => [kind, id])).toEqual([['update', 77]]);
  });

  it('brings the plain end of a check that GitHub refuses for its content, and tells of it', async () => {
    const { ports, objects, sent, refused } = setUp();
    await write(objects, wanted({ status: 'completed', conclusion: 'failure', text: 'odd', findings: [finding(1)] }));
    const create = ports.github.createCheckRun;
    const github: PublishPorts['github'] = {
      ...ports.github,
      findCheckRun: async () => undefined,
      async createCheckRun(repository, request) {
        if (request.text !== undefined) throw new RefusedError('GitHub answered 422: text is odd');
        return create(repository, request);
      },
    };

    await publishCheck(REF, { ...ports, github });

    expect(sent.map(({ request }) => [request.conclusion, request.text, request.annotations])).toEqual([['failure', undefined, undefined]]);
    expect(sent[0]?.request.summary).toContain('GitHub answered 422: text is odd');
    expect(refused).toEqual([[REF, 'GitHub answered 422: text is odd', true]]);
  });

  it('tells of a check that GitHub does not take at all, which stays as it is there', async () => {
    const { ports, objects, sent, refused } = setUp();
    await write(objects, wanted());
    const github: PublishPorts['github'] = {
      ...ports.github,
      findCheckRun: async () => undefined,
      createCheckRun: async () => Promise.reject(new RefusedError('GitHub answered 422: no such commit')),
    };

    await expect(publishCheck(REF, { ...ports, github })).rejects.toThrow(RefusedError);

    expect(refused).toEqual([
      [REF, 'GitHub answered 422: no such commit; in its plainest form: GitHub answered 422: no such commit', false],
    ]);
    expect(sent).toEqual([]);
  });

  it('tells of nothing when GitHub only does not answer', async () => {
    const { ports, objects, refused } = setUp();
    await write(objects, wanted());
    const github: PublishPorts['github'] = {
      ...ports.github,
      findCheckRun: async () => undefined,
      createCheckRun: async () => Promise.reject(new TransientError('GitHub answered 502')),
    };

    await expect(publishCheck(REF, { ...ports, github })).rejects.toThrow(TransientError);

    expect(refused).toEqual([]);
  });

  it('has nothing to do for a check that nobody wants', async () => {
    const { ports, sent } = setUp();

    const published = await publishCheck(REF, ports);

    expect(published).toBe(false);
    expect(sent).toEqual([]);
  });
});
