import { whyNoRealNodes } from '../../local/machine-room/real/possible.ts';

/**
 * Why tests on real nodes can't run here, told once; undefined where they must. `npm test` hands on why it could not get
 * what they run.
 */
export function whySkipRealNodes(): string | undefined {
  const why = whyNoRealNodes() ?? (process.env['SLUICE_TEST_NO_REAL_NODES'] || undefined);
  if (why !== undefined) process.stderr.write(`skipped, for this machine can't have real nodes: ${why}\n`);
  return why;
}
