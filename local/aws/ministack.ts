import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessTable } from '../machine-room/processes.ts';

/** How much shorter a Wait state is here than on AWS: ten seconds between two looks become one. */
const WAIT_SCALE = '0.1';
const START_DEADLINE_SECONDS = 60;

export interface MinistackOptions {
  /** Folder of the Python environment that has ministack. */
  readonly environment: string;
  readonly port: number;
  readonly region: string;
  readonly directory: string;
  readonly processes: ProcessTable;
  /** Node that runs the functions; its folder comes first on the PATH. */
  readonly node: string;
  /** Endpoints of single services that are answered elsewhere, by the SDK's own variables. */
  readonly endpoints: Readonly<Record<string, string>>;
}

/** Starts the emulated AWS on loopback; answers its endpoint when it is ready. @throws Error when it does not get ready */
export async function startMinistack(options: MinistackOptions): Promise<string> {
  const endpoint = `http://127.0.0.1:${options.port}`;
  // It unpacks each function's code into a folder that it leaves behind: here the next start removes them.
  const temporary = join(options.directory, 'tmp');
  mkdirSync(temporary, { recursive: true });
  // Below our own package.json Node would read that code as ECMAScript modules.
  writeFileSync(join(temporary, 'package.json'), '{"type":"commonjs"}\n');
  let ended: string | undefined;
  options.processes.start({
    name: 'ministack',
    command: join(options.environment, 'bin', 'python'),
    args: [join(import.meta.dirname, 'run_ministack.py')],
    environment: {
      ...options.endpoints,
      PATH: `${dirname(options.node)}:${process.env['PATH'] ?? ''}`,
      HOME: options.directory,
      TMPDIR: temporary,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(options.port),
      AWS_ENDPOINT_URL: endpoint,
      MINISTACK_REGION: options.region,
      MINISTACK_HOST: '127.0.0.1',
      SFN_WAIT_SCALE: WAIT_SCALE,
      LAMBDA_WARM_TTL_SECONDS: '3600',
      PYTHONUNBUFFERED: '1',
    },
    directory: options.directory,
    logFile: join(options.directory, 'ministack.log'),
    restart: 'no',
    restartSeconds: 1,
    onEnd: (how) => {
      ended = how;
    },
  });
  const deadline = Date.now() + START_DEADLINE_SECONDS * 1000;
  while (Date.now() < deadline) {
    const answer = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined);
    if (answer?.ok) return endpoint;
    if (ended !== undefined) throw new Error(`ministack ended (${ended}); see ${join(options.directory, 'ministack.log')}`);
    await delay(100);
  }
  throw new Error(`ministack did not answer within ${START_DEADLINE_SECONDS} s; see ${join(options.directory, 'ministack.log')}`);
}

/** A port that the kernel says is free on loopback. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
