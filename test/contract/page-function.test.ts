import { CreateFunctionCommand, LambdaClient, waitUntilFunctionActiveV2 } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { build } from 'esbuild';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createObjects } from '#adapters/s3/objects.ts';
import { PageView } from '#model/page.ts';
import { startPageDoor } from '../../local/aws/page-door.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { pageFleet } from '../support/page-fleet.ts';

const ACCOUNT = '111111111111';
const BUCKET = 'sluice-111111111111-eu-central-1';
let aws: Ministack;
let door: Awaited<ReturnType<typeof startPageDoor>>;

beforeAll(async () => {
  aws = await startMinistack();
  const config = aws.of(ACCOUNT);
  await new S3Client({ ...config, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: BUCKET }));
  const objects = createObjects(BUCKET, config);
  const { world } = await pageFleet();
  for (const [key, body] of Object.entries(world.objects.contents())) await objects.put(key, body);
  const lambda = new LambdaClient(config);
  await lambda.send(new CreateFunctionCommand({ ...(await pageFunction()), Role: `arn:aws:iam::${ACCOUNT}:role/sluice-page` }));
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 30 }, { FunctionName: 'sluice-page' });
  door = await startPageDoor(lambda);
});
afterAll(async () => {
  await door?.close();
  await aws.stop();
});

test('the function shows what the bucket holds, as HTML and as JSON', async () => {
  const page = await fetch(door.url, { headers: { accept: 'text/html' } });
  const json = await fetch(`${door.url}?format=json`);

  expect([page.status, page.headers.get('content-security-policy')]).toEqual([200, expect.stringContaining("default-src 'none'")]);
  expect(await page.text()).toContain('beta-2');
  const view = PageView.parse(await json.json());
  expect(view.problems).toEqual([]);
  expect(view.channels.map(({ channel, clusters }) => [channel, clusters.length])).toEqual([
    ['dev', 1],
    ['alpha', 1],
    ['beta', 4],
  ]);
});

test('the door answers no page of another site, and passes no other method', async () => {
  const { port } = new URL(door.url);
  const { request } = await import('node:http');
  const foreign = await new Promise<number | undefined>((resolve, reject) => {
    request({ host: '127.0.0.1', port, headers: { host: 'evil.example.com' } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
  const posted = await fetch(door.url, { method: 'POST', body: 'x' });

  expect([foreign, posted.status]).toEqual([421, 405]);
});

async function pageFunction() {
  const { outputFiles } = await build({
    entryPoints: ['functions/page/handler.ts'],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    external: ['bowser'],
    logLevel: 'error',
  });
  const code = outputFiles[0]?.contents;
  if (code === undefined) throw new Error('esbuild made nothing of the page');
  const Variables = {
    SLUICE_ACCOUNT: ACCOUNT,
    SLUICE_BUCKET: BUCKET,
    SLUICE_REPOSITORY: 'acme/fleet',
    AWS_ENDPOINT_URL: aws.endpoint,
    GITHUB_API_URL: 'https://api.github.com',
  };
  return {
    FunctionName: 'sluice-page',
    Runtime: 'nodejs22.x' as const,
    Handler: 'handler.handler',
    Timeout: 30,
    Code: { ZipFile: zipSync({ 'handler.js': code }) },
    Environment: { Variables },
  };
}
