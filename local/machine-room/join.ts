import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { bitString, context, objectId, sequence, set, utf8String } from '#adapters/x509/der.ts';
import { InputError, RefusedError, TransientError } from '#model/errors.ts';
import type { AccountView, RoleSession } from './aws.ts';
import { parseJson } from './ignition.ts';
import type { Machine } from './types.ts';

/** `/etc/sluice/join.json`: what `/opt/sluice/join` of a node goes by. */
export const JoinFile = z.object({ cluster: z.string().min(1), function: z.string().min(1), directory: z.string().startsWith('/') });
export type JoinFile = z.infer<typeof JoinFile>;

const Answer = z.object({ certificate: z.string(), ca: z.string() });
const Failure = z.object({ errorType: z.string().optional(), errorMessage: z.string().optional() });

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const HEADERS = ['host', 'x-amz-date', 'x-amz-security-token', 'x-sluice-cluster', 'x-sluice-request'];

/** Does what `/opt/sluice/join` does, as the machine's own role; answers the files that it writes. @throws RefusedError, TransientError */
export async function joinCluster(machine: Machine, file: JoinFile, view: AccountView): Promise<Readonly<Record<string, string>>> {
  if (machine.profileArn === undefined)
    throw new InputError('the launch template names no instance profile: the machine has no role to join by');
  const session = await view.roleSession(machine.profileArn, machine.id);
  const { csr, key } = certificateRequest(`system:node:${machine.id}`);
  const sts = signIdentity(session, { host: view.stsHost, region: view.region, cluster: file.cluster, csr, now: new Date() });
  const answer = await view.invoke(session, file.function, JSON.stringify({ cluster: file.cluster, csr, sts }));
  if (answer.failed) {
    const { errorType, errorMessage } = parseJson(Failure, answer.text, `answer of ${file.function}`);
    const words = `${file.function}: ${errorType ?? 'Error'}: ${errorMessage ?? answer.text}`;
    throw errorType === 'RefusedError' || errorType === 'InputError' ? new RefusedError(words) : new TransientError(words);
  }
  const { certificate, ca } = parseJson(Answer, answer.text, `answer of ${file.function}`);
  return { 'ca.crt': ca, 'node.pem': certificate + key };
}

/** A request of PKCS #10 for a new P-256 key, as `openssl req -new` makes it, and the key; both PEM. */
export function certificateRequest(commonName: string): { csr: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const version = Buffer.from([2, 1, 0]);
  const subject = sequence(set(sequence(objectId('2.5.4.3'), utf8String(commonName))));
  const info = sequence(version, subject, publicKey.export({ type: 'spki', format: 'der' }), context(0, Buffer.alloc(0), 'constructed'));
  const signature = sign('sha256', info, { key: privateKey, dsaEncoding: 'der' });
  const body = Buffer.from(sequence(info, sequence(objectId('1.2.840.10045.4.3.2')), bitString(signature))).toString('base64');
  const lines = body.replace(/.{64}(?=.)/g, '$&\n');
  return {
    csr: `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Headers of a request `GetCallerIdentity`, by Signature Version 4. */
export function signIdentity(
  session: RoleSession,
  request: { host: string; region: string; cluster: string; csr: string; now: Date },
): { authorization: string; date: string; token: string } {
  const date = request.now.toISOString().replace(/[-:]|\.\d+/g, '');
  const values = [request.host, date, session.sessionToken, request.cluster, sha256(request.csr)];
  const canonical = [
    'POST',
    '/',
    '',
    ...HEADERS.map((name, index) => `${name}:${values[index]}`),
    '',
    HEADERS.join(';'),
    sha256(BODY),
  ].join('\n');
  const scope = [date.slice(0, 8), request.region, 'sts', 'aws4_request'];
  const key = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${session.secretAccessKey}`);
  const signature = Buffer.from(hmac(key, ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical)].join('\n'))).toString('hex');
  const credential = `${session.accessKeyId}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${HEADERS.join(';')}, Signature=${signature}`;
  return { authorization, date, token: session.sessionToken };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Joins again and again, each `seconds` long, as `sluice-renew.timer` does; a try that fails is told and repeated after a minute. */
export async function keepRenewed(
  seconds: number,
  signal: AbortSignal,
  renew: () => Promise<void>,
  failed: (reason: string) => void,
): Promise<void> {
  let wait = seconds;
  while (!signal.aborted) {
    await delay(wait * 1000, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await renew();
      wait = seconds;
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
      wait = 60;
    }
  }
}
