import { parseComponents } from '#domain/components.ts';
import type { SchemaBook } from '#domain/kubernetes-apis.ts';
import { objectFindings } from '#domain/kubernetes-objects.ts';
import { parseManifests } from '#domain/manifests.ts';
import type { Finding } from '#model/checks.ts';
import type { SnapshotFile } from '#model/configuration.ts';
import { shippedSchemas } from '../../functions/plan/kubernetes-schemas.ts';

export interface ComponentText {
  readonly phase?: string;
  readonly environments?: readonly string[];
  /** Manifests, as written. */
  readonly objects: string;
}

/** Files of components, each with its manifests in `objects.yaml`. */
export function componentFiles(components: Readonly<Record<string, ComponentText>>): SnapshotFile[] {
  return Object.entries(components).flatMap(([name, { phase = 'workloads', environments, objects }]) => [
    {
      path: `components/${name}/component.yaml`,
      content: JSON.stringify({ name, phase, ...(environments === undefined ? {} : { environments }) }),
    },
    { path: `components/${name}/objects.yaml`, content: objects },
  ]);
}

/** Findings of objects as validation makes them, against the schemas that are shipped. */
export function objectFindingsOf(
  components: Readonly<Record<string, ComponentText>>,
  options: { readonly kubernetes?: string; readonly load?: string; readonly book?: SchemaBook } = {},
): Finding[] {
  const text = `# Versions.\nkubernetes: ${options.kubernetes ?? '1.35.4'}\n`;
  const files = [
    ...componentFiles(components),
    { path: 'versions.yaml', content: text },
    { path: 'tests/load/load.yaml', content: options.load ?? '' },
  ];
  const parsed = parseComponents(files, 'channels/cluster/');
  if (parsed.findings.length > 0) throw new Error(JSON.stringify(parsed.findings));
  const versions = { kubernetes: options.kubernetes ?? '1.35.4', etcd: '3.6.16', osImage: 'ami-1' };
  const load = parseManifests('channels/cluster/tests/load/load.yaml', options.load ?? '').value ?? [];
  return objectFindings({ files, versions, components: parsed.components, load, objectsAreWhole: true }, options.book ?? shippedSchemas);
}

/** As objectFindingsOf for one object in namespace `default`, told as `rule line:column message`, warnings with a mark. */
export function told(objects: string, kubernetes?: string): string[] {
  return objectFindingsOf({ one: { objects } }, kubernetes === undefined ? {} : { kubernetes }).map(
    ({ rule, level, line, column, message }) => `${level === 'failure' ? '' : `${level} `}${rule} ${line}:${column} ${message}`,
  );
}
