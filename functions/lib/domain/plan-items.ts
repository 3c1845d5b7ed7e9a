import * as z from 'zod';
import type { Manifest, Render, RenderedStack } from '#model/render.ts';
import { objectKey, objectName } from './manifests.ts';
import { parseSecretReference } from './secret-reference.ts';

/** One thing that can change: a Kubernetes object, a stack's template or parameters, a file or unit of user data. */
export interface PlanItem {
  readonly kind: 'object' | 'component' | 'template' | 'parameters' | 'file' | 'unit' | 'deletion';
  /** Where people look for it: `component ingress`, `stack etcd`, `instances of pool-general`. */
  readonly area: string;
  /** Its name there. */
  readonly name: string;
  /** Component or role of a stack; for a deletion, when it happens. */
  readonly part: string;
  readonly value: unknown;
}

/** All items of a render, by key. Items of one key are the same thing in two renders. */
export function planItems(render: Render): Map<string, PlanItem> {
  const items = new Map<string, PlanItem>();
  for (const { name: part, phase, objects } of render.components) {
    const area = `component ${part}`;
    for (const object of objects)
      items.set(`object ${objectKey(object)}`, { kind: 'object', area, part, name: objectName(object), value: object });
    items.set(area, { kind: 'component', area, part, name: 'phase', value: phase });
  }
  for (const stack of render.stacks) for (const [key, item] of stackItems(stack)) items.set(key, item);
  for (const part of ['before', 'after'] as const) {
    for (const deletion of render.deletions[part]) {
      const name = `delete ${deletion.kind} ${deletion.namespace === undefined ? '' : `${deletion.namespace}/`}${deletion.name}`;
      items.set(`deletion ${part} ${name}`, { kind: 'deletion', area: `deletions ${part} applying`, part, name, value: deletion });
    }
  }
  return items;
}

function stackItems(stack: RenderedStack): [string, PlanItem][] {
  const area = `stack ${stack.role}`;
  const part = stack.role;
  // The hash only says that the document changed; its files and units below say what.
  const { IgnitionHash: _hash, IgnitionUrl: _url, ...parameters } = stack.parameters;
  return [
    [`${area} template`, { kind: 'template', area, part, name: 'template', value: stack.template }],
    [`${area} parameters`, { kind: 'parameters', area, part, name: 'parameters', value: parameters }],
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
  const part = stack.role;
  const area = `instances of ${part}`;
  const files = document.storage.files.map((file): [string, PlanItem] => {
    const value = { mode: file.mode.toString(8).padStart(4, '0'), content: decoded(file.contents.source) };
    return [`${area} file ${file.path}`, { kind: 'file', area, part, name: file.path, value }];
  });
  const units = document.systemd.units.map((unit): [string, PlanItem] => [
    `${area} unit ${unit.name}`,
    { kind: 'unit', area, part, name: unit.name, value: unit },
  ]);
  return [...files, ...units];
}

function decoded(source: string): string {
  return Buffer.from(source.slice(source.indexOf(',') + 1), 'base64').toString('utf8');
}

const MASKED = '(masked)';
const MASKED_CHANGED = '(masked, another value)';
/** Where kubectl keeps a whole copy of an object that it applied, a Secret's values included. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Both sides of a Secret with its values hidden; a value that changes says so and no more. Other objects stay. */
export function masked(before: unknown, after: unknown): [unknown, unknown] {
  return [maskOne(before, undefined), maskOne(after, before)];
}

function maskOne(value: unknown, other: unknown): unknown {
  if (!isSecret(value)) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const field of ['data', 'stringData']) {
    if (value[field] !== undefined) copy[field] = maskEntries(value[field], isSecret(other) ? other[field] : undefined);
  }
  const annotations = value.metadata['annotations'];
  if (isRecord(annotations) && LAST_APPLIED in annotations) {
    copy['metadata'] = { ...value.metadata, annotations: { ...annotations, [LAST_APPLIED]: MASKED } };
  }
  return copy;
}

/** What is no mapping of values is hidden whole: nobody knows what it holds. */
function maskEntries(entries: unknown, others: unknown): unknown {
  if (!isRecord(entries)) return MASKED;
  const known = new Map(Object.entries(isRecord(others) ? others : {}));
  const hide = (key: string, entry: unknown): unknown => {
    if (typeof entry === 'string' && parseSecretReference(entry) !== undefined) return entry;
    return known.has(key) && known.get(key) !== entry ? MASKED_CHANGED : MASKED;
  };
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, hide(key, entry)]));
}

function isSecret(value: unknown): value is Manifest {
  return isRecord(value) && value['kind'] === 'Secret' && isRecord(value['metadata']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
