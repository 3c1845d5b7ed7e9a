import * as z from 'zod';
import type { Manifest, Render, RenderedStack } from '#model/render.ts';
import { objectKey, objectName } from './manifests.ts';

/** One thing that can change: a Kubernetes object, a stack's template or parameters, a file or unit of user data. */
export interface PlanItem {
  /** Where people look for it: `component ingress`, `stack etcd`, `instances of pool-general`. */
  readonly area: string;
  /** Its name there. */
  readonly name: string;
  readonly value: unknown;
}

/** All items of a render, by key. Items of one key are the same thing in two renders. */
export function planItems(render: Render): Map<string, PlanItem> {
  const items = new Map<string, PlanItem>();
  for (const component of render.components) {
    for (const object of component.objects) {
      const area = `component ${component.name}`;
      items.set(`object ${objectKey(object)}`, { area, name: objectName(object), value: object });
    }
    items.set(`component ${component.name}`, { area: `component ${component.name}`, name: 'phase', value: component.phase });
  }
  for (const stack of render.stacks) for (const [key, item] of stackItems(stack)) items.set(key, item);
  for (const when of ['before', 'after'] as const) {
    for (const deletion of render.deletions[when]) {
      const name = `delete ${deletion.kind} ${deletion.namespace === undefined ? '' : `${deletion.namespace}/`}${deletion.name}`;
      items.set(`deletion ${when} ${name}`, { area: `deletions ${when} applying`, name, value: deletion });
    }
  }
  return items;
}

function stackItems(stack: RenderedStack): [string, PlanItem][] {
  const area = `stack ${stack.role}`;
  // The hash only says that the document changed; its files and units below say what.
  const { IgnitionHash: _hash, IgnitionUrl: _url, ...parameters } = stack.parameters;
  return [
    [`${area} template`, { area, name: 'template', value: stack.template }],
    [`${area} parameters`, { area, name: 'parameters', value: parameters }],
    ...ignitionItems(stack),
  ];
}

const Document = z.object({
  storage: z.object({ files: z.array(z.object({ path: z.string(), mode: z.int(), contents: z.object({ source: z.string() }) })) }),
  systemd: z.object({
    units: z.array(
      z.object({ name: z.string(), enabled: z.boolean().optional(), mask: z.boolean().optional(), contents: z.string().optional() }),
    ),
  }),
});

function ignitionItems(stack: RenderedStack): [string, PlanItem][] {
  if (stack.ignition === undefined) return [];
  const document = Document.parse(JSON.parse(stack.ignition));
  const area = `instances of ${stack.role}`;
  const files = document.storage.files.map((file): [string, PlanItem] => [
    `${area} file ${file.path}`,
    { area, name: file.path, value: { mode: file.mode.toString(8).padStart(4, '0'), content: decoded(file.contents.source) } },
  ]);
  const units = document.systemd.units.map((unit): [string, PlanItem] => [
    `${area} unit ${unit.name}`,
    { area, name: unit.name, value: unit },
  ]);
  return [...files, ...units];
}

function decoded(source: string): string {
  return Buffer.from(source.slice(source.indexOf(',') + 1), 'base64').toString('utf8');
}

const MASKED = '(masked)';
const MASKED_CHANGED = '(masked, another value)';

/** Both sides of a Secret with its values hidden; a value that changes says so and no more. Other objects stay. */
export function masked(before: unknown, after: unknown): [unknown, unknown] {
  return [maskOne(before, undefined), maskOne(after, before)];
}

function maskOne(value: unknown, other: unknown): unknown {
  if (!isSecret(value)) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const field of ['data', 'stringData']) {
    const entries = value[field];
    if (typeof entries !== 'object' || entries === null) continue;
    const others = new Map(Object.entries(isSecret(other) ? (other[field] ?? {}) : {}));
    const hide = ([key, entry]: [string, unknown]): [string, string] => [
      key,
      others.has(key) && others.get(key) !== entry ? MASKED_CHANGED : MASKED,
    ];
    copy[field] = Object.fromEntries(Object.entries(entries).map(hide));
  }
  return copy;
}

function isSecret(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Secret';
}
