import { RefusedError } from '../model/errors.ts';
import type { JoinRequest } from '../model/join.ts';
import type { LeafRequest } from '../ports/authority.ts';
import type { Caller, SignedRequest } from '../ports/callers.ts';
import type { Machine } from '../ports/machines.ts';
import { sha256 } from './hash.ts';

/** Headers by which a node's signature is bound: for which cluster it is, and for which key. */
export const CLUSTER_HEADER = 'x-sluice-cluster';
export const REQUEST_HEADER = 'x-sluice-request';

/** The signature must cover them, or they would be anybody's. */
const MUST_BE_SIGNED = ['host', 'x-amz-date', 'x-amz-security-token', CLUSTER_HEADER, REQUEST_HEADER];

/** A signature is good this long after it was made; STS alone would take it for 15 minutes. */
const VALID_SECONDS = 300;
/** Clocks of instances are not exact. */
const AHEAD_SECONDS = 60;

/** Lifetime of a node's certificate. It is renewed every three hours (`sluice-renew.timer`): three tries may fail. */
const CERTIFICATE_HOURS = 12;
const CLOCK_SKEW_SECONDS = 300;

/** States of an instance of a group that serves or is about to. */
const LIVE_LIFECYCLE = /^(Pending|Pending:Wait|Pending:Proceed|InService)$/;

/**
 * The request that STS is to judge: bound to the cluster and to the very key that asks for a certificate. Who copies it
 * within its five minutes gets at most the same certificate once more, without its key.
 * @throws RefusedError
 */
export function signedRequest({ cluster, csr, sts }: JoinRequest, region: string, now: Date): SignedRequest {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=[\w]+\/(\d{8})\/([a-z0-9-]+)\/([a-z]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$/.exec(
      sts.authorization,
    );
  if (parts === null) throw new RefusedError('the authorization is not a signature of version 4');
  const [, day, signedRegion, service, headers = ''] = parts;
  if (service !== 'sts' || signedRegion !== region)
    throw new RefusedError(`the request is signed for ${service} in ${signedRegion}, not for sts in ${region}`);
  const missing = MUST_BE_SIGNED.filter((name) => !headers.split(';').includes(name));
  if (missing.length > 0) throw new RefusedError(`the signature does not cover ${missing.join(', ')}`);
  const age = (now.getTime() - timeOf(sts.date).getTime()) / 1000;
  if (day !== sts.date.slice(0, 8) || !(age <= VALID_SECONDS && age >= -AHEAD_SECONDS))
    throw new RefusedError(`the request was signed at ${sts.date}; it is good for ${VALID_SECONDS} s`);
  const bound = { [CLUSTER_HEADER]: cluster, [REQUEST_HEADER]: sha256(csr) };
  return { authorization: sts.authorization, date: sts.date, token: sts.token, bound };
}

/** An `X-Amz-Date` as a time. */
function timeOf(date: string): Date {
  return new Date(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

/** The instance whose role's session signed: EC2 names the session by the instance. @throws RefusedError */
export function callingInstance(caller: Caller, account: string): { instance: string; role: string } {
  const [, of, role, instance] = /^arn:[a-z-]+:sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\/(i-[0-9a-f]{8,17})$/.exec(caller.arn) ?? [];
  if (role === undefined || instance === undefined) throw new RefusedError(`${caller.arn} is not the role of an instance`);
  if (caller.account !== account || of !== account) throw new RefusedError(`${caller.arn} is not of account ${account}`);
  return { instance, role };
}

/** What is known of an instance that may be a node. */
export interface JoiningNode {
  readonly name: string;
  readonly pool: string;
  readonly address: string;
}

/**
 * Whether the instance may be a node of the cluster: it lives, is of a pool of this cluster, and the role that signed is
 * its own. A role alone proves nothing: somebody who may assume it could name the session as an instance.
 * @throws RefusedError with the reason
 */
export function decideJoin(cluster: string, who: { instance: string; role: string }, machine: Machine | undefined): JoiningNode {
  const refuse = (reason: string): RefusedError => new RefusedError(`${who.instance} may not join ${cluster}: ${reason}`);
  if (machine === undefined || machine.id !== who.instance) throw refuse('there is no such instance');
  if (machine.state !== 'running' && machine.state !== 'pending') throw refuse(`it is ${machine.state}`);
  if (!machine.roles.includes(who.role)) throw refuse(`${who.role} is not its role`);
  const { group } = machine;
  if (group === undefined) throw refuse('it is in no Auto Scaling group');
  if (group.tags['sluice:cluster'] !== cluster) throw refuse(`its group ${group.name} is not of this cluster`);
  const pool = /^pool-(.+)$/.exec(group.tags['sluice:role'] ?? '')?.[1];
  if (pool === undefined) throw refuse(`its group ${group.name} is not a node pool`);
  if (!LIVE_LIFECYCLE.test(group.lifecycleState)) throw refuse(`it is ${group.lifecycleState} in ${group.name}`);
  if (group.healthStatus.toLowerCase() !== 'healthy') throw refuse(`it is ${group.healthStatus} in ${group.name}`);
  if (machine.address === undefined) throw refuse('it has no private address');
  return { name: machine.id, pool, address: machine.address };
}

/**
 * A node's certificate: by it the kubelet enters the API as this node and no other (the API server's Node authorizer and
 * NodeRestriction go by the name), and serves at its own address.
 */
export function nodeCertificate({ name, address }: JoiningNode, now: Date): LeafRequest {
  return {
    commonName: `system:node:${name}`,
    organizations: ['system:nodes'],
    dns: [name],
    addresses: [address],
    usages: ['client', 'server'],
    from: new Date(now.getTime() - CLOCK_SKEW_SECONDS * 1000),
    until: new Date(now.getTime() + CERTIFICATE_HOURS * 3600 * 1000),
  };
}
