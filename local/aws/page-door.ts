import { createServer, type IncomingMessage } from 'node:http';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';

const Answer = z.object({ statusCode: z.int(), headers: z.record(z.string(), z.string()), body: z.string() });

/**
 * A door on loopback to Sluice's page: its function URL takes signed requests only, which no browser sends. The function is
 * invoked with the event that the URL would make of the request.
 */
export async function startPageDoor(lambda: LambdaClient): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (incoming, outgoing) => {
    // Another site's name may point to 127.0.0.1: its pages must not read this one.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(incoming.headers.host ?? '')) {
      outgoing.writeHead(421, { 'content-type': 'text/plain' }).end('Unknown host\n');
      return;
    }
    try {
      const { statusCode, headers, body } = await invoke(lambda, incoming);
      outgoing.writeHead(statusCode, headers).end(incoming.method === 'HEAD' ? undefined : body);
    } catch (error) {
      outgoing.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' }).end(`the page's function failed: ${String(error)}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function invoke(lambda: LambdaClient, incoming: IncomingMessage): Promise<z.infer<typeof Answer>> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://page');
  const event = {
    version: '2.0',
    rawPath: pathname,
    rawQueryString: searchParams.toString(),
    queryStringParameters: Object.fromEntries(searchParams),
    headers: { accept: incoming.headers.accept ?? '*/*' },
    requestContext: { http: { method: incoming.method ?? 'GET', path: pathname } },
  };
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: 'sluice-page', Payload: new TextEncoder().encode(JSON.stringify(event)) }),
  );
  const text = new TextDecoder().decode(Payload);
  if (FunctionError !== undefined) throw new Error(text.slice(0, 500));
  return Answer.parse(JSON.parse(text));
}
