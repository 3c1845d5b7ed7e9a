import { existsSync } from 'node:fs';
import * as z from 'zod';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { ClusterUnreachableError, InputError, TransientError } from '#model/errors.ts';
import { hostPath } from './paths.ts';

/** `/etc/sluice/member.json` of an instance: all members as `name=peer URL`, and their client URLs, each list parted by commas. */
export const MemberFile = z.object({ initialCluster: z.string().min(1), endpoints: z.string().min(1) });

interface Self {
  readonly name: string;
  readonly address: string;
}

/**
 * What `/opt/sluice/member` of an instance does: the environment that etcd begins by. With data it does not look at it.
 * @throws TransientError while the cluster runs and knows this member as one that had data
 */
export async function memberEnvironment(
  root: string,
  file: z.infer<typeof MemberFile>,
  self: Self,
  identity: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const begin = { ETCD_INITIAL_CLUSTER_STATE: 'new', ETCD_INITIAL_CLUSTER: file.initialCluster };
  if (existsSync(hostPath(root, '/var/lib/etcd/data/member'))) return begin;
  const peerUrl = `https://${self.address}:2380`;
  const others = file.endpoints.split(',').filter((endpoint) => endpoint !== `https://${self.address}:2379`);
  const members = others.length === 0 ? undefined : await listMembers(others, identity);
  const own = members?.find(({ peerUrls }) => peerUrls.includes(peerUrl));
  if (members === undefined || (own !== undefined && !own.started && own.name !== own.memberId)) return begin;
  if (own === undefined || own.started)
    throw new TransientError(
      `etcd knows ${peerUrl} as ${own === undefined ? 'absent' : 'started'}, and its data is not here: it must be let in anew`,
    );
  const all = members.map(({ name, memberId, peerUrls }) => `${name === memberId ? self.name : name}=${peerUrls[0] ?? ''}`);
  return { ETCD_INITIAL_CLUSTER_STATE: 'existing', ETCD_INITIAL_CLUSTER: all.join(',') };
}

/** undefined while no other member answers. */
async function listMembers(endpoints: readonly string[], identity: Readonly<Record<string, string>>) {
  const { 'ca.crt': ca, 'member.crt': cert, 'member.key': key } = identity;
  if (ca === undefined || cert === undefined || key === undefined)
    throw new InputError('the identity of a member has ca.crt, member.crt and member.key');
  try {
    return await createEtcd({ endpoints, identity: { ca, cert, key } }).status();
  } catch (error) {
    if (error instanceof ClusterUnreachableError) return undefined;
    throw error;
  }
}
