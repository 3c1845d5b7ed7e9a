import { randomUUID } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACTIONS } from './auto-scaling-actions.ts';
import { ApiError, type GroupView, type ScalingControl } from './auto-scaling-model.ts';
import { describeInstances, describeVolumes, type Ec2Answer } from './ec2-actions.ts';
import { accessKeyOf, answerXml, errorXml } from './query-protocol.ts';

export type { GroupView, ScalingControl } from './auto-scaling-model.ts';

const EC2_ACTIONS: Readonly<Record<string, (form: URLSearchParams, groups: readonly GroupView[]) => Ec2Answer>> = {
  DescribeInstances: describeInstances,
  DescribeVolumes: describeVolumes,
};

export interface ScalingApi {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The Auto Scaling API on a free port of 127.0.0.1, and EC2's DescribeInstances and DescribeVolumes. Actions that change
 * or show machines are answered here; every other one goes unchanged to the emulator at `upstream`. `onAnswer` sees each
 * good answer of Auto Scaling as it is sent.
 */
export async function startAutoScalingApi(
  upstream: string,
  control: ScalingControl,
  accountOf: (accessKey: string) => Promise<string>,
  onAnswer: (xml: string) => void = () => undefined,
): Promise<ScalingApi> {
  const server = createServer((request, response) => {
    handle({ upstream, control, accountOf, onAnswer }, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, errorXml('InternalFailure', error instanceof Error ? error.message : String(error), randomUUID()));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  // Bound to a TCP port, so address() is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

interface Behind {
  readonly upstream: string;
  readonly control: ScalingControl;
  readonly accountOf: (accessKey: string) => Promise<string>;
  readonly onAnswer: (xml: string) => void;
}

async function handle(behind: Behind, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { upstream, control, accountOf } = behind;
  const body = Buffer.concat(await request.toArray());
  const form = new URLSearchParams(body.length > 0 ? body.toString('utf8') : (request.url ?? '').split('?')[1]);
  const name = form.get('Action') ?? '';
  const action = ACTIONS[name];
  const ofEc2 = EC2_ACTIONS[name];
  if (action === undefined && ofEc2 === undefined) return forward(upstream, request, body, response);
  const accessKey = accessKeyOf(request.headers.authorization);
  const requestId = randomUUID();
  if (accessKey === undefined)
    return send(response, 403, errorXml('MissingAuthenticationToken', 'Request is missing Authentication Token', requestId));
  try {
    const groups = await control.groups(await accountOf(accessKey));
    if (action !== undefined) {
      const xml = answerXml(name, requestId, action({ form, groups, control }));
      behind.onAnswer(xml);
      return send(response, 200, xml);
    }
    if (ofEc2 === undefined) return;
    const { status, xml } = ofEc2(form, groups);
    send(response, status, xml);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    send(response, 400, errorXml(error.code, error.message, requestId));
  }
}

function send(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(xml) }).end(xml);
}

function forward(upstream: string, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
  const { hostname, port } = new URL(upstream);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response).on('finish', resolve).on('error', reject);
    })
      .on('error', reject)
      .end(body);
  });
}
