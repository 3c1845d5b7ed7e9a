import { request } from 'node:https';
import * as z from 'zod';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { ClientIdentity } from '#model/identity.ts';

const VersionAnswer = z.object({ etcdcluster: z.string() });
/** The answer has three short fields. */
const MAX_BYTES = 4096;

/** The version that the members of a cluster agreed on, as one of them tells at `/version`; gRPC does not tell it. @throws ClusterUnreachableError */
export async function readClusterVersion(endpoint: string, identity: ClientIdentity, milliseconds: number): Promise<string> {
  try {
    return VersionAnswer.parse(JSON.parse(await get(`${endpoint}/version`, identity, milliseconds))).etcdcluster;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ClusterUnreachableError(`etcd at ${endpoint}, /version: ${reason}`, { cause: error });
  }
}

function get(url: string, identity: ClientIdentity, milliseconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...identity, agent: false, signal: AbortSignal.timeout(milliseconds) }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('error', reject);
      answer.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_BYTES) answer.destroy(new Error(`more than ${MAX_BYTES} bytes`));
      });
      answer.on('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(`HTTP status ${answer.statusCode}`))));
    });
    sent.on('error', reject);
    sent.end();
  });
}
