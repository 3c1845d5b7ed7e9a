import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBinaries } from '#adapters/files/binaries.ts';
import { diskError } from '#adapters/files/disk-full.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys, bucketName } from '#domain/names.ts';
import { readContent } from '#domain/snapshot/verify.ts';
import { BackupNotProvenError, ClusterUnreachableError, TransientError } from '#model/errors.ts';
import type { ApiDrill } from '#ports/api-drill.ts';
import type { Blobs } from '#ports/blobs.ts';
import type { EtcdDrill } from '#ports/drill.ts';
import type { Etcd } from '#ports/etcd.ts';
import type { Signer } from '#ports/signer.ts';
import { parseCall, runStep } from '#runtime/call.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { AslError } from '../asl/errors.ts';
import type { Execution } from '../asl/execution.ts';
import { createWorld } from '../asl/world.ts';
import { CLUSTER } from '../cluster-ref.ts';
import { createFakeEtcd, databaseOf } from '../fakes/etcd.ts';
import { createFakeKubernetes } from '../fakes/kubernetes.ts';
import { createFakeObjects } from '../fakes/objects.ts';
import { createFakeSecrets } from '../fakes/secrets.ts';
import { createFakeSigner } from '../fakes/signer.ts';
import { readDefinitions } from '../state-machines/definitions.ts';
import { runnableSteps } from '../state-machines/steps.ts';
import { type MemoryS3, type S3Request, startMemoryS3 } from './memory-s3.ts';
import type { Place, Points } from './points.ts';

const MACHINES = { 'backup-etcd': readDefinitions()['backup-etcd'] };
const STEPS = (await runnableSteps()).map(({ step }) => step);
const START = Date.UTC(2026, 0, 5, 8);
/** Half of the runs upload in parts, of which even a small snapshot has several. */
const PART_BYTES = 8 * 1024;
const BINARY = Buffer.from('binary');
/** What Lambda says of a function at its timeout. */
const KILLED = 'Sandbox.Timedout';

export interface BackupWorld {
  readonly s3: MemoryS3;
  /** Where functions write to. */
  readonly root: string;
  /** What etcd streams; a test changes it as clients do. */
  setDatabase(value: string): void;
  /** Everything that etcd has ever held, as the snapshot that it is. */
  readonly truths: readonly Uint8Array[];
  /** Whether a function was ended in its midst. */
  readonly killed: () => boolean;
  run(name: string): Promise<Execution>;
  close(): Promise<void>;
}

/**
 * The state machine `backup-etcd` with its real steps, the real adapters of files and of S3 over a store in memory, and an etcd of
 * three members, a drill and an API server in memory, each of which may be struck.
 */
export async function createBackupWorld(points: Points, inParts: boolean): Promise<BackupWorld> {
  const root = mkdtempSync(join(tmpdir(), 'sl-faults-'));
  const dead = new Set<string>();
  const stopped = new Map<string, () => void>();
  const waiting: ((reason: Error) => void)[] = [];
  const runs: Promise<unknown>[] = [];
  const s3 = await startMemoryS3((request) => {
    if (dead.has(request.caller)) return 'silent';
    const fault = points.visit(`s3 ${request.call} of ${subjectOf(request)}`);
    if (fault === 'silent' || fault === 'silent-after') kill(request.caller);
    return fault as ReturnType<Parameters<typeof startMemoryS3>[0]>;
  });
  let etcd = createFakeEtcd(['a', 'b', 'c']);
  const truths: Uint8Array[] = [etcd.snapshotFile];
  const secrets = createFakeSecrets();
  const signer = createFakeSigner();
  const kubernetes = createFakeKubernetes();
  await issueIdentity.run(
    { cluster: CLUSTER },
    { secrets, authority: createAuthority(), clock: { now: () => new Date(START) }, issuer: createFakeObjects() },
    EXECUTION,
  );
  await publish(s3, await kubernetes.version());

  /** Ends a function: no call of it is answered any more, and nothing of it goes on. */
  function kill(caller: string): void {
    dead.add(caller);
    stopped.get(caller)?.();
  }

  /** What an ended function waits for: nothing, until the world is closed and gives back what it holds open. */
  function stay(): Promise<never> {
    return new Promise((_, reject) => {
      waiting.push(reject);
    });
  }

  /** Asks whether something happens at this place, which a function that has ended never comes beyond. */
  async function come<T>(caller: string, place: Place, otherwise: (fault: string) => T | Promise<T>, go: () => Promise<T>): Promise<T> {
    if (dead.has(caller)) return stay();
    const fault = points.visit(place);
    if (fault === undefined) return go();
    if (fault !== 'killed') return otherwise(fault);
    kill(caller);
    return stay();
  }

  const unreachable = (): never => {
    throw new ClusterUnreachableError('no answer');
  };

  function etcdOf(caller: string): Etcd {
    return {
      ...etcd,
      status: () => come(caller, 'status', unreachable, () => etcd.status()),
      async *snapshot(endpoint) {
        for await (const chunk of etcd.snapshot(endpoint)) {
          let ends = false;
          yield await come(
            caller,
            'chunk',
            (fault) => {
              ends = fault === 'ends';
              if (fault === 'unreachable') return unreachable();
              if (fault === 'full') throw fullDisk(root);
              return ends ? { ...chunk, bytes: chunk.bytes.subarray(0, 0) } : { ...chunk, bytes: flipped(chunk.bytes) };
            },
            async () => chunk,
          );
          if (ends) return;
        }
      },
      compactedAt: (endpoint) =>
        come(caller, 'compaction', unreachable, async () => {
          // The API server has compacted while the backup waited for it.
          if ((await etcd.compactedAt(endpoint)) < COMPACTED_AT) etcd.compact(COMPACTED_AT);
          return etcd.compactedAt(endpoint);
        }),
      keyValueHash(endpoint, revision) {
        const place = endpoint === 'https://b.example:2379' ? 'hash' : 'hash of another';
        const ask = () => etcd.keyValueHash(endpoint, revision);
        const wrong = async () => ({ ...(await ask()), hash: 1 });
        return come(caller, place, (fault) => (fault === 'wrong' ? wrong() : unreachable()), ask);
      },
    };
  }

  function blobsOf(caller: string, blobs: Blobs): Blobs {
    const full = (path: string) => () => Promise.reject(fullDisk(path));
    return { ...blobs, downloadFile: (key, path) => come(caller, 'download', full(path), () => blobs.downloadFile(key, path)) };
  }

  function drillOf(caller: string): EtcdDrill {
    return {
      restore: ({ snapshot }) => {
        const ask = async () => restored(root, snapshot);
        const wrong = async () => ({ ...(await ask()), hash: 1 });
        return come(caller, 'restore', (fault) => (fault === 'wrong' ? wrong() : notProven('etcd does not start')), ask);
      },
    };
  }

  function apiDrillOf(caller: string): ApiDrill {
    return {
      serve: ({ snapshot }) => {
        const ask = async () => served(restored(root, snapshot).revision, 0);
        const wrong = async () => served(restored(root, snapshot).revision, 1);
        return come(caller, 'serve', (fault) => (fault === 'wrong' ? wrong() : notProven('no API server')), ask);
      },
    };
  }

  /** `wrong`: a signature of something else. */
  function signerOf(caller: string): Signer {
    const otherwise = (fault: string): Promise<string> =>
      fault === 'wrong' ? signer.sign('something else') : Promise.reject(new TransientError('KMS answers 503'));
    return { ...signer, sign: (text) => come(caller, 'sign', otherwise, () => signer.sign(text)) };
  }

  function portsOf(caller: string) {
    const config = {
      endpoint: s3.endpoint,
      region: CLUSTER.region,
      credentials: { accessKeyId: caller, secretAccessKey: 'secret' },
      forcePathStyle: true,
      // Without its own pauses: what they wait for is a machine's second attempt here, and time is not real.
      maxAttempts: 2,
    };
    const bucket = bucketName(CLUSTER.account, CLUSTER.region);
    const limits = { partBytes: PART_BYTES, concurrency: 2 };
    const blobs = createBlobs(bucket, inParts ? { ...config, singlePutBytes: 0, limits } : config);
    const version = () => come(caller, 'version', unreachable, () => kubernetes.version());
    const away = () => Promise.reject(new TransientError('Secrets Manager answers 503'));
    return {
      etcd: async () => etcdOf(caller),
      blobs: blobsOf(caller, blobs),
      objects: createObjects(bucket, config),
      scratch: createScratch(root),
      binaries: createBinaries(join(root, 'binaries')),
      drill: drillOf(caller),
      apiDrill: apiDrillOf(caller),
      kubernetes: async () => ({ ...kubernetes, version }),
      signer: signerOf(caller),
      secrets: { ...secrets, getVersion: (id: string) => come(caller, 'secret', away, () => secrets.getVersion(id)) },
      clock: { now: () => new Date(world.now()) },
    };
  }

  let calls = 0;
  const world = createWorld({
    machines: MACHINES,
    startsAt: START,
    async task({ payload }) {
      calls += 1;
      const caller = `call${calls}`;
      const ended = new Promise<never>((_, reject) => {
        stopped.set(caller, () => reject(new AslError(KILLED, 'the function was ended at its timeout')));
      });
      const call = parseCall(payload);
      const run = runStep(STEPS, call, portsOf(caller) as never);
      runs.push(run);
      return Promise.race([run, ended]);
    },
  });

  return {
    s3,
    root,
    truths,
    killed: () => dead.size > 0,
    setDatabase(value) {
      etcd = createFakeEtcd(['a', 'b', 'c']);
      etcd.snapshotFile = databaseOf(value);
      truths.push(etcd.snapshotFile);
    },
    async run(name) {
      const execution = await world.run('backup-etcd', name, {
        cluster: CLUSTER,
        progress: null,
        drill: true,
        kubernetes: await kubernetes.version(),
      });
      // The next one begins at another time.
      await world.pass(3600);
      return execution;
    },
    async close() {
      await s3.close();
      for (const reject of waiting) reject(new TransientError('the world is closed'));
      await Promise.allSettled(runs);
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const EXECUTION = { execution: 'before' };
/** After the compaction that the file has, before its end. */
const COMPACTED_AT = 95;

/** What a request is about, so that the same call for something else is another place. */
function subjectOf({ key }: S3Request): string {
  if (key.endsWith('snapshot.db')) return 'a file, the snapshot';
  if (key.endsWith('manifest.json')) return 'the manifest';
  return key.endsWith('.json') ? 'an index of artifacts' : 'a file, a tool';
}

async function publish({ objects }: MemoryS3, kubernetes: string): Promise<void> {
  const hash = sha256(BINARY);
  const products = [
    { name: 'etcd', version: '3.6.16', files: ['etcd', 'etcdutl'] },
    { name: 'kubernetes', version: kubernetes, files: ['kube-apiserver'] },
  ];
  for (const { name, version, files } of products) {
    const index = { name, version, state: 'ready', files: files.map((file) => ({ file, sha256: hash, bytes: BINARY.length })) };
    objects.set(accountKeys.artifactIndex(name, version), Buffer.from(JSON.stringify(index)));
    for (const file of files) objects.set(accountKeys.artifact(name, version, hash, file), BINARY);
  }
}

/** What a real etcd tells of a file: the drill itself is held to one elsewhere. */
function restored(root: string, snapshot: string) {
  const content = createScratch(root).read(snapshot, (file) => readContent(file, () => undefined));
  const { revision, compactRevision, counts, hashes } = content;
  const keys = Object.entries(counts.kinds).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => `/registry/${kind}/a/${index}`),
  );
  return { version: '3.6.16', revision, hash: hashes[0]?.hash ?? 0, compactRevision, keys };
}

function served(revision: number, missing: number) {
  const names = { missing: missing === 0 ? [] : ['a/0'], missingCount: missing, added: [], addedCount: 0 };
  const pods = { name: 'pods', prefix: 'pods', stored: 20, listed: 20 - missing, ...names };
  return { revision: revision + 1000, bump: 1000, resources: [pods], unserved: {}, aggregated: [], oldWatch: 410 };
}

function notProven(reason: string): Promise<never> {
  return Promise.reject(new BackupNotProvenError(reason));
}

function fullDisk(path: string): unknown {
  return diskError(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }), path);
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 4;
  return copy;
}
