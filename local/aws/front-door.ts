import { createServer, request } from 'node:http';

/**
 * A door on loopback to a Lambda function URL: the emulator tells functions apart by Host header, which no client of an
 * address on loopback would send. Body and headers pass unchanged.
 */
export async function startFrontDoor(functionUrl: string, awsEndpoint: string): Promise<{ url: string; close(): Promise<void> }> {
  const target = new URL(awsEndpoint);
  const host = new URL(functionUrl).host;
  const server = createServer((incoming, outgoing) => {
    const forwarded = request(
      { host: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers: { ...incoming.headers, host } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.on('error', (error) => {
      if (!outgoing.headersSent) outgoing.writeHead(502, { 'content-type': 'text/plain' });
      outgoing.end(`the webhook function is not there: ${error.message}`);
    });
    incoming.pipe(forwarded);
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
