import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { ClientIdentity } from '#model/identity.ts';

/** Where a server listens: `https://host:port` with mutual TLS, or the path of a Unix socket. */
export type Target = { readonly url: string; readonly identity: ClientIdentity } | { readonly socket: string };

/** A call that the server ended with a status other than OK, or the connection without one (`code` -1). */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;
  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Bytes on their way at most: enough for line rate at the latency between zones. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** No answer of etcd that is asked for here comes near it. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Bytes that may wait for the consumer beside those in the window. */
const WAITING_BYTES = 1024 * 1024;
/** Flag and length before each message. */
const PREFIX_BYTES = 5;

/**
 * One gRPC call over a connection of its own (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), the
 * answer's messages read at the consumer's pace. Written on node's HTTP/2: the general library is a third of the size
 * that a function may have. Leaving the loop early ends the call and the connection.
 * @throws GrpcError
 */
export async function* grpcCall(target: Target, path: string, request: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const session = open(target);
  let lost: unknown;
  session.on('error', (error) => {
    lost ??= error;
  });
  const abort = (): void => session.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    // A call that ended meanwhile has destroyed it; an error thrown here would end the process.
    session.on('connect', () => !session.destroyed && session.setLocalWindowSize(WINDOW_BYTES));
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
    const status = watchStatus(stream);
    stream.end(frame(request));
    yield* messages(unjoined(stream));
    const { code, message } = status();
    if (code !== 0) throw new GrpcError(code, message);
  } catch (error) {
    if (error instanceof GrpcError && error.code !== -1) throw error;
    const cause = signal.aborted ? signal.reason : (lost ?? error);
    throw new GrpcError(-1, cause instanceof Error ? cause.message : String(cause), { cause });
  } finally {
    signal.removeEventListener('abort', abort);
    session.destroy();
  }
}

function open(target: Target): ClientHttp2Session {
  const settings = { enablePush: false, initialWindowSize: WINDOW_BYTES };
  if ('socket' in target) {
    const { socket } = target;
    return connectHttp2('http://etcd', { settings, createConnection: () => connectSocket(socket) });
  }
  return connectHttp2(target.url, { settings, ...target.identity });
}

/** The status comes in the trailers, or in the headers when there is no message; none means that the connection broke. */
function watchStatus(stream: ClientHttp2Stream): () => { code: number; message: string } {
  let found: { code: number; message: string } | undefined;
  const note = (headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void => {
    const code = headers['grpc-status'];
    if (typeof code === 'string' && /^\d+$/.test(code)) found = { code: Number(code), message: textOf(headers['grpc-message']) };
    else if (headers[':status'] !== undefined && headers[':status'] !== 200)
      found = { code: 2, message: `HTTP status ${headers[':status']}` };
  };
  stream.on('response', note);
  stream.on('trailers', note);
  return () => found ?? { code: -1, message: 'the connection ended in the middle of the answer' };
}

/** grpc-message is percent-encoded; what does not decode is shown as it came. */
function textOf(header: string | string[] | undefined): string {
  const text = typeof header === 'string' && header !== '' ? header : 'no message';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/**
 * The chunks as they come. A loop over the stream itself would join all that wait into one, a copy of every byte.
 * @throws Error when the stream ends before its time
 */
async function* unjoined(stream: ClientHttp2Stream): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  const state: { ended: boolean; closed: boolean; failed?: unknown } = { ended: false, closed: false };
  let wake = (): void => undefined;
  stream.on('data', (chunk: Buffer) => {
    waiting.push(chunk);
    bytes += chunk.length;
    // The window goes on from here: etcd waits when nobody takes what is there.
    if (bytes >= WAITING_BYTES) stream.pause();
    wake();
  });
  stream.on('end', () => {
    state.ended = true;
    wake();
  });
  stream.on('error', (error) => {
    state.failed ??= error;
    wake();
  });
  stream.on('close', () => {
    state.closed = true;
    wake();
  });
  for (;;) {
    const taken = waiting;
    waiting = [];
    bytes = 0;
    yield* taken;
    if (waiting.length > 0) continue;
    if (state.failed !== undefined) throw state.failed;
    if (state.ended) return;
    if (state.closed) throw new Error('the connection was closed in the middle of the answer');
    await new Promise<void>((resolve) => {
      wake = resolve;
      stream.resume();
    });
  }
}

/** Cuts the bytes into messages. A message that came in one chunk is a view of it, not a copy. */
async function* messages(chunks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  let parts: Buffer[] = [];
  let have = 0;
  let need = PREFIX_BYTES;
  for await (const chunk of chunks) {
    parts.push(chunk);
    have += chunk.length;
    if (have < need) continue;
    let rest = parts.length === 1 ? chunk : Buffer.concat(parts, have);
    for (;;) {
      need = rest.length < PREFIX_BYTES ? PREFIX_BYTES : PREFIX_BYTES + lengthOf(rest);
      if (rest.length < need) break;
      yield rest.subarray(PREFIX_BYTES, need);
      rest = rest.subarray(need);
    }
    parts = [rest];
    have = rest.length;
  }
  if (have > 0) throw new GrpcError(-1, 'the connection ended inside a message');
}

function lengthOf(prefix: Buffer): number {
  const length = prefix.readUInt32BE(1);
  if (prefix[0] !== 0) throw new GrpcError(-1, 'a compressed message, which nobody asked for');
  if (length > MAX_MESSAGE_BYTES) throw new GrpcError(-1, `a message of ${length} bytes`);
  return length;
}
