import { trustedAuthorities } from '#domain/identity.ts';
import { callingInstance, decideJoin, nodeCertificate, signedRequest } from '#domain/join.ts';
import { secretIds } from '#domain/names.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import { AuthoritySecret } from '#model/identity.ts';
import { type JoinAnswer, JoinRequest } from '#model/join.ts';
import type { Authority } from '#ports/authority.ts';
import type { Callers } from '#ports/callers.ts';
import type { Clock } from '#ports/clock.ts';
import type { Log } from '#ports/log.ts';
import type { Machines } from '#ports/machines.ts';
import type { Secrets } from '#ports/secrets.ts';

export interface JoinPorts {
  readonly callers: Callers;
  readonly machines: Machines;
  readonly secrets: Secrets;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Log;
  /** Where this function runs. */
  readonly account: string;
  readonly region: string;
}

/**
 * Gives an instance the certificate by which it is a node of its cluster, for twelve hours. Who it is says STS, what it is
 * say EC2 and Auto Scaling; nothing that it tells of itself counts but its key.
 * @throws InputError, RefusedError, NotFoundError, TransientError
 */
export async function joinNode(event: unknown, ports: JoinPorts): Promise<JoinAnswer> {
  const parsed = JoinRequest.safeParse(event);
  // What was sent is not told: it holds credentials.
  if (!parsed.success) throw new InputError('not a request to join');
  const request = parsed.data;
  const who = callingInstance(await ports.callers.identify(signedRequest(request, ports.region, ports.clock.now())), ports.account);
  const node = decideJoin(request.cluster, who, await ports.machines.find(who.instance));
  const id = secretIds.authority(request.cluster);
  const text = await ports.secrets.get(id);
  if (text === undefined) throw new NotFoundError(`cluster ${request.cluster} has no identity: issue-identity must run first`);
  const files = AuthoritySecret.parse(JSON.parse(text));
  const leaf = nodeCertificate(node, ports.clock.now());
  const certificate = await ports.authority.certify({ certificate: files['ca.crt'], key: files['ca.key'] }, request.csr, leaf);
  const until = leaf.until.toISOString();
  ports.log.info('node certified', { cluster: request.cluster, node: node.name, pool: node.pool, role: who.role, until });
  return { certificate, ca: trustedAuthorities(files), until };
}
