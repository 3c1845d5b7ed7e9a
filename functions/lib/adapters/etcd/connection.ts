import { ClusterUnreachableError, ConflictError, RefusedError } from '#model/errors.ts';
import { GrpcError, grpcCall, type Target } from './grpc.ts';
import type { Method } from './messages.ts';

export type { Target } from './grpc.ts';

/** Longest time without a byte on a stream: etcd's own leader election and page reads take far less. */
const STALL_MILLISECONDS = 15_000;
/** Longest stream, inside a Lambda's 15 minutes: 9 GB at the 12 MB/s that even a busy member gives. */
const STREAM_MILLISECONDS = 780_000;

/** gRPC codes INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED: the same call fails again. */
const REFUSED: ReadonlySet<number> = new Set([3, 7, 12, 16]);
/** NOT_FOUND, FAILED_PRECONDITION: the cluster is not in the state that the request is for; another look may find another one. */
const CONFLICT: ReadonlySet<number> = new Set([5, 9]);

/** One call with its own deadline. @throws ClusterUnreachableError, RefusedError when etcd refuses the request itself, ConflictError when its state does not fit */
export async function callOnce<Request, Response>(
  target: Target,
  method: Method<Request, Response>,
  request: Request,
  deadlineMilliseconds: number,
): Promise<Response> {
  const limit = new AbortController();
  const late = new Error(`no answer within ${deadlineMilliseconds / 1000} s`);
  const timer = setTimeout(() => limit.abort(late), deadlineMilliseconds);
  try {
    for await (const message of grpcCall(target, method.path, method.encode(request), limit.signal)) return method.decode(message);
    throw new GrpcError(-1, 'an empty answer');
  } catch (error) {
    throw mapped(error, target, method.path);
  } finally {
    clearTimeout(timer);
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
  const limit = new AbortController();
  const stalled = new Error(`sent nothing for ${stallMilliseconds / 1000} s`);
  const late = new Error(`still streaming after ${STREAM_MILLISECONDS / 1000} s`);
  // Time that the consumer takes (a slow disk) is no stall of the server.
  let awaiting = true;
  const stall = setTimeout(() => awaiting && limit.abort(stalled), stallMilliseconds);
  const end = setTimeout(() => limit.abort(late), STREAM_MILLISECONDS);
  try {
    for await (const message of grpcCall(target, method.path, method.encode(request), limit.signal)) {
      awaiting = false;
      yield method.decode(message);
      awaiting = true;
      stall.refresh();
    }
  } catch (error) {
    throw mapped(error, target, method.path);
  } finally {
    clearTimeout(stall);
    clearTimeout(end);
  }
}

function mapped(error: unknown, target: Target, path: string): ClusterUnreachableError | RefusedError | ConflictError {
  const message = error instanceof Error ? error.message : String(error);
  const text = `etcd at ${'socket' in target ? target.socket : target.url}, ${path}: ${message}`;
  if (error instanceof GrpcError && REFUSED.has(error.code)) return new RefusedError(text, { cause: error });
  if (error instanceof GrpcError && CONFLICT.has(error.code)) return new ConflictError(text, { cause: error });
  return new ClusterUnreachableError(text, { cause: error });
}
