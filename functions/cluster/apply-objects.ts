import { isAsApplied } from '#domain/applied-fields.ts';
import { formatId, type Inventory, idOf } from '#domain/inventory.ts';
import { type Blamed, blamedBy, describeConversion, describeLeaving, describeWebhook } from '#domain/obstacles.ts';
import { BlockedError, ClusterUnreachableError, RefusedError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import type { ApplyResult, Kubernetes } from '#ports/kubernetes.ts';
import { inParallel } from './in-parallel.ts';
import { withoutValues } from './resolve-secrets.ts';

const SHOWN = 10;

/** An object with what happened to it. */
export interface Applied {
  readonly object: Manifest;
  readonly result: ApplyResult;
}

/**
 * Applies objects in parallel; those that are as they were applied last are only read. Once the cluster blocks one, no other
 * is begun, for each might wait as long: what was not begun is not in the answer.
 * @param isLate says whether the step has run so long that nothing more may be begun
 */
export async function applyObjects(
  objects: readonly Manifest[],
  kubernetes: Kubernetes,
  inventory: Inventory,
  isLate: () => boolean = () => false,
): Promise<Applied[]> {
  const live = await kubernetes.getAll(objects.map(idOf));
  let stopped = false;
  const results = await inParallel([...objects.entries()], async ([index, object]) => {
    if (stopped || isLate()) return undefined;
    const result = await applyOne(object, live[index], kubernetes, inventory);
    stopped ||= result.outcome === 'blocked';
    return { object, result };
  });
  return results.filter((applied) => applied !== undefined);
}

async function applyOne(object: Manifest, live: Manifest | undefined, kubernetes: Kubernetes, inventory: Inventory): Promise<ApplyResult> {
  const id = idOf(object);
  const leaving = live === undefined ? undefined : describeLeaving(live, inventory);
  if (leaving !== undefined) return { id, outcome: 'blocked', reason: leaving };
  if (live !== undefined && isAsApplied(object, live)) return { id, outcome: 'unchanged' };
  return withoutSecrets(object, await kubernetes.apply(object, { before: versionOf(live) }));
}

function withoutSecrets(object: Manifest, result: ApplyResult): ApplyResult {
  return result.reason === undefined ? result : { ...result, reason: withoutValues(object, result.reason) };
}

/** Takes the fields that conflict. */
export async function forceApply({ object }: Applied, kubernetes: Kubernetes): Promise<ApplyResult> {
  return withoutSecrets(object, await kubernetes.apply(object, { force: true }));
}

function versionOf(live: Manifest | undefined): string {
  return String(live?.metadata['resourceVersion'] ?? '');
}

/**
 * Fails by name for what was not applied, with who stands in the way and whose it is.
 * @throws RefusedError for objects that can't be applied as they are; BlockedError where that may pass by itself
 */
export async function refuseFailures(all: readonly Applied[], wanted: number, kubernetes: Kubernetes, inventory: Inventory): Promise<void> {
  const failed = all.filter(({ result }) => ['conflict', 'refused', 'blocked'].includes(result.outcome));
  if (failed.length === 0) return;
  const final = failed.filter(({ result }) => result.outcome !== 'blocked');
  const shown = final.length > 0 ? final : failed;
  const lines = shown
    .slice(0, SHOWN)
    .map(({ result }) => `${formatId(result.id)}: ${result.outcome}: ${result.reason ?? 'no reason given'}`);
  const more = shown.length > SHOWN ? ` (and ${shown.length - SHOWN} more)` : '';
  const obstacles = await obstaclesOf(shown, kubernetes, inventory);
  const told = [lines.join(' | ') + more, ...obstacles.map((obstacle) => `In the way: ${obstacle}`)].join('. ');
  if (final.length > 0) throw new RefusedError(`${final.length} of ${wanted} objects were not applied: ${told}`);
  throw new BlockedError(
    `the cluster does not take ${formatId(shown[0]?.result.id ?? { apiVersion: '', kind: '', name: '' })} now: ${told}`,
  );
}

/** The webhooks, definitions and namespaces that the server's words blame, each once. */
async function obstaclesOf(failed: readonly Applied[], kubernetes: Kubernetes, inventory: Inventory): Promise<string[]> {
  const found = new Set<string>();
  try {
    for (const { object, result } of failed) {
      const obstacle = await obstacleOf(object, result, kubernetes, inventory);
      if (obstacle !== undefined) found.add(obstacle);
      if (found.size === SHOWN) break;
    }
  } catch (error) {
    // The failure itself is told in any case.
    if (!(error instanceof ClusterUnreachableError || error instanceof RefusedError)) throw error;
  }
  return [...found];
}

async function obstacleOf(
  object: Manifest,
  { reason = '', outcome }: ApplyResult,
  kubernetes: Kubernetes,
  inventory: Inventory,
): Promise<string | undefined> {
  const blamed = blamedBy(reason);
  if (blamed !== undefined) return describeBlamed(blamed, kubernetes, inventory);
  if (outcome !== 'blocked' || object.metadata.namespace === undefined) return undefined;
  const namespace = await kubernetes.get({ apiVersion: 'v1', kind: 'Namespace', name: object.metadata.namespace });
  return namespace === undefined ? undefined : describeLeaving(namespace, inventory);
}

async function describeBlamed(blamed: Blamed, kubernetes: Kubernetes, inventory: Inventory): Promise<string | undefined> {
  if (blamed.type === 'conversion') {
    return describeConversion(blamed, await kubernetes.list('apiextensions.k8s.io/v1', 'CustomResourceDefinition'), inventory);
  }
  const kinds = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'];
  const lists = await Promise.all(kinds.map((kind) => kubernetes.list('admissionregistration.k8s.io/v1', kind)));
  return describeWebhook(blamed.name, lists.flat(), inventory);
}

/**
 * Runs `work`; when the API server can't answer because a webhook does not answer it, that is told by name and owner.
 * @throws BlockedError instead of the server's error
 */
export async function namingObstacles<T>(kubernetes: Kubernetes, inventory: () => Inventory, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const blamed = error instanceof ClusterUnreachableError ? blamedBy(error.message) : undefined;
    if (!(error instanceof ClusterUnreachableError) || blamed === undefined) throw error;
    const obstacle = await describeBlamed(blamed, kubernetes, inventory());
    throw new BlockedError(`${error.message}${obstacle === undefined ? '' : `. In the way: ${obstacle}`}`, { cause: error });
  }
}
