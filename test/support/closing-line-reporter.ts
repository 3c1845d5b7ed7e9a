import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with the names of the tests that failed, a line each (`failed: <file> > <test>`), and the plain line
 * `N passed, N failed, N skipped`. A file that could not be loaded counts as failed.
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, skipped: 0 };
    const failed: string[] = [];
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const { state } = test.result();
        if (state === 'passed') counts.passed += 1;
        else if (state === 'failed') failed.push(`${module.relativeModuleId} > ${test.fullName}`);
        else counts.skipped += 1;
      }
      if (tests === 0 || (module.errors().length > 0 && module.state() === 'failed')) failed.push(module.relativeModuleId);
    }
    for (const name of failed) process.stdout.write(`failed: ${name.replaceAll('\n', ' ')}\n`);
    process.stdout.write(`${counts.passed} passed, ${failed.length} failed, ${counts.skipped} skipped\n`);
  }
}
