import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { callOnce } from '#adapters/etcd/connection.ts';
import { HASH_KV } from '#adapters/etcd/messages.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { startMinistack } from '../support/ministack.ts';
import { provideBinaries } from './binaries.ts';
import type { Bench, BenchContext, Measure } from './measure.ts';
import { percentile } from './measure.ts';

const run = promisify(execFile);
const MEGABYTE = 1024 * 1024;
/** Of the database; `BENCH_ETCD_MB` for a smaller try. */
const SIZE_MB = 2048;
const VALUE_BYTES = 1024;
/** Values of one transaction: etcd allows 128 operations and 1.5 MiB. */
const BATCH = 120;
const WRITERS = 4;
const BUCKET = 'bench';
const QUIET_SECONDS = 10;
const CALL_MILLISECONDS = 60_000;

/** Of a stream and of its peer; the one in the middle counts. */
const ROUNDS = 3;

const Told = z.looseObject({ seconds: z.number(), megabytes: z.number() });
const Streamed = Told.extend({ spoolSeconds: z.number() });

export const etcdBench: Bench = {
  name: 'etcd',
  what: `A database of ${SIZE_MB} MB and values of ${VALUE_BYTES} bytes. The verifier (SHA-256 of the file, every page, the key-value hash) in a process of its own, against \`etcdutl hashkv\` on a copy. A backup's stream to disk and from there into the local object store, against \`etcdctl snapshot save\` to disk, in turn, the middle of ${ROUNDS}, and the largest memory; the upload alone against \`@aws-sdk/lib-storage\`. What a client's writes take while a backup is taken and verified, against rest.`,
  run: measure,
};

async function measure(context: BenchContext): Promise<Measure[]> {
  const megabytes = Number(process.env['BENCH_ETCD_MB'] ?? SIZE_MB);
  await provideBinaries(context.log);
  const plane = await startControlPlane({ api: false, etcdFlags: ['--quota-backend-bytes', String(16 * 1024 * MEGABYTE)] });
  const aws = await startMinistack();
  try {
    const s3 = { ...aws.of(plane.cluster.account) };
    await new S3Client({ ...s3, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: BUCKET }));
    const identity = await plane.client('etcd');
    const target = { url: plane.etcdEndpoint, identity };
    await fill(target, megabytes, context.log);
    const identityFile = join(context.directory, 'identity.json');
    writeFileSync(identityFile, JSON.stringify(identity), { mode: 0o600 });
    const saved = join(context.directory, 'saved.db');
    const places = { s3, bucket: BUCKET };
    const peers: number[] = [];
    const streams: z.infer<typeof Streamed>[] = [];
    // In turn, so that what else the machine does meets both.
    for (let round = 1; round <= ROUNDS; round += 1) {
      rmSync(saved, { force: true });
      const peer = await timed(() => save(plane.etcdEndpoint, identity, saved, context.directory));
      const stream = Streamed.parse(
        await child({
          act: 'stream',
          endpoint: plane.etcdEndpoint,
          identity: identityFile,
          directory: context.directory,
          ...places,
          key: 'stream',
        }),
      );
      await remove(s3, 'stream');
      peers.push(peer);
      streams.push(stream);
      context.log(
        `${(statSync(saved).size / MEGABYTE).toFixed(0)} MB: etcdctl snapshot save ${peer.toFixed(1)} s; backup ${stream.seconds.toFixed(1)} s, of it to disk ${stream.spoolSeconds.toFixed(1)} s, ${stream.megabytes.toFixed(0)} MB of memory`,
      );
    }
    const bytes = statSync(saved).size;
    const peer = percentile(peers, 50);
    const sha256 = await hashOf(saved);
    const own = await child({ act: 'own-upload', path: saved, sha256, ...places, key: 'own' });
    await remove(s3, 'own');
    const library = await child({ act: 'lib-storage', path: saved, ...places, key: 'library' });
    await remove(s3, 'library');
    context.log(
      `upload: ${own.seconds.toFixed(1)} s and ${own.megabytes.toFixed(0)} MB; lib-storage ${library.seconds.toFixed(1)} s and ${library.megabytes.toFixed(0)} MB`,
    );
    const verify = await child({ act: 'verify', path: saved });
    const live = await callOnce(target, HASH_KV, { revision: 0 }, CALL_MILLISECONDS);
    if (verify['hash'] !== live.hash) throw new Error(`the verifier's hash is ${String(verify['hash'])}, the member's ${live.hash}`);
    const copy = join(context.directory, 'copy.db');
    copyFileSync(saved, copy);
    const hashkv = await timed(() => run('etcdutl', ['hashkv', copy], { env: toolEnv() }));
    rmSync(copy);
    context.log(
      `verifier: ${verify.seconds.toFixed(1)} s, of it pages and hash ${String(verify['contentSeconds'])} s; etcdutl hashkv ${hashkv.toFixed(1)} s`,
    );
    const rest = await writesDuring(target, () => new Promise((done) => setTimeout(done, QUIET_SECONDS * 1000)));
    const busy = await writesDuring(target, async () => {
      await child({
        act: 'stream',
        endpoint: plane.etcdEndpoint,
        identity: identityFile,
        directory: context.directory,
        ...places,
        key: 'busy',
      });
      await child({ act: 'verify', path: saved });
    });
    context.log(`writes, 99 of 100 within: ${(rest * 1000).toFixed(1)} ms at rest, ${(busy * 1000).toFixed(1)} ms beside a backup`);
    return [
      measureOf('verify.speed', bytes / MEGABYTE / verify.seconds, 'MB/s', '>=', 300),
      measureOf('verify.memory', verify.megabytes, 'MB', '<=', 300),
      measureOf('verify.against-etcdutl', hashkv / verify.seconds, 'x', '>=', 1),
      measureOf('stream.against-etcdctl', peer / middle(streams, 'seconds'), 'x', '>=', 0.8),
      measureOf('stream.to-disk-against-etcdctl', peer / middle(streams, 'spoolSeconds'), 'x', '>=', 1),
      measureOf(
        'stream.memory',
        percentile(
          streams.map(({ megabytes }) => megabytes),
          100,
        ),
        'MB',
        '<=',
        200,
      ),
      measureOf('upload.against-lib-storage', library.seconds / own.seconds, 'x', '>=', 1.2),
      measureOf('writes.against-rest', busy / rest, 'x', '<=', 2),
    ];
  } finally {
    await aws.stop();
    await plane.stop();
  }
}

function measureOf(name: string, value: number, unit: Measure['unit'], op: Measure['goal']['op'], number: number): Measure {
  return { name: `etcd.${name}`, value, unit, goal: { op, number } };
}

function middle(streams: readonly z.infer<typeof Streamed>[], of: 'seconds' | 'spoolSeconds'): number {
  return percentile(
    streams.map((stream) => stream[of]),
    50,
  );
}

/** Where etcdctl and etcdutl are. */
function toolEnv(): NodeJS.ProcessEnv {
  return { PATH: `${process.env['SLUICE_TEST_BINARIES']}:/usr/bin:/bin`, HOME: '/nonexistent' };
}

type Target = Parameters<typeof callOnce>[0];

async function fill(target: Target, megabytes: number, log: (line: string) => void): Promise<void> {
  const total = Math.round((megabytes * MEGABYTE) / (VALUE_BYTES + 400));
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < total) {
      const from = next;
      next += BATCH;
      await put(target, from, Math.min(BATCH, total - from));
      if (from % (BATCH * 2000) === 0) log(`${from} of ${total} keys`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** A transaction of puts, each key of its own. */
async function put(target: Target, from: number, count: number): Promise<void> {
  const operations = Array.from({ length: count }, (_, index) => {
    const key = Buffer.from(`/registry/pods/ns${(from + index) % 97}/pod-${from + index}`);
    const value = Buffer.alloc(VALUE_BYTES, createHash('sha256').update(key).digest());
    return field(2, field(2, field(1, key), field(2, value)));
  });
  const method = { path: '/etcdserverpb.KV/Txn', encode: () => Buffer.concat(operations), decode: () => undefined };
  await callOnce(target, method, undefined, CALL_MILLISECONDS);
}

/** A field of Protocol Buffers with bytes in it: the codec of the product is made for few and short ones. */
function field(number: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [(number << 3) | 2];
  for (let rest = length; ; rest >>>= 7) {
    head.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), ...parts]);
}

/** The 99th percentile of single writes, one after another, while something goes on. Seconds. */
async function writesDuring(target: Target, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  let over = false;
  const writes = (async () => {
    for (let index = 0; !over; index++) {
      const from = performance.now();
      await put(target, 1_000_000_000 + (index % 1000), 1);
      times.push((performance.now() - from) / 1000);
      await new Promise((done) => setTimeout(done, 5));
    }
  })();
  await work();
  over = true;
  await writes;
  return percentile(times, 99);
}

async function save(endpoint: string, identity: { ca: string; cert: string; key: string }, path: string, directory: string): Promise<void> {
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const tls = [
    '--cacert',
    file('ca.crt', identity.ca),
    '--cert',
    file('client.crt', identity.cert),
    '--key',
    file('client.key', identity.key),
  ];
  await run('etcdctl', ['--endpoints', endpoint, ...tls, 'snapshot', 'save', path], { env: toolEnv() });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
}

async function child(work: Record<string, unknown>): Promise<z.infer<typeof Told>> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'etcd-child.ts'), JSON.stringify(work)], {
    maxBuffer: MEGABYTE,
  });
  return Told.parse(JSON.parse(stdout));
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The emulated store keeps what it has in memory. */
async function remove(s3: object, key: string): Promise<void> {
  await new S3Client({ ...s3, forcePathStyle: true }).send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
}
