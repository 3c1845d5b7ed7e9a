import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { decimalId } from '#domain/restore.ts';
import { ClusterUnreachableError, InputError, TransientError } from '#model/errors.ts';
import { RestoreOrder } from '#model/restore.ts';
import type { AccountView } from './aws.ts';
import type { MemberFile } from './etcd-member.ts';
import { parseJson } from './ignition.ts';
import { hostPath } from './paths.ts';

/** `/etc/sluice/restore-from.json` of an instance: where an order to restore is looked for. */
export const RestoreFile = z.object({ bucket: z.string().min(1), order: z.string().min(1) });

/** An order that was left behind is obeyed no more. */
const OBEYED_MILLISECONDS = 86_400_000;

interface Restoring {
  readonly root: string;
  readonly from: z.infer<typeof RestoreFile>;
  readonly member: z.infer<typeof MemberFile>;
  readonly self: { readonly name: string; readonly address: string };
  readonly identity: Readonly<Record<string, string>>;
  readonly view: AccountView;
  /** The path of `etcdutl`, which only a member that restores needs. */
  readonly etcdutl: () => Promise<string>;
}

/**
 * What `/opt/sluice/restore` of an instance does, before its etcd begins: the backup that is ordered takes the place of its data,
 * which is kept beside it; once on a volume. Answers what it did, for people; undefined when nothing is ordered.
 * @throws TransientError when the order or the backup can't be read, InputError when it is not what it should be
 */
export async function restoreMember(restoring: Restoring): Promise<string | undefined> {
  const { root, from, view } = restoring;
  const text = await orderOf(from, view);
  if (text === undefined) return undefined;
  const order = parseJson(RestoreOrder, text.toString('utf8'), from.order);
  const place = (name: string): string => hostPath(root, `/var/lib/etcd/${name}`);
  if (order.state !== 'ordered' || existsSync(place(`restored-${order.id}`))) return undefined;
  if (Date.now() - Date.parse(order.orderedAt) > OBEYED_MILLISECONDS) return `the order ${order.id} is older than a day and not obeyed`;
  const [data, before] = [place('data'), place(`data.before-${order.id}`)];
  if (!existsSync(data) && !existsSync(before) && (await isKnownToRestored(restoring, order)))
    return 'members that are restored know it: it is let in anew';
  if (!existsSync(before) || !existsSync(data)) {
    const work = place('restoring');
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    await restoreTo(work, order, restoring);
    if (!existsSync(before)) existsSync(data) ? renameSync(data, before) : mkdirSync(before);
    if (!existsSync(data)) renameSync(join(work, 'data'), data);
    rmSync(work, { recursive: true, force: true });
  }
  writeFileSync(place(`restored-${order.id}`), '');
  return `restored ${order.key} for ${order.id}`;
}

async function orderOf({ bucket, order }: z.infer<typeof RestoreFile>, view: AccountView): Promise<Buffer | undefined> {
  try {
    return await view.object(bucket, order);
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw new TransientError(`the order to restore s3://${bucket}/${order} can't be read: ${String(error)}`, { cause: error });
  }
}

async function isKnownToRestored({ member, self, identity }: Restoring, { old }: RestoreOrder): Promise<boolean> {
  const { 'ca.crt': ca, 'member.crt': cert, 'member.key': key } = identity;
  if (ca === undefined || cert === undefined || key === undefined)
    throw new InputError('the identity of a member has ca.crt, member.crt and member.key');
  for (const endpoint of member.endpoints.split(',').filter((one) => one !== `https://${self.address}:2379`)) {
    try {
      const members = await createEtcd({ endpoints: [endpoint], identity: { ca, cert, key } }).status();
      const restored = members.some(({ clusterId }) => clusterId !== '' && !old.includes(decimalId(clusterId)));
      if (restored && members.some(({ peerUrls, started }) => started && peerUrls.includes(`https://${self.address}:2380`))) return true;
    } catch (error) {
      if (!(error instanceof ClusterUnreachableError)) throw error;
    }
  }
  return false;
}

async function restoreTo(work: string, order: RestoreOrder, { from, view, member, self, etcdutl }: Restoring): Promise<void> {
  const snapshot = join(work, 'snapshot.db');
  const bytes = await view.object(from.bucket, order.key).catch((error: unknown) => {
    throw new TransientError(`the backup ${order.key} can't be read: ${String(error)}`, { cause: error });
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== order.sha256) throw new InputError(`${order.key} has the SHA-256 ${sha256} instead of ${order.sha256}`);
  writeFileSync(snapshot, bytes);
  const names = ['--name', self.name, '--initial-cluster', member.initialCluster, '--initial-cluster-token', order.token];
  const peer = ['--initial-advertise-peer-urls', `https://${self.address}:2380`];
  const revision = ['--bump-revision', String(order.bump), '--mark-compacted'];
  await promisify(execFile)(await etcdutl(), [
    'snapshot',
    'restore',
    snapshot,
    '--data-dir',
    join(work, 'data'),
    ...names,
    ...peer,
    ...revision,
  ]);
}
