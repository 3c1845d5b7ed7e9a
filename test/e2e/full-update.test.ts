import { describe, expect, it } from 'vitest';
import { judgeFullUpdate } from '../support/full-update/judge.ts';
import { runFullUpdate } from '../support/full-update/run.ts';
import { whySkipRealNodes } from '../support/real-nodes.ts';

describe.skipIf(whySkipRealNodes() !== undefined)('a full update of a cluster under load', () => {
  it('fails no request of a service on two real nodes, and nearly none of the API', async () => {
    const lines: string[] = [];

    const { lines: measures, short } = judgeFullUpdate(await runFullUpdate((line) => lines.push(line)));
    process.stdout.write(`${measures.join('\n')}\n`);

    expect(short, lines.slice(-100).join('\n')).toEqual([]);
  });
});
