import { describe, expect, it, vi } from 'vitest';
import { placesOf, play, scenarioOf } from '../../support/backup-faults/run.ts';

// Many small requests over real connections: a busy machine delays them.
vi.setConfig({ testTimeout: 240_000 });

/** A sample of `npm run soak -- backup-faults`. */
const RUNS = 24;

describe('a backup that is struck somewhere', () => {
  it('comes to many places', async () => {
    const places = [...(await placesOf(true, false)).keys()];

    expect(places).toEqual(
      expect.arrayContaining(['status', 'chunk', 'hash', 'restore', 'serve', 's3 UploadPart of a file, the snapshot']),
    );
    expect(places).toContain('s3 PutObject of the manifest');
    expect(places).not.toContain('compaction');
    expect([...(await placesOf(false, true)).keys()]).toEqual(
      expect.arrayContaining([...places.filter((one) => !one.includes('UploadPart') && !one.includes('MultipartUpload')), 'compaction']),
    );
  });

  it('proves nothing that is not so, leaves no part, and succeeds the next time', async () => {
    const first = Math.floor(Date.now() / 1000) % 1_000_000;
    const told = [];
    for (let seed = first; seed < first + RUNS; seed++) told.push(await play(await scenarioOf(seed)));

    expect(told.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
    expect(told.filter(({ struck }) => struck).length).toBeGreaterThan(RUNS / 2);
  });
});
