import { breakGlassCertificate } from '#domain/access.ts';
import { trustedAuthorities } from '#domain/identity.ts';
import { kubeconfigOf } from '#domain/kubeconfig.ts';
import { accountKeys, secretIds } from '#domain/names.ts';
import { API_PORT } from '#domain/network.ts';
import { type BreakGlassRecord, BreakGlassRequest } from '#model/access.ts';
import { InputError, NotFoundError, TransientError } from '#model/errors.ts';
import { AuthoritySecret } from '#model/identity.ts';
import type { Authority } from '#ports/authority.ts';
import type { Clock } from '#ports/clock.ts';
import type { Log } from '#ports/log.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Secrets } from '#ports/secrets.ts';

export interface BreakGlassPorts {
  readonly objects: Pick<ObjectStore, 'putIfAbsent'>;
  readonly secrets: Secrets;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Log;
}

/** A kubeconfig, and when its certificate ends. */
export interface BreakGlassAnswer {
  readonly kubeconfig: string;
  readonly until: string;
}

/**
 * Gives an administrator's kubeconfig of one hour. Who asks and why is recorded first: without the record there is no
 * certificate. @throws InputError, NotFoundError, TransientError
 */
export async function issueBreakGlass(event: unknown, ports: BreakGlassPorts): Promise<BreakGlassAnswer> {
  const parsed = BreakGlassRequest.safeParse(event);
  if (!parsed.success) throw new InputError('send {"cluster": "<name>", "by": "<who you are>", "reason": "<why, at least 10 characters>"}');
  const { cluster, by, reason } = parsed.data;
  const now = ports.clock.now();
  const id = secretIds.authority(cluster);
  const text = await ports.secrets.get(id);
  if (text === undefined) throw new NotFoundError(`there is no secret ${id}; is ${cluster} a cluster of this account?`);
  const files = AuthoritySecret.parse(JSON.parse(text));
  const leaf = breakGlassCertificate(by, now);
  const at = now.toISOString();
  const record: BreakGlassRecord = { cluster, by, reason, at, until: leaf.until.toISOString() };
  if (!(await ports.objects.putIfAbsent(accountKeys.breakGlass(cluster, at), JSON.stringify(record))))
    throw new TransientError('somebody else asked in the same moment; ask again');
  ports.log.warn('the glass is broken', { ...record });
  const pair = await ports.authority.issue({ certificate: files['ca.crt'], key: files['ca.key'] }, leaf);
  const server = `https://api.${cluster}.sluice.internal:${API_PORT}`;
  const identity = { ca: trustedAuthorities(files), cert: pair.certificate, key: pair.key };
  return { kubeconfig: kubeconfigOf(server, 'kubernetes', identity), until: record.until };
}
