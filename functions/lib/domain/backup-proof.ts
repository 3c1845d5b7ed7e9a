import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { BackupManifest } from '../model/backup-records.ts';
import { changeBehind, type Layer, unproven } from './backup.ts';
import { canonicalJson } from './hash.ts';

/** Clocks of functions differ by less than this. */
const CLOCK_SKEW_MINUTES = 5;
/**
 * How old a backup may be when a change begins, in minutes: what a change of the control plane that goes wrong may cost. A backup
 * for etcd or for a deletion is taken under the cluster's lock for this very change; its limit is the lock's lease (docs/operate.md).
 */
export const MAX_AGE_MINUTES = { 'control-plane': 15, etcd: 60, deletion: 60 } as const;
export type GatedChange = keyof typeof MAX_AGE_MINUTES;

/** A manifest as it was stored, and what speaks against it. */
export interface Proof {
  /** Absent when it can't be read at all. */
  readonly manifest: BackupManifest | undefined;
  /** Empty: proven. */
  readonly problems: readonly string[];
}

/**
 * What is signed of a manifest: canonical JSON of all of it but the signature's value, so also by which key. It takes the object
 * as it was stored: a field that this version doesn't know is signed too.
 */
export function signedText(stored: object): string {
  return canonicalJson({ ...stored, signature: 'signature' in stored ? withoutValue(stored.signature) : undefined });
}

function withoutValue(signature: unknown): unknown {
  if (signature === null || typeof signature !== 'object' || Array.isArray(signature)) return signature;
  return Object.fromEntries(Object.entries(signature).filter(([name]) => name !== 'value'));
}

/**
 * Whether a stored manifest proves its backup. It does when each required layer holds and none fails, the recovery set is
 * there where a drill was wanted, and the key has signed every field of it; what the manifest says of itself (`proven`) does not count. Needs no network.
 * @param text of the object `manifest.json`
 * @param key public half of the account's signing key, PEM (`aws kms get-public-key`), or what KMS said of the MAC that `macOf` tells
 */
export function proofOf(text: string, required: readonly Layer[], key: SignatureKey): Proof {
  const stored = parsedObject(text);
  if (stored === undefined) return { manifest: undefined, problems: ['the manifest is no JSON object'] };
  const parsed = BackupManifest.safeParse(stored);
  if (!parsed.success) {
    const where = parsed.error.issues[0];
    return {
      manifest: undefined,
      problems: [`the manifest has another shape at ${where?.path.join('.') || 'its top'}: ${where?.message ?? ''}`],
    };
  }
  const manifest = parsed.data;
  return { manifest, problems: [...signatureProblems(stored, manifest, key), ...contentProblems(manifest, required)] };
}

/** By what a signature is checked. One of the other kind does not fit, whatever it is. */
export type SignatureKey = string | { readonly macFits: boolean };

/** What KMS has to be asked of a manifest that is signed by a MAC; undefined of any other, and of what is no manifest. */
export function macOf(text: string): { readonly text: string; readonly value: string } | undefined {
  const stored = parsedObject(text);
  const signature = stored === undefined ? undefined : BackupManifest.safeParse(stored).data?.signature;
  if (stored === undefined || signature?.algorithm !== 'HMAC_SHA_256') return undefined;
  return { text: signedText(stored), value: signature.value };
}

/** What speaks against a manifest whoever signed it; empty when nothing does. */
export function contentProblems(manifest: BackupManifest, required: readonly Layer[]): string[] {
  // The drill tells it: with which identity the data were served.
  const lost = required.includes('L6') && !manifest.recoverySet ? ['it has no recovery set: nothing says which keys open it'] : [];
  return [...lost, ...unproven(manifest.layers, required)];
}

function signatureProblems(stored: object, { signature }: BackupManifest, by: SignatureKey): string[] {
  if (signature === undefined) return ['it is not signed'];
  const wrong = [`the signature by ${signature.key} does not fit: it was changed, or signed by another key`];
  if (signature.algorithm === 'HMAC_SHA_256') {
    if (typeof by === 'string') return ['it is signed by a MAC: only KMS can tell whether that fits, and was not asked'];
    return by.macFits ? [] : wrong;
  }
  const key = typeof by === 'string' ? signingKey(by) : undefined;
  if (key === undefined) return ['the public key that was given is none of the curve P-256'];
  const text = Buffer.from(signedText(stored));
  return verify('sha256', text, { key, dsaEncoding: 'der' }, Buffer.from(signature.value, 'base64')) ? [] : wrong;
}

function signingKey(publicKey: string): KeyObject | undefined {
  try {
    const key = createPublicKey(publicKey);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

function parsedObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What a backup must be fresh for. */
export interface GateQuestion {
  readonly cluster: string;
  /** The execution that asks, which holds the cluster's lock. */
  readonly execution: string;
  /** The configuration that the change brings; absent for a deletion. */
  readonly revision?: string | undefined;
  readonly change: GatedChange;
  /** As the cluster tells it now; absent when it was not asked. */
  readonly etcdClusterId?: string | undefined;
  readonly now: Date;
}

export interface GateAnswer {
  readonly open: boolean;
  /** When it shuts again; absent when it is shut. */
  readonly until: Date | undefined;
  /** It is shut for the backup's age alone: a new one would open it. */
  readonly stale: boolean;
  /** Why it is shut; empty when it is open. */
  readonly reasons: readonly string[];
}

/**
 * Whether a dangerous change of a cluster may begin on the strength of this backup: proven, of this cluster, and fresh. For
 * etcd it must have been taken for this very revision; the control plane may also rely on one of the schedule.
 */
export function isFreshProof({ manifest, problems }: Proof, question: GateQuestion): GateAnswer {
  const shut = (reasons: readonly string[], stale = false): GateAnswer => ({ open: false, until: undefined, stale, reasons });
  if (manifest === undefined || problems.length > 0) return shut(problems.length > 0 ? problems : ['there is no manifest']);
  const taken = new Date(manifest.takenAt).getTime();
  const age = (question.now.getTime() - taken) / 60_000;
  const limit = limitOf(manifest, question);
  const reasons = [...bindingProblems(manifest, question), ...uncompared(manifest)];
  if (age < -CLOCK_SKEW_MINUTES) reasons.push(`it was taken at ${manifest.takenAt}, which is yet to come: a clock is wrong`);
  const stale = age >= limit;
  if (stale) reasons.push(`it is ${Math.floor(age)} minutes old; for ${question.change} it may be ${Math.floor(limit)}: take a new one`);
  if (reasons.length > 0) return shut(reasons, stale && reasons.length === 1);
  return { open: true, until: new Date(taken + limit * 60_000), stale: false, reasons: [] };
}

/**
 * In minutes. How long the proof of this execution's own backup took does not count, or a database that is proven slowly would
 * never be changed: the next backup would be no younger.
 */
function limitOf({ layers, execution }: BackupManifest, question: GateQuestion): number {
  const limit = MAX_AGE_MINUTES[question.change];
  if (changeBehind(execution) !== question.execution) return limit;
  const proving = layers.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  return Math.max(limit, Math.min(limit + proving, MAX_AGE_MINUTES.etcd));
}

/** Behind a change nothing of the file may be uncompared; a backup by schedule is compared up to a compaction only. */
function uncompared({ hashProof, etcd }: BackupManifest): string[] {
  if (hashProof === undefined || hashProof.revision >= etcd.revision) return [];
  return [`L3 compares it up to revision ${hashProof.revision}, and it ends at ${etcd.revision}: it was taken by schedule`];
}

function bindingProblems(manifest: BackupManifest, question: GateQuestion): string[] {
  const { cluster, execution, revision, change, etcdClusterId } = question;
  const problems: string[] = [];
  const purpose = manifest.purpose?.revision;
  if (manifest.cluster !== cluster) problems.push(`it is of ${manifest.cluster}, not of ${cluster}`);
  if (etcdClusterId !== undefined && manifest.etcd.clusterId !== etcdClusterId) {
    problems.push(`it is of the etcd cluster ${manifest.etcd.clusterId}, and ${etcdClusterId} runs`);
  }
  if (purpose === undefined && change === 'etcd') problems.push(`it was taken by schedule, not for the change to ${revision ?? 'nothing'}`);
  if (purpose !== undefined && purpose !== revision) {
    problems.push(`it was taken for the change to ${purpose}, not ${revision === undefined ? `for a ${change}` : `to ${revision}`}`);
  }
  const behind = changeBehind(manifest.execution);
  if (behind !== execution && (behind !== undefined || change !== 'control-plane')) {
    problems.push(`it was taken by ${manifest.execution}, not under the lock of ${execution}`);
  }
  return problems;
}
