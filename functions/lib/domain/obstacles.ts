import * as z from 'zod';
import { Condition } from '../model/kubernetes.ts';
import type { Manifest } from '../model/render.ts';
import type { Inventory } from './inventory.ts';
import { withOwner } from './owner.ts';

/** What the API server's words blame for a request that failed. */
export type Blamed =
  | { readonly type: 'webhook'; readonly name: string }
  | { readonly type: 'conversion'; readonly group: string; readonly kind: string };

/**
 * Finds the webhook or the conversion in the server's words: `failed calling webhook "x"`, `admission webhook "x" denied the
 * request`, `conversion webhook for example.net/v1, Kind=Gate failed`.
 */
export function blamedBy(reason: string): Blamed | undefined {
  const webhook = /(?:failed calling|admission) webhook "([^"]+)"/.exec(reason)?.[1];
  if (webhook !== undefined) return { type: 'webhook', name: webhook };
  const [, group, kind] = /conversion webhook for ([^/\s,]+)\/\S+, Kind=(\w+)/.exec(reason) ?? [];
  return group === undefined || kind === undefined ? undefined : { type: 'conversion', group, kind };
}

const Service = z.looseObject({
  url: z.string().optional(),
  service: z.looseObject({ namespace: z.string(), name: z.string() }).optional(),
});
const Configuration = z.looseObject({
  webhooks: z.array(z.looseObject({ name: z.string(), clientConfig: Service, failurePolicy: z.string().optional() })).default([]),
});

/** Which configuration has the webhook, what it calls and whose it is; undefined when none of them has it. */
export function describeWebhook(name: string, configurations: readonly Manifest[], inventory: Inventory): string | undefined {
  for (const configuration of configurations) {
    const webhook = Configuration.safeParse(configuration).data?.webhooks.find((one) => one.name === name);
    if (webhook === undefined) continue;
    const policy = webhook.failurePolicy === 'Fail' ? ', failurePolicy Fail' : '';
    return `${withOwner(configuration, inventory)} calls ${calledBy(webhook.clientConfig)}${policy}`;
  }
  return undefined;
}

const Definition = z.looseObject({
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ kind: z.string() }),
    conversion: z.looseObject({ webhook: z.looseObject({ clientConfig: Service }).optional() }).optional(),
  }),
});

/** As describeWebhook, of the definition whose objects can't be converted. */
export function describeConversion(
  { group, kind }: { group: string; kind: string },
  definitions: readonly Manifest[],
  inventory: Inventory,
): string | undefined {
  for (const definition of definitions) {
    const spec = Definition.safeParse(definition).data?.spec;
    if (spec?.group !== group || spec.names.kind !== kind) continue;
    const client = spec.conversion?.webhook?.clientConfig;
    return `${withOwner(definition, inventory)} converts by ${client === undefined ? 'no webhook' : calledBy(client)}`;
  }
  return undefined;
}

function calledBy({ service, url }: z.infer<typeof Service>): string {
  return service === undefined ? (url ?? 'nothing') : `service ${service.namespace}/${service.name}`;
}

const Leaving = z.looseObject({
  metadata: z.looseObject({ deletionTimestamp: z.string(), finalizers: z.array(z.string()).default([]) }),
  spec: z.looseObject({ finalizers: z.array(z.string()).default([]) }).optional(),
  status: z.looseObject({ conditions: z.array(Condition).nullish() }).optional(),
});

/**
 * Since when an object is being deleted and what holds it: finalizers, and for a namespace what its conditions say is left
 * inside. undefined when it is not being deleted.
 */
export function describeLeaving(object: Manifest, inventory: Inventory = new Map()): string | undefined {
  const parsed = Leaving.safeParse(object);
  if (!parsed.success) return undefined;
  const { metadata, spec, status } = parsed.data;
  const finalizers = [...metadata.finalizers, ...(object.kind === 'Namespace' ? (spec?.finalizers ?? []) : [])];
  const held = finalizers.length === 0 ? 'nothing holds it' : `held by ${finalizers.join(', ')}`;
  const left = (status?.conditions ?? [])
    .filter((condition) => object.kind === 'Namespace' && condition.status === 'True' && condition.type !== 'Ready')
    .map(({ type, message }) => `${type}: ${message ?? ''}`);
  return [`${withOwner(object, inventory)} is being deleted since ${metadata.deletionTimestamp}, ${held}`, ...left].join('; ');
}
