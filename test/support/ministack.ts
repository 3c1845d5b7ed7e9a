import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type Child, startChild, until } from './child.ts';

export interface Ministack {
  /** For `AWS_ENDPOINT_URL` or a client's `endpoint`. */
  readonly endpoint: string;
  /** Client configuration of an account: the access key is the account. */
  of(account: string): { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  stop(): Promise<void>;
}

const REGION = 'eu-central-1';
/** The same start as the local world's. */
const START = join(import.meta.dirname, '../../local/aws/run_ministack.py');

/** An emulated AWS of its own on a free port of loopback; the command is SLUICE_TEST_MINISTACK. Always `stop` it. @param variables of its environment, which functions get too */
export async function startMinistack(variables: Readonly<Record<string, string>> = {}): Promise<Ministack> {
  const command = process.env['SLUICE_TEST_MINISTACK'];
  if (command === undefined) throw new Error('SLUICE_TEST_MINISTACK is not set: run the tests by `npm test`, which installs ministack');
  const port = await freePort();
  const env = {
    ...process.env,
    ...variables,
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    MINISTACK_REGION: REGION,
    PYTHONUNBUFFERED: '1',
  };
  const child: Child = startChild(join(dirname(command), 'python'), [START], env);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    const answers = async (): Promise<true | undefined> => {
      const answer = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined);
      return answer?.ok === true ? true : undefined;
    };
    await until('ministack', answers, child, 60);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    endpoint,
    of: (account) => ({ endpoint, region: REGION, credentials: { accessKeyId: account, secretAccessKey: 'test' } }),
    stop: () => child.stop(),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
