import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createCallers } from '#adapters/sts/callers.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { SignedRequest } from '#ports/callers.ts';

const REQUEST: SignedRequest = {
  authorization: 'AWS4-HMAC-SHA256 Credential=ASIA0/20260101/eu-central-1/sts/aws4_request, SignedHeaders=host, Signature=00',
  date: '20260101T120000Z',
  token: 'token',
  bound: { 'x-sluice-cluster': 'dev-1', 'x-sluice-request': 'f'.repeat(64) },
};
const ARN = 'arn:aws:sts::111111111111:assumed-role/sluice-dev-1-pool-general-Role-1/i-0123456789abcdef0';
const servers: ReturnType<typeof createServer>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

interface Asked {
  readonly line: string;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function answer(content: string): string {
  return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${content}</GetCallerIdentityResult></GetCallerIdentityResponse>`;
}

function failure(code: string): string {
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;
}

/** STS that answers everything so. */
async function sts(status: number, body: string) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void request.toArray().then((chunks: Buffer[]) => {
      asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'own', secretAccessKey: 'own', sessionToken: 'own' };
  return { callers: createCallers({ region: 'eu-central-1', endpoint: `http://${host}`, credentials }), asked, host };
}

describe('who signed a request', () => {
  it('is asked of STS once, by nothing but what was signed: no credentials of our own, no other action', async () => {
    const { callers, asked, host } = await sts(200, answer(`<Arn>${ARN}</Arn><UserId>AROA:i</UserId><Account>111111111111</Account>`));

    expect(await callers.identify(REQUEST)).toEqual({ account: '111111111111', arn: ARN });
    const { connection: _connection, ...headers } = asked[0]?.headers ?? {};
    expect(asked).toHaveLength(1);
    expect([asked[0]?.line, asked[0]?.body]).toEqual(['POST /', 'Action=GetCallerIdentity&Version=2011-06-15']);
    expect(headers).toEqual({
      host,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '43',
      'x-amz-date': REQUEST.date,
      'x-amz-security-token': 'token',
      authorization: REQUEST.authorization,
      ...REQUEST.bound,
    });
  });

  it('is asked of the endpoint of its region when no other is given', async () => {
    const hosts: string[] = [];
    const requestHandler = {
      handle: async (request: { hostname: string; headers: Record<string, string> }) => {
        hosts.push(request.hostname, request.headers['host'] ?? '');
        throw new Error('nobody is asked here');
      },
    };
    const credentials = { accessKeyId: 'own', secretAccessKey: 'own' };
    const callers = createCallers({ region: 'eu-central-1', credentials, requestHandler });

    await expect(callers.identify(REQUEST)).rejects.toBeInstanceOf(TransientError);
    expect(hosts).toEqual(['sts.eu-central-1.amazonaws.com', 'sts.eu-central-1.amazonaws.com']);
  });

  it.each([
    ['a bad signature', 403, failure('SignatureDoesNotMatch')],
    ['an old one', 400, failure('RequestExpired')],
    ['credentials that ended', 403, failure('ExpiredToken')],
    ['an unknown key', 403, failure('InvalidClientTokenId')],
  ])('stays refused for %s', async (_, status, body) => {
    const { callers, asked } = await sts(status, body);

    await expect(callers.identify(REQUEST)).rejects.toBeInstanceOf(RefusedError);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['does not work', 503, failure('ServiceUnavailable')],
    ['has enough', 400, failure('Throttling')],
    ['names nobody', 200, answer('')],
  ])('is not known while STS %s', async (_, status, body) => {
    const { callers } = await sts(status, body);

    await expect(callers.identify(REQUEST)).rejects.toBeInstanceOf(TransientError);
  });
});
