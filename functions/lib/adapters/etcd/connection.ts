import { Client, credentials, status as grpcStatus, Metadata, type ServiceError } from '@grpc/grpc-js';
import { ClusterUnreachableError, RefusedError } from '#model/errors.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { Method } from './messages.ts';

/** Where etcd listens: `https://host:2379` with TLS, or the path of a Unix socket of our own drill. */
export type Target = { readonly url: string; readonly tls: ClientIdentity } | { readonly socket: string };

/** Longest time without a byte on a stream: etcd's own leader election and page reads take far less. */
const STALL_MILLISECONDS = 15_000;
/** Longest stream, inside a Lambda's 15 minutes: 9 GB at the 12 MB/s that even a busy member gives. */
const STREAM_MILLISECONDS = 780_000;

/** etcd's servers end connections that ping more often than each 5 s; a key page of a Range is below 16 MiB. */
const OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
};

const REFUSED: ReadonlySet<number> = new Set([
  grpcStatus.UNAUTHENTICATED,
  grpcStatus.PERMISSION_DENIED,
  grpcStatus.INVALID_ARGUMENT,
  grpcStatus.UNIMPLEMENTED,
]);

/** One call with its own deadline. @throws ClusterUnreachableError, RefusedError when etcd refuses our identity */
export async function callOnce<Request, Response>(
  target: Target,
  method: Method<Request, Response>,
  request: Request,
  deadlineMilliseconds: number,
): Promise<Response> {
  const client = connect(target);
  try {
    return await new Promise<Response>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        (message: Request) => Buffer.from(method.encode(message)),
        (bytes: Buffer) => method.decode(bytes),
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMilliseconds },
        (error: ServiceError | null, response?: Response) => {
          if (error !== null || response === undefined) reject(error ?? new Error('an empty answer'));
          else resolve(response);
        },
      );
    });
  } catch (error) {
    throw mapped(error, target, method.path);
  } finally {
    client.close();
  }
}

/**
 * A server stream, read at the consumer's pace. Leaving the loop early ends the call.
 * @param stallMilliseconds how long the server may send nothing while we wait
 * @throws ClusterUnreachableError when the stream breaks or stalls
 */
export async function* callStream<Request, Response>(
  target: Target,
  method: Method<Request, Response>,
  request: Request,
  stallMilliseconds: number = STALL_MILLISECONDS,
): AsyncGenerator<Response> {
  const client = connect(target);
  const call = client.makeServerStreamRequest(
    method.path,
    (message: Request) => Buffer.from(method.encode(message)),
    (bytes: Buffer) => method.decode(bytes),
    request,
    new Metadata(),
    { deadline: Date.now() + STREAM_MILLISECONDS },
  );
  // Time that the consumer takes (a slow disk) is no stall of the server.
  let awaiting = true;
  let stalled = false;
  const timer = setTimeout(() => {
    if (!awaiting) return;
    stalled = true;
    call.cancel();
  }, stallMilliseconds);
  try {
    const messages: AsyncIterable<Response> = call;
    for await (const message of messages) {
      awaiting = false;
      yield message;
      awaiting = true;
      timer.refresh();
    }
  } catch (error) {
    if (stalled) {
      const text = `${nameOf(target)} sent nothing for ${stallMilliseconds / 1000} s during ${method.path}`;
      throw new ClusterUnreachableError(text, { cause: error });
    }
    throw mapped(error, target, method.path);
  } finally {
    clearTimeout(timer);
    call.cancel();
    client.close();
  }
}

function connect(target: Target): Client {
  if ('socket' in target) return new Client(`unix:${target.socket}`, credentials.createInsecure(), OPTIONS);
  const { ca, key, cert } = target.tls;
  const secure = credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert));
  return new Client(new URL(target.url).host, secure, OPTIONS);
}

function nameOf(target: Target): string {
  return 'socket' in target ? target.socket : target.url;
}

function mapped(error: unknown, target: Target, path: string): ClusterUnreachableError | RefusedError {
  const message = error instanceof Error ? error.message : String(error);
  const text = `etcd at ${nameOf(target)}, ${path}: ${message}`;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
  if (code !== undefined && REFUSED.has(code)) return new RefusedError(text, { cause: error });
  return new ClusterUnreachableError(text, { cause: error });
}
