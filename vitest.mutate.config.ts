import { defineConfig } from 'vitest/config';

/** What judges a mutant: the unit tests of pure decisions, without those that start Git or walk whole machines. */
export default defineConfig({
  test: {
    setupFiles: ['test/support/seed.ts'],
    include: ['test/unit/**/*.test.ts'],
    testTimeout: 30_000,
  },
});
