import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';

/**
 * What happens to one request. `refused` and `unavailable`: an answer instead of an effect. `reset`: no answer and no effect,
 * `lost`: the effect, and no answer. `cut` and `corrupt`: an object comes in part, or with a bit flipped. `silent`: neither
 * effect nor answer, ever; `silent-after`: the effect, and no answer, ever.
 */
export type RequestFault = 'refused' | 'unavailable' | 'reset' | 'lost' | 'cut' | 'corrupt' | 'silent' | 'silent-after';

export interface S3Request {
  /** As S3 names the call: `UploadPart`. */
  readonly call: string;
  readonly key: string;
  /** Access key of the caller. */
  readonly caller: string;
}

export interface MemoryS3 {
  readonly endpoint: string;
  /** Content by key, of the one bucket. */
  readonly objects: Map<string, Buffer>;
  /** Uploads that were begun and neither completed nor aborted, by id. */
  readonly uploads: ReadonlyMap<string, { readonly parts: ReadonlyMap<number, unknown> }>;
  close(): Promise<void>;
}

interface Upload {
  readonly key: string;
  readonly metadata: string;
  readonly parts: Map<number, Buffer>;
}

interface Answer {
  readonly status: number;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The part of S3 that backups use, in memory, over real HTTP: one bucket, conditional writes, uploads in parts with CRC-32. It is held
 * to the same contract as the real adapters' other store. @param strike asked before each request
 */
export async function startMemoryS3(strike: (request: S3Request) => RequestFault | undefined): Promise<MemoryS3> {
  const objects = new Map<string, Buffer>();
  const metadata = new Map<string, string>();
  const uploads = new Map<string, Upload>();
  let made = 0;

  function store(key: string, body: Buffer, sha256: string): void {
    objects.set(key, body);
    metadata.set(key, sha256);
  }

  function completed(upload: Upload, id: string, asked: string): Answer {
    const numbers = [...asked.matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) => Number(number));
    const parts = numbers.map((number) => upload.parts.get(number));
    if (parts.length === 0 || parts.includes(undefined)) return failed(400, 'InvalidPart');
    if (objects.has(upload.key)) return failed(412, 'PreconditionFailed');
    const body = Buffer.concat(parts.filter((part) => part !== undefined));
    uploads.delete(id);
    store(upload.key, body, upload.metadata);
    const checksum = `<ChecksumCRC32>${checksumOf(body)}</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>`;
    return xml(`<CompleteMultipartUploadResult><ETag>"made"</ETag>${checksum}</CompleteMultipartUploadResult>`);
  }

  function perform(call: string, { key, query, headers, body }: Parsed): Answer {
    const id = query.get('uploadId') ?? '';
    const upload = uploads.get(id);
    switch (call) {
      case 'CreateMultipartUpload': {
        made += 1;
        uploads.set(`upload-${made}`, { key, metadata: headers['x-amz-meta-sha256'] ?? '', parts: new Map() });
        return xml(`<InitiateMultipartUploadResult><UploadId>upload-${made}</UploadId></InitiateMultipartUploadResult>`);
      }
      case 'UploadPart':
        if (upload === undefined) return failed(404, 'NoSuchUpload');
        if (headers['x-amz-checksum-crc32'] !== checksumOf(body)) return failed(400, 'BadDigest');
        upload.parts.set(Number(query.get('partNumber')), body);
        return { status: 200, headers: { etag: etagOf(body) } };
      case 'CompleteMultipartUpload':
        return upload === undefined ? failed(404, 'NoSuchUpload') : completed(upload, id, body.toString('utf8'));
      case 'AbortMultipartUpload':
        return uploads.delete(id) ? { status: 204 } : failed(404, 'NoSuchUpload');
      case 'PutObject':
        if (headers['if-none-match'] === '*' && objects.has(key)) return failed(412, 'PreconditionFailed');
        store(key, body, headers['x-amz-meta-sha256'] ?? '');
        return { status: 200, headers: { etag: etagOf(body) } };
      default: {
        const found = objects.get(key);
        if (found === undefined) return failed(404, 'NoSuchKey');
        const answer = { etag: etagOf(found), 'last-modified': new Date(0).toUTCString(), 'x-amz-meta-sha256': metadata.get(key) ?? '' };
        return {
          status: 200,
          headers: { ...answer, 'content-length': String(found.length) },
          ...(call === 'GetObject' && { body: found }),
        };
      }
    }
  }

  const server = createServer((request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parsed = await parse(request).catch(() => undefined);
    // The caller is gone.
    if (parsed === undefined) return;
    const call = callOf(request.method ?? '', parsed.query);
    const fault = strike({ call, key: parsed.key, caller: parsed.caller });
    if (fault === 'silent') return;
    if (fault === 'reset') return void response.destroy();
    if (fault === 'refused') return send(response, failed(403, 'AccessDenied'));
    if (fault === 'unavailable') return send(response, failed(503, 'SlowDown'));
    const answer = perform(call, parsed);
    if (fault === 'lost') return void response.destroy();
    if (fault === 'silent-after') return;
    const spoilt = fault === 'cut' || fault === 'corrupt' ? spoil(answer, fault) : answer;
    send(response, spoilt, fault === 'cut');
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    objects,
    uploads,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Parsed {
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly caller: string;
}

async function parse(request: IncomingMessage): Promise<Parsed> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://s3');
  const [, , ...key] = decodeURIComponent(pathname).split('/');
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const caller = /Credential=(?<key>[^/]+)/.exec(headers['authorization'] ?? '')?.groups?.['key'] ?? '';
  return { key: key.join('/'), query: searchParams, headers, body: Buffer.concat(chunks), caller };
}

function callOf(method: string, query: URLSearchParams): string {
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'PUT') return query.has('partNumber') ? 'UploadPart' : 'PutObject';
  if (method === 'DELETE') return 'AbortMultipartUpload';
  return method === 'HEAD' ? 'HeadObject' : 'GetObject';
}

function send(response: ServerResponse, { status, body, headers }: Answer, cut = false): void {
  response.writeHead(status, { ...headers });
  if (!cut) return void response.end(body);
  response.write(body ?? '', () => response.destroy());
}

function spoil(answer: Answer, how: 'cut' | 'corrupt'): Answer {
  if (!(answer.body instanceof Buffer) || answer.body.length === 0) return answer;
  if (how === 'cut') return { ...answer, body: answer.body.subarray(0, answer.body.length >> 1) };
  const body = Buffer.from(answer.body);
  body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
  return { ...answer, body };
}

function failed(status: number, code: string): Answer {
  return { ...xml(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`), status };
}

function xml(body: string): Answer {
  return { status: 200, body, headers: { 'content-type': 'application/xml' } };
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function checksumOf(body: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
}
