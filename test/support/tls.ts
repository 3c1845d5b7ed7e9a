import { request } from 'node:https';
import type { ClientIdentity } from '#model/identity.ts';

/** One GET over mutual TLS on a connection of its own; undefined when no answer came. */
export function get(
  host: string,
  port: number,
  path: string,
  identity: Partial<ClientIdentity>,
  servername: string,
): Promise<{ status: number; body: string; warning: string | undefined } | undefined> {
  return new Promise((resolve) => {
    // A server name can't be an address (RFC 6066); node then checks the certificate against the host.
    const name = servername === host ? {} : { servername };
    const call = request({ host, port, path, ...identity, ...name, agent: false, timeout: 2000 }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, warning: answer.headers.warning }));
      answer.on('error', () => resolve(undefined));
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
    call.end();
  });
}
