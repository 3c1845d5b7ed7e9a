import * as z from 'zod';
import { TestsFailedError } from '#model/errors.ts';
import { defineStep } from '#ports/step.ts';

/** How many failed tests are named in the state; the report in S3 has them all. */
const NAMED = 10;

const Failure = z.object({ name: z.string(), message: z.string() });

const Input = z.object({
  runTests: z.object({
    passed: z.int().min(0),
    failed: z.int().min(0),
    durationSeconds: z.number(),
    failures: z.array(Failure).default([]),
    reportKey: z.string().optional(),
  }),
  assertForecast: z
    .object({ holds: z.boolean(), findings: z.array(z.string()).default([]) })
    .partial()
    .optional(),
});

/** Judges an e2e run; the forecast was asserted before. @throws TestsFailedError when a test failed or none ran */
export const collectResults = defineStep({
  name: 'collect-results',
  input: Input,
  output: z.object({ passed: z.int(), failed: z.int(), durationSeconds: z.number(), failures: z.array(z.string()) }),
  async run({ runTests }, _ports: object) {
    const { passed, failed, durationSeconds, reportKey } = runTests;
    const failures = runTests.failures.slice(0, NAMED).map(({ name }) => name);
    const report = reportKey === undefined ? '' : `\nReport: ${reportKey}`;
    if (failed > 0) throw new TestsFailedError(`${failed} of ${passed + failed} tests failed: ${failures.join('; ')}${report}`);
    if (passed === 0) throw new TestsFailedError(`no test ran${report}`);
    return { passed, failed, durationSeconds, failures };
  },
});
