import type { Snapshot, SnapshotFile } from '#model/configuration.ts';
import { referenceSnapshot } from '../support/reference-fleet.ts';

/** Size of Zalando's configuration of a cluster, as the Cluster Lifecycle Manager renders it (October 2024). */
const COMPONENTS = 48;
const FILES = 221;
const OBJECTS = 373;
const BYTES = 2_250_000;

/** Which configuration is planned: `reference`, or `large`, made to the size of the original's. */
export type Size = 'reference' | 'large';

/** Objects of the large configuration that a change touches. */
export const CHANGED_OBJECTS = 10;

/**
 * Both sides of a change of ten objects. The large configuration is the reference with generated components on top, until
 * it has the original's numbers of components, files, objects and bytes.
 */
export function benchSnapshots(size: Size, revisions: readonly [string, string]): readonly [Snapshot, Snapshot] {
  const files = size === 'reference' ? referenceSnapshot().files : largeFiles();
  const changed = changedPaths(files);
  const edit = (file: SnapshotFile): SnapshotFile => (changed.has(file.path) ? { ...file, content: edited(file.content) } : file);
  return [
    { revision: revisions[0], files },
    { revision: revisions[1], files: files.map(edit) },
  ];
}

/** Files of which one object changes each; ten at most, those of Deployments and DaemonSets first. */
function changedPaths(files: readonly SnapshotFile[]): Set<string> {
  const manifests = files.filter(({ path }) => /^components\/[^/]+\/(?!component\.yaml)/.test(path));
  const workloads = manifests.filter(({ content }) => /^ +image: /m.test(content));
  const others = manifests.filter((file) => !workloads.includes(file));
  return new Set([...workloads, ...others].slice(0, CHANGED_OBJECTS).map(({ path }) => path));
}

function edited(content: string): string {
  if (/^ +image: /m.test(content)) return content.replace(/^( +image: .*)$/m, '$1-next');
  return content
    .replace(/^metadata:(.*)\{/m, 'metadata:$1{ labels: { bench: next }, ')
    .replace(/^metadata:$/m, 'metadata:\n  labels: { bench: next }');
}

function largeFiles(): SnapshotFile[] {
  const { files } = referenceSnapshot();
  const own = files.filter(({ path }) => path.startsWith('components/'));
  const names = new Set(own.map(({ path }) => path.split('/')[1]));
  const manifests = own.filter(({ path }) => !path.endsWith('/component.yaml'));
  const objects = manifests.reduce((sum, { content }) => sum + content.split(/^kind:/m).length - 1, 0);
  const components = COMPONENTS - names.size;
  const [newFiles, newObjects] = [FILES - manifests.length, OBJECTS - objects];
  const perObject = Math.floor((BYTES - manifests.reduce((sum, { content }) => sum + content.length, 0)) / newObjects);
  const made: SnapshotFile[] = [];
  for (let component = 0; component < components; component += 1) {
    made.push({ path: `components/made-${component}/component.yaml`, content: `name: made-${component}\nphase: workloads\n` });
  }
  for (let file = 0; file < newFiles; file += 1) {
    const count = Math.floor(newObjects / newFiles) + (file < newObjects % newFiles ? 1 : 0);
    const documents = Array.from({ length: count }, (_, index) => manifest(file, index, perObject));
    made.push({ path: `components/made-${file % components}/made-${file}.yaml`, content: documents.join('---\n') });
  }
  return [...files, ...made].sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** A Deployment, and beside it ConfigMaps: few lines of structure, many of content, as dashboards and rules are. */
function manifest(file: number, index: number, bytes: number): string {
  const name = `made-${file}-${index}`;
  if (index === 0) return deployment(name, bytes);
  const lines: string[] = [];
  for (let size = 0, line = 0; size < bytes - 200; line += 1) {
    const text = `    rule ${line} of ${name}: rate(requests_total{cluster="${line % 40 === 0 ? '${CLUSTER_NAME}' : 'all'}"}[5m]) > ${line}`;
    lines.push(text);
    size += text.length + 1;
  }
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: kube-system\ndata:\n  rules: |\n${lines.join('\n')}\n`;
}

function deployment(name: string, bytes: number): string {
  const variables: string[] = [];
  for (let size = 0, number = 0; size < bytes - 700; number += 1) {
    const text = `            - name: SETTING_${number}\n              value: "${number % 25 === 0 ? '${CLUSTER_NAME}' : `value-${number}`}"`;
    variables.push(text);
    size += text.length + 1;
  }
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: kube-system
  labels: { application: ${name} }
spec:
  replicas: 2
  selector:
    matchLabels: { application: ${name} }
  template:
    metadata:
      labels: { application: ${name} }
    spec:
      serviceAccountName: ${name}
      containers:
        - name: main
          image: registry.example/${name}:v1
          resources:
            requests: { cpu: 10m, memory: 64Mi }
            limits: { memory: 64Mi }
          env:
${variables.join('\n')}
`;
}
