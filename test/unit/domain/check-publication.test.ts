import { describe, expect, it } from 'vitest';
import { publicationOf, SUMMARY_LIMIT } from '#domain/check-publication.ts';
import type { WantedCheck } from '#model/checks.ts';

const NOW = new Date('2026-01-05T08:05:00Z');

function wanted(change: Partial<WantedCheck> = {}): WantedCheck {
  const ref = { repository: { owner: 'platform', name: 'fleet' }, sha: 'a'.repeat(40), name: 'sluice' };
  return {
    ref,
    status: 'in_progress',
    title: 'Planning',
    summary: '',
    findings: [],
    progress: [],
    startedAt: '2026-01-05T08:00:00.000Z',
    ...change,
  };
}

describe('publicationOf', () => {
  it('keeps summary and text within GitHub’s limit', () => {
    const { request } = publicationOf(wanted({ summary: 'x'.repeat(200_000), text: 'y'.repeat(200_000) }), undefined, NOW);

    expect(request.summary.length).toBeLessThanOrEqual(SUMMARY_LIMIT);
    expect(request.text?.length).toBeLessThanOrEqual(SUMMARY_LIMIT);
  });

  it('says how many findings are annotated when there are too many', () => {
    const findings = Array.from({ length: 2000 }, (_, index) => ({
      rule: 'a',
      level: 'failure' as const,
      path: 'a.yaml',
      line: index + 1,
      message: 'm',
    }));

    const { request, annotations } = publicationOf(wanted({ findings, summary: 'y'.repeat(70_000) }), undefined, NOW);

    expect(annotations).toHaveLength(1000);
    expect(request.summary).toMatch(/\*\*1000 of 2000 findings are annotated, the worst first\.\*\*$/);
    expect(request.summary.length).toBeLessThanOrEqual(SUMMARY_LIMIT);
  });

  it('has a button once it ended without success, and none else', () => {
    const buttons = (change: Partial<WantedCheck>) =>
      publicationOf(wanted(change), undefined, NOW).request.actions?.map(({ identifier }) => identifier);

    expect(buttons({ status: 'in_progress' })).toBeUndefined();
    expect(buttons({ status: 'completed', conclusion: 'success' })).toEqual([]);
    expect(buttons({ status: 'completed', conclusion: 'action_required' })).toEqual(['test']);
    expect(buttons({ status: 'completed', conclusion: 'failure', ref: { ...wanted().ref, name: 'sluice / rollout' } })).toEqual([]);
  });

  it('shows why a step waits and since when', () => {
    const line = {
      execution: 'e',
      machine: 'update-cluster',
      step: 'await-artifacts',
      cluster: 'dev-1',
      state: 'waiting' as const,
      reason: 'building Kubernetes 1.36.3, 4 min left',
      at: '2026-01-05T08:03:00.000Z',
    };

    const { request } = publicationOf(wanted({ progress: [line] }), undefined, NOW);

    expect(request.text).toContain('| ⏳ | dev-1 | await-artifacts | building Kubernetes 1.36.3, 4 min left | 08:03:00 (2 min) |');
  });

  it('puts failures before warnings, so that the first fifty are the ones that matter', () => {
    const findings = [
      { rule: 'a', level: 'warning' as const, path: 'a.yaml', line: 1, message: 'w' },
      { rule: 'b', level: 'failure' as const, path: 'z.yaml', line: 9, message: 'f' },
    ];

    const { annotations } = publicationOf(wanted({ findings }), undefined, NOW);

    expect(annotations.map((annotation) => annotation.level)).toEqual(['failure', 'warning']);
  });
});
