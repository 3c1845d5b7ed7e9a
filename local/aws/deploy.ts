import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { GetFunctionUrlConfigCommand } from '@aws-sdk/client-lambda';
import type { RepositoryRef } from '#model/primitives.ts';
import type { AccountClients, AwsSite } from './clients.ts';

/** Runs the real `osls deploy` against the emulated AWS. @param pageUrl where browsers reach the page @returns the webhook's function URL */
export async function deployHub(
  root: string,
  site: AwsSite,
  hub: AccountClients,
  github: { readonly apiUrl: string; readonly repository: RepositoryRef },
  pageUrl?: string,
): Promise<string> {
  const output: string[] = [];
  const child = spawn(process.execPath, [join(root, 'node_modules/osls/bin/serverless.js'), 'deploy', '--region', site.region], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/tmp',
      AWS_ENDPOINT_URL: site.endpoint,
      AWS_ACCESS_KEY_ID: hub.account,
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_REGION: site.region,
      SLUICE_GITHUB_API_URL: github.apiUrl,
      SLUICE_REPOSITORY: `${github.repository.owner}/${github.repository.name}`,
      ...(pageUrl === undefined ? {} : { SLUICE_PAGE_URL: pageUrl }),
      SLS_TELEMETRY_DISABLED: '1',
      SLS_NOTIFICATIONS_MODE: 'off',
      CI: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`osls deploy failed (${code}):\n${output.join('').slice(-4000)}`);
  const { FunctionUrl } = await hub.lambda.send(new GetFunctionUrlConfigCommand({ FunctionName: 'sluice-webhook' }));
  if (FunctionUrl === undefined) throw new Error('sluice-webhook has no function URL after the deployment');
  return FunctionUrl;
}
