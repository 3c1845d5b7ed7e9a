import { hashSources } from '#domain/backup.ts';
import { findRecorded, isRecorded, type RecordedHash } from '#domain/hash-proof.ts';
import type { MemberHash } from '#domain/snapshot/verdicts.ts';
import type { HashRequest } from '#domain/snapshot/verify.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { Etcd, MemberStatus, ToldHash } from '#ports/etcd.ts';

/** Whom a snapshot is compared with. */
export interface AskedMembers {
  readonly etcd: Etcd;
  /** The member that it came from. */
  readonly endpoint: string;
  readonly members: readonly MemberStatus[];
}

export interface ToldHashes {
  readonly hashes: readonly MemberHash[];
  /** Who was asked, and why one of them told nothing. */
  readonly how: string;
}

/**
 * The hash of all up to the file's newest revision, which the member that it came from and the other followers compute.
 * @throws ClusterUnreachableError when the member that it came from does not tell
 */
export async function computedHashes({ etcd, endpoint, members }: AskedMembers, own: HashRequest): Promise<ToldHashes> {
  const hashes: MemberHash[] = [];
  const silent: string[] = [];
  for (const member of hashSources(members, endpoint)) {
    try {
      const told = await computedHash(etcd, member.endpoint, own);
      if (told === undefined) silent.push(`${member.name} was compacted at this very revision and went on`);
      else hashes.push({ ...told, source: member.name });
    } catch (error) {
      if (member.endpoint === endpoint || !(error instanceof ClusterUnreachableError)) throw error;
      silent.push(`${member.name} did not tell: ${error.message}`);
    }
  }
  const leader = members.some((member) => member.leader && member.endpoint !== endpoint)
    ? 'by HashKV, the leader is not asked'
    : 'by HashKV';
  return { hashes, how: [leader, ...silent].join('; ') };
}

/** undefined when the member can no longer tell a hash that the file could have. */
async function computedHash(etcd: Etcd, endpoint: string, { revision, compactRevision }: HashRequest) {
  const told = await etcd.keyValueHash(endpoint, revision);
  if (told.compactRevision >= compactRevision) return { revision, compactRevision: told.compactRevision, hash: told.hash };
  // Compacted exactly here, it tells what it recorded of records that are gone. The newest one is always computed.
  const newest = await etcd.keyValueHash(endpoint, 0);
  if (newest.newest !== revision || newest.compactRevision < compactRevision) return undefined;
  return { revision, compactRevision: newest.compactRevision, hash: newest.hash };
}

/**
 * What every member recorded at the first compaction after the file's. First the one that the file came from, then the others, the
 * leader last and only when none had to compute, for then it may have to as well.
 * @param from revision of the newest compaction, which must be done
 * @returns why, when the member that the file came from has recorded none that the file can have
 */
export async function recordedHashes(
  { etcd, endpoint, members }: AskedMembers,
  file: HashRequest,
  from: number,
): Promise<ToldHashes | { readonly why: string }> {
  const own = members.find((member) => member.endpoint === endpoint)?.name ?? endpoint;
  const recorded: RecordedHash = await findRecorded(file, from, (revision) => askOnce(etcd, endpoint, revision));
  if (!recorded.found) return { why: `${own}: ${recorded.why}` };
  const hashes: MemberHash[] = [{ ...recorded, source: own }];
  const silent: string[] = [];
  let computing = false;
  for (const member of othersLeaderLast(members, endpoint)) {
    if (member.leader && computing) {
      silent.push(`${member.name} leads and was not asked, for it may have to compute`);
      continue;
    }
    const told = await askOnce(etcd, member.endpoint, recorded.revision);
    if (told === undefined) silent.push(`${member.name} did not tell`);
    else if (told.compactRevision < file.compactRevision) silent.push(`${member.name} recorded one by another compaction`);
    else hashes.push({ ...told, revision: recorded.revision, source: member.name });
    computing ||= told === undefined || !isRecorded(recorded.revision, told);
  }
  const behind = file.revision - recorded.revision;
  const rest = behind === 0 ? '' : `; what changed in the ${behind} after it, to ${file.revision}, is not compared`;
  return { hashes, how: [`recorded at its compaction${rest}`, ...silent].join('; ') };
}

async function askOnce(etcd: Etcd, endpoint: string, revision: number): Promise<Pick<ToldHash, 'hash' | 'compactRevision'> | undefined> {
  try {
    const { hash, compactRevision } = await etcd.keyValueHash(endpoint, revision);
    return { hash, compactRevision };
  } catch (error) {
    if (error instanceof ClusterUnreachableError) return undefined;
    throw error;
  }
}

function othersLeaderLast(members: readonly MemberStatus[], endpoint: string): MemberStatus[] {
  const others = members.filter((member) => member.endpoint !== endpoint && member.healthy && !member.learner);
  return [...others.filter(({ leader }) => !leader), ...others.filter(({ leader }) => leader)];
}
