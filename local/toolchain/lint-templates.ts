/** Runs cfn-lint over the CloudFormation templates of the reference fleet and of the hub: `npm run templates`, after `npm run build`. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openToolchain } from './open.ts';
import { run } from './process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = ['channels/cluster', 'channels/bootstrap'];
/** The region of the reference fleet: which instance types and resources exist differs by region. */
const REGION = 'eu-central-1';
const OSLS = join(ROOT, 'node_modules/osls/bin/serverless.js');
/** Of what osls writes itself: that a function's DependsOn says once more what its role says. */
const FROM_OSLS = ['W3005'];
/** Files that are templates: by the version that each names, since other YAML files lie beside them. */
async function templates(): Promise<string[]> {
  const files: string[] = [];
  for (const folder of FOLDERS) {
    for (const name of (await readdir(join(ROOT, folder))).sort()) {
      const path = join(folder, name);
      if (name.endsWith('.yaml') && (await readFile(join(ROOT, path), 'utf8')).startsWith('AWSTemplateFormatVersion')) files.push(path);
    }
  }
  if (files.length === 0) throw new Error(`no CloudFormation template was found in ${FOLDERS.join(' and ')}`);
  return files;
}

/** What `osls deploy` would hand to CloudFormation, from serverless.yml; asks no AWS. @returns its path */
async function packageHub(folder: string): Promise<string> {
  const env = {
    ...process.env,
    AWS_REGION: REGION,
    // Nobody: what is asked all the same is refused here.
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_ACCESS_KEY_ID: 'nobody',
    AWS_SECRET_ACCESS_KEY: 'nobody',
    SLUICE_REPOSITORY: 'owner/name',
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
    CI: '1',
  };
  await run(process.execPath, [OSLS, 'package', '--region', REGION, '--package', folder], { cwd: ROOT, env });
  return join(folder, 'cloudformation-template-update-stack.json');
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const folder = await mkdtemp(join(tmpdir(), 'sluice-hub-'));
try {
  const toolchain = openToolchain({
    log: say,
  });
  const bin = join(await toolchain.ensure('cfn-lint'), 'bin');
  const files = await templates();
  const lint = (paths: readonly string[], ignored: readonly string[] = []): Promise<string> =>
    run(join(bin, 'cfn-lint'), ['--regions', REGION, ...ignored.flatMap((rule) => ['--ignore-checks', rule]), '--', ...paths], {
      cwd: ROOT,
    });
  const output = [await lint(files), await lint([await packageHub(folder)], FROM_OSLS)].join('').trim();
  if (output !== '') say(output);
  say(`cfn-lint: ${files.length} templates and that of the hub, nothing found`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
