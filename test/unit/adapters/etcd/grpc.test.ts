import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callOnce, callStream } from '#adapters/etcd/connection.ts';
import { grpcCall } from '#adapters/etcd/grpc.ts';
import { SNAPSHOT, type SnapshotPart, STATUS } from '#adapters/etcd/messages.ts';
import { encode } from '#adapters/etcd/protobuf.ts';
import { ClusterUnreachableError, ConflictError, RefusedError } from '#model/errors.ts';

const OK = { 'grpc-status': '0' };

describe('a call to etcd', () => {
  let directory: string;
  let server: Http2Server;
  let socket: string;
  let answer: (stream: ServerHttp2Stream) => void;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sl-'));
    socket = join(directory, 'server');
    server = createServer();
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      answer(stream);
    });
    server.on('sessionError', () => undefined);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  });
  afterEach(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  it('reads the messages of a stream however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        async (blobs, cut) => {
          const bytes = Buffer.concat(blobs.map((blob) => frame(encode([[3, blob]]))));
          answer = (stream) => respond(stream, pieces(bytes, cut), OK);

          const parts = await collect(callStream({ socket }, SNAPSHOT, undefined));

          expect(parts.map((part) => Buffer.from(part.blob).toString('hex'))).toEqual(
            blobs.map((blob) => Buffer.from(blob).toString('hex')),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('says what the server says, and that a refusal is one', async () => {
    answer = (stream) => stream.respond({ ':status': 200, 'grpc-status': '7', 'grpc-message': 'permission%20denied' }, { endStream: true });

    const call = callOnce({ socket }, STATUS, undefined, 2_000);

    await expect(call).rejects.toThrow(RefusedError);
    await expect(callOnce({ socket }, STATUS, undefined, 2_000)).rejects.toThrow('permission denied');
  });

  it.each([5, 9])('tells a cluster that is not in the state for a call, status %i, from one that can not be reached', async (code) => {
    answer = (stream) => stream.respond({ ':status': 200, 'grpc-status': String(code), 'grpc-message': 'not leader' }, { endStream: true });

    await expect(callOnce({ socket }, STATUS, undefined, 2_000)).rejects.toBeInstanceOf(ConflictError);
  });

  it('takes any other status for an unreachable cluster', async () => {
    answer = (stream) => respond(stream, [frame(encode([[3, 'one']]))], { 'grpc-status': '14', 'grpc-message': 'stopping' });

    await expect(collect(callStream({ socket }, SNAPSHOT, undefined))).rejects.toThrow(ClusterUnreachableError);
  });

  it('never takes a broken connection for the end of a stream', async () => {
    answer = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write(frame(encode([[3, 'whole']])), () => stream.session?.destroy());
    };

    await expect(collect(callStream({ socket }, SNAPSHOT, undefined))).rejects.toThrow(ClusterUnreachableError);
  });

  it('never takes the end of a response without a status for the end of a stream', async () => {
    answer = (stream) => {
      stream.respond({ ':status': 200 });
      stream.end(frame(encode([[3, 'whole']])));
    };

    await expect(collect(callStream({ socket }, SNAPSHOT, undefined))).rejects.toThrow('in the middle of the answer');
  });

  it('ends a stream on which nothing comes', async () => {
    answer = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write(frame(encode([[3, 'first']])));
    };

    await expect(collect(callStream({ socket }, SNAPSHOT, undefined, 100))).rejects.toThrow('sent nothing for 0.1 s');
  });

  it('does not blame the server for a slow consumer', async () => {
    answer = (stream) => respond(stream, [frame(encode([[3, 'first']])), frame(encode([[3, 'second']]))], OK);
    const read: number[] = [];

    // Long enough for a connection on a machine that does much else.
    for await (const part of callStream({ socket }, SNAPSHOT, undefined, 1_000)) {
      if (read.length === 0) await new Promise((resolve) => setTimeout(resolve, 1_500));
      read.push(part.blob.length);
    }

    expect(read).toEqual([5, 6]);
  });

  it('ends a call at its deadline', async () => {
    answer = () => undefined;

    await expect(callOnce({ socket }, STATUS, undefined, 100)).rejects.toThrow('no answer within 0.1 s');
  });

  it.each([
    ['HTTP that is no gRPC', (stream: ServerHttp2Stream) => stream.respond({ ':status': 503 }, { endStream: true }), 'HTTP status 503'],
    ['a compressed message', (stream: ServerHttp2Stream) => respond(stream, [Buffer.from([1, 0, 0, 0, 0])], OK), 'compressed'],
    ['a huge message', (stream: ServerHttp2Stream) => respond(stream, [Buffer.from([0, 0xff, 0, 0, 0])], OK), '4278190080 bytes'],
    ['half a message', (stream: ServerHttp2Stream) => respond(stream, [Buffer.from([0, 0, 0, 0, 9, 1])], OK), 'inside a message'],
    ['noise', (stream: ServerHttp2Stream) => respond(stream, [frame(Uint8Array.from([0x0b]))], OK), 'wire type'],
    ['nothing', (stream: ServerHttp2Stream) => respond(stream, [], OK), 'an empty answer'],
  ])('refuses %s', async (_, send, text) => {
    answer = send;

    await expect(callOnce({ socket }, STATUS, undefined, 2_000)).rejects.toThrow(text);
  });

  it('may be given up in the moment in which it is connected', async () => {
    answer = () => undefined;
    const limit = new AbortController();
    // Between the socket's connection and what the session makes of it.
    const onSocket = (message: unknown): void =>
      void (message as { socket: Socket }).socket.once('connect', () => process.nextTick(() => limit.abort(new Error('given up'))));
    subscribe('net.client.socket', onSocket);

    const call = grpcCall({ socket }, '/x', new Uint8Array(), limit.signal).next();
    unsubscribe('net.client.socket', onSocket);

    await expect(call).rejects.toThrow('given up');
    // What the session does after that it must do quietly: an uncaught error ends this run.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('names who does not listen', async () => {
    await expect(callOnce({ socket: `${socket}-absent` }, STATUS, undefined, 2_000)).rejects.toThrow(/-absent.*ENOENT/);
  });
});

function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function respond(stream: ServerHttp2Stream, chunks: readonly Buffer[], trailers: Record<string, string>): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
}

async function collect(stream: AsyncIterable<SnapshotPart>): Promise<SnapshotPart[]> {
  const parts: SnapshotPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}
