import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['test/support/seed.ts'],
          include: ['test/{unit,functions,state-machines,architecture}/**/*.test.ts'],
          testTimeout: 30_000,
          // vitest leaves one core free otherwise, which is half of two.
          maxWorkers: '100%',
          // No test replaces a module: what is loaded serves all files of a worker.
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Each suite starts real servers; two at a time are enough for two cores.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 45 * 60_000,
          hookTimeout: 10 * 60_000,
          fileParallelism: false,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['functions/**/*.ts'] },
  },
});
