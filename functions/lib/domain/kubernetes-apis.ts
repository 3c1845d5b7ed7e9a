import type { FieldSchema, KubernetesSchemas } from '#model/kubernetes-schema.ts';
import type { Definition } from './kubernetes-definitions.ts';
import { didYouMean } from './suggest.ts';
import { shorten } from './yaml-parse.ts';

/** The schemas of a minor, for example of `1.36`; undefined for one that Sluice does not know. */
export type SchemaBook = (minor: string) => KubernetesSchemas | undefined;

/** Every kind that a cluster serves: Kubernetes' own of one minor, and those of the configuration's CRDs. */
export interface Apis {
  readonly schemas: KubernetesSchemas;
  /** Kinds of the configuration's CRDs, by `<apiVersion> <kind>`. */
  readonly custom: ReadonlyMap<string, Kind>;
  /** `<group>/<version>` of APIService objects: another server's kinds, which nobody here knows. */
  readonly aggregated: ReadonlySet<string>;
  /** Whether all definitions of the configuration could be read. */
  readonly whole: boolean;
}

/** A kind that is served. */
export interface Kind {
  readonly schema: FieldSchema;
  readonly namespaced: boolean;
  readonly deprecated?: string | undefined;
  /** The CRD that declares it; absent for Kubernetes' own. */
  readonly definition?: Definition;
}

/** The kind of an object, or undefined when it is not served. */
export function kindOf(apis: Apis, apiVersion: string, kind: string): Kind | undefined {
  const name = `${apiVersion} ${kind}`;
  const own = Object.hasOwn(apis.schemas.kinds, name) ? apis.schemas.kinds[name] : undefined;
  if (own !== undefined) return { schema: { type: 'ref', ref: own.type }, namespaced: own.namespaced, deprecated: own.deprecated };
  return apis.custom.get(name);
}

/** The kinds that definitions serve; of two definitions of one kind the first. */
export function customKinds(definitions: readonly Definition[]): Map<string, Kind> {
  const kinds = new Map<string, Kind>();
  for (const definition of definitions) {
    const { group, kind, namespaced } = definition;
    for (const { name, served, schema, deprecated } of definition.versions) {
      const key = `${group}/${name} ${kind}`;
      if (served && !kinds.has(key)) kinds.set(key, { schema, namespaced, deprecated, definition });
    }
  }
  return kinds;
}

interface Removal {
  /** First minor of Kubernetes 1 that does not serve it. */
  readonly since: number;
  readonly apiVersion: string;
  /** Absent: all kinds of the version. */
  readonly kinds?: readonly string[];
  readonly instead: string;
}

const WORKLOADS = ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'];

/** https://kubernetes.io/docs/reference/using-api/deprecation-guide/ */
const REMOVALS: readonly Removal[] = [
  { since: 16, apiVersion: 'extensions/v1beta1', kinds: WORKLOADS, instead: 'apps/v1' },
  { since: 16, apiVersion: 'extensions/v1beta1', kinds: ['NetworkPolicy'], instead: 'networking.k8s.io/v1' },
  { since: 16, apiVersion: 'apps/v1beta1', instead: 'apps/v1' },
  { since: 16, apiVersion: 'apps/v1beta2', instead: 'apps/v1' },
  { since: 22, apiVersion: 'extensions/v1beta1', kinds: ['Ingress'], instead: 'networking.k8s.io/v1' },
  { since: 22, apiVersion: 'networking.k8s.io/v1beta1', kinds: ['Ingress', 'IngressClass'], instead: 'networking.k8s.io/v1' },
  {
    since: 22,
    apiVersion: 'admissionregistration.k8s.io/v1beta1',
    kinds: ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
    instead: 'admissionregistration.k8s.io/v1',
  },
  { since: 22, apiVersion: 'apiextensions.k8s.io/v1beta1', instead: 'apiextensions.k8s.io/v1' },
  { since: 22, apiVersion: 'apiregistration.k8s.io/v1beta1', instead: 'apiregistration.k8s.io/v1' },
  { since: 22, apiVersion: 'certificates.k8s.io/v1beta1', kinds: ['CertificateSigningRequest'], instead: 'certificates.k8s.io/v1' },
  { since: 22, apiVersion: 'coordination.k8s.io/v1beta1', kinds: ['Lease'], instead: 'coordination.k8s.io/v1' },
  { since: 22, apiVersion: 'rbac.authorization.k8s.io/v1beta1', instead: 'rbac.authorization.k8s.io/v1' },
  { since: 22, apiVersion: 'scheduling.k8s.io/v1beta1', instead: 'scheduling.k8s.io/v1' },
  {
    since: 22,
    apiVersion: 'storage.k8s.io/v1beta1',
    kinds: ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment'],
    instead: 'storage.k8s.io/v1',
  },
  { since: 25, apiVersion: 'batch/v1beta1', instead: 'batch/v1' },
  { since: 25, apiVersion: 'discovery.k8s.io/v1beta1', instead: 'discovery.k8s.io/v1' },
  { since: 25, apiVersion: 'events.k8s.io/v1beta1', instead: 'events.k8s.io/v1' },
  { since: 25, apiVersion: 'autoscaling/v2beta1', instead: 'autoscaling/v2' },
  { since: 25, apiVersion: 'policy/v1beta1', kinds: ['PodDisruptionBudget'], instead: 'policy/v1' },
  { since: 25, apiVersion: 'policy/v1beta1', kinds: ['PodSecurityPolicy'], instead: 'Pod Security labels on the namespace' },
  { since: 25, apiVersion: 'node.k8s.io/v1beta1', instead: 'node.k8s.io/v1' },
  { since: 26, apiVersion: 'autoscaling/v2beta2', instead: 'autoscaling/v2' },
  { since: 26, apiVersion: 'flowcontrol.apiserver.k8s.io/v1beta1', instead: 'flowcontrol.apiserver.k8s.io/v1' },
  { since: 27, apiVersion: 'storage.k8s.io/v1beta1', kinds: ['CSIStorageCapacity'], instead: 'storage.k8s.io/v1' },
  { since: 29, apiVersion: 'flowcontrol.apiserver.k8s.io/v1beta2', instead: 'flowcontrol.apiserver.k8s.io/v1' },
  { since: 32, apiVersion: 'flowcontrol.apiserver.k8s.io/v1beta3', instead: 'flowcontrol.apiserver.k8s.io/v1' },
];

/** Why a kind that is not served was served once, or undefined. */
export function removalOf(apiVersion: string, kind: string): string | undefined {
  const removal = REMOVALS.find((one) => one.apiVersion === apiVersion && (one.kinds === undefined || one.kinds.includes(kind)));
  return removal && `${kind} of ${apiVersion} is not served since Kubernetes 1.${removal.since}. Use ${removal.instead}.`;
}

/** What to say of a kind that is not served and never was. */
export function unknownKind(apis: Apis, apiVersion: string, kind: string): string {
  const version = apis.schemas.version.replace(/\.\d+$/, '');
  const names = [...Object.keys(apis.schemas.kinds), ...apis.custom.keys()];
  const what = `${shorten(kind)} of ${shorten(apiVersion)}`;
  const sameKind = names.filter((name) => name.endsWith(` ${kind}`)).map((name) => name.slice(0, name.indexOf(' ')));
  if (sameKind.length > 0) return `Kubernetes ${version} does not serve ${what}. It serves ${kind} of ${sameKind.join(', ')}.`;
  const sameVersion = names.filter((name) => name.startsWith(`${apiVersion} `)).map((name) => name.slice(apiVersion.length + 1));
  if (sameVersion.length > 0) return `${shorten(apiVersion)} has no kind ${shorten(kind)}.${didYouMean(kind, sameVersion)}`;
  return `Nothing serves ${what}: Kubernetes ${version} does not, and no CustomResourceDefinition of this configuration declares it.${didYouMean(
    kind,
    names.map((name) => name.slice(name.indexOf(' ') + 1)),
  )}`;
}
