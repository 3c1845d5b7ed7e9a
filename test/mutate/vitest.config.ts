import { defineConfig } from 'vitest/config';
import { KEPT_THREAD, KeptThread } from './kept-thread.ts';

export default defineConfig({
  plugins: [
    {
      name: KEPT_THREAD,
      // Here, for Stryker asks for a pool of its own choice.
      configureVitest({ project }) {
        const pool = {
          name: KEPT_THREAD,
          createPoolWorker: (options: ConstructorParameters<typeof KeptThread>[0]) => new KeptThread(options),
        };
        Object.assign(project.config, { pool: KEPT_THREAD, poolRunner: pool });
      },
    },
  ],
  test: {
    setupFiles: ['test/support/seed.ts'],
    // Of the part of a group that runs; main.ts tells it to the processes of the test runner.
    include: (process.env['MUTATE_TESTS'] ?? '').split(' '),
    isolate: false,
    // Stryker itself ends what never ends; a busy machine must not count as noticed.
    testTimeout: 600_000,
  },
});
