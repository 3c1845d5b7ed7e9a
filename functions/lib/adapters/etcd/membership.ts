import { read } from './fields.ts';
import type { Method } from './messages.ts';
import { encode } from './protobuf.ts';

/**
 * What changes who is a member, who leads and which version the data has; field numbers as in etcdserverpb/rpc.proto of etcd
 * 3.6. Ids are hexadecimal text.
 */
export const MOVE_LEADER: Method<{ to: string }, undefined> = {
  path: '/etcdserverpb.Maintenance/MoveLeader',
  encode: ({ to }) => encode([[1, idOf(to)]]),
  decode: () => undefined,
};

export const MEMBER_REMOVE: Method<{ member: string }, undefined> = {
  path: '/etcdserverpb.Cluster/MemberRemove',
  encode: ({ member }) => encode([[1, idOf(member)]]),
  decode: () => undefined,
};

/** Answers the new member's id. */
export const MEMBER_ADD_LEARNER: Method<{ peerUrl: string }, string> = {
  path: '/etcdserverpb.Cluster/MemberAdd',
  encode: ({ peerUrl }) =>
    encode([
      [1, peerUrl],
      [2, true],
    ]),
  decode: (message) => read(read(message).bytes(2) ?? new Uint8Array()).id(1),
};

export const MEMBER_PROMOTE: Method<{ member: string }, undefined> = {
  path: '/etcdserverpb.Cluster/MemberPromote',
  encode: ({ member }) => encode([[1, idOf(member)]]),
  decode: () => undefined,
};

const DOWNGRADE_ACTIONS = { validate: 0, enable: 1, cancel: 2 } as const;

export type DowngradeAction = keyof typeof DOWNGRADE_ACTIONS;

export const DOWNGRADE: Method<{ action: DowngradeAction; version: string }, undefined> = {
  path: '/etcdserverpb.Maintenance/Downgrade',
  encode: ({ action, version }) =>
    encode([
      [1, DOWNGRADE_ACTIONS[action]],
      [2, version],
    ]),
  decode: () => undefined,
};

function idOf(hexadecimal: string): bigint {
  return BigInt(`0x${hexadecimal}`);
}
