import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withRestored } from '#adapters/etcd/restored.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-restored-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const FOREVER = 'exec sleep 60';
const LONG = 60_000;

it.each([
  ['a restore that does not end in time', FOREVER, 'exit 0', 50, LONG, true, /did not end within 0.05 s/],
  ['an etcd that is not ready in time', 'exit 0', FOREVER, LONG, 50, true, /not ready after 0.05 s/],
  ['a restore that fails', 'exit 1', 'exit 0', LONG, LONG, false, /ended with 1/],
  ['an etcd that ends', 'exit 0', 'exit 1', LONG, LONG, false, /does not run on the restored data/],
] as const)('tells %s apart', async (_, restore, serve, restoreMilliseconds, bootMilliseconds, late, message) => {
  const request = { etcdutl: script('etcdutl', restore), etcd: script('etcd', serve), snapshot: 'snapshot.db', directory };

  const thrown = withRestored(request, undefined, async () => 'used', { restoreMilliseconds, bootMilliseconds });

  await expect(thrown).rejects.toMatchObject({ name: 'BackupNotProvenError', late, message: expect.stringMatching(message) });
});

function script(name: string, body: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}
