import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { askPage, pageFleet } from '../support/page-fleet.ts';

const CHROMIUM =
  process.env['SLUICE_TEST_CHROMIUM'] ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
const run = promisify(execFile);

// A browser is no part of what `npm test` gets by itself: where there is none, only the unit tests speak of the page.
test.skipIf(CHROMIUM === undefined)('a browser shows the table, and the policy lets the style in and nothing else', async () => {
  const fine = await seen((body) => body);
  const changed = await seen((body) =>
    body.replace('<style>', '<style>body{top:0}').replace('</body>', '<script>document.title="ran"</script></body>'),
  );

  expect(fine.dom).toMatch(/<table>.*beta-2.*roll-node-pools waits: draining general-3/s);
  expect(fine.violations).toEqual([]);
  // So that the test can tell: what is not ours is refused, and seen to be.
  expect(changed.violations.join('\n')).toMatch(/inline style/);
  expect(changed.violations.join('\n')).toMatch(/inline script/);
  expect(changed.dom).not.toContain('<title>ran');
});

/** The page as a browser has it after loading, and what it says of its policy. */
async function seen(change: (body: string) => string): Promise<{ dom: string; violations: string[] }> {
  const { world } = await pageFleet();
  const server = createServer(async (request, response) => {
    const { statusCode, headers, body } = await askPage(world, { path: request.url ?? '/' });
    response.writeHead(statusCode, headers).end(change(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = await mkdtemp(join(tmpdir(), 'sluice-page-'));
  try {
    const { port } = server.address() as AddressInfo;
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--enable-logging=stderr',
      `--user-data-dir=${profile}`,
      '--virtual-time-budget=2000',
    ];
    const { stdout, stderr } = await run(CHROMIUM ?? '', [...flags, '--dump-dom', `http://127.0.0.1:${port}/`], {
      timeout: 60_000,
      maxBuffer: 1 << 24,
    });
    return { dom: stdout, violations: stderr.split('\n').filter((line) => line.includes('Content Security Policy')) };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(profile, { recursive: true, force: true });
  }
}
