import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** GitHub takes files of 100 MB; no request of ours comes near this. */
const BODY_LIMIT_BYTES = 32 * 1024 * 1024;

/** The whole body. @throws Refusal 413 when it is too large */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > BODY_LIMIT_BYTES) throw new Refusal(413, 'Payload too large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** The token of a request: `bearer`, `token`, or the password of basic authentication (as git and curl send it). */
export function credentialOf(request: IncomingMessage): string | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  if (/^(bearer|token)$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const password = text.slice(colon + 1);
  // GitHub takes the token as user name too.
  return password === '' || password === 'x-oauth-basic' ? text.slice(0, colon) : password;
}
