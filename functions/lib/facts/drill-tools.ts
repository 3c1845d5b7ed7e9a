import { secretIds } from '#domain/names.ts';
import { NotFoundError } from '#model/errors.ts';
import { AuthoritySecret } from '#model/identity.ts';
import type { Secrets } from '#ports/secrets.ts';
import { type ArtifactPorts, openArtifact } from './artifacts.ts';

/** Paths of the programs that serve a restored snapshot, of these versions. @throws NotFoundError for what is not published in this account */
export async function openDrillTools(ports: ArtifactPorts, versions: { readonly kubernetes: string; readonly etcd: string }) {
  const kubernetes = await openArtifact(ports, 'kubernetes', versions.kubernetes);
  const kubeApiserver = await kubernetes.provide('kube-apiserver');
  const etcd = await openArtifact(ports, 'etcd', versions.etcd);
  return { etcd: await etcd.provide('etcd'), etcdutl: await etcd.provide('etcdutl'), kubeApiserver };
}

/** A cluster's authority as it is now, and its version: a key that was lost is not in it. @throws NotFoundError */
export async function readAuthority(
  cluster: string,
  secrets: Pick<Secrets, 'getVersion'>,
): Promise<{ readonly files: AuthoritySecret; readonly version: string }> {
  const id = secretIds.authority(cluster);
  const found = await secrets.getVersion(id);
  if (found === undefined) throw new NotFoundError(`there is no secret ${id}: without the cluster's identity nothing can be decrypted`);
  return { files: AuthoritySecret.parse(JSON.parse(found.value)), version: found.version };
}
