import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import * as z from 'zod';
import type { ClientIdentity } from './kubernetes-api.ts';
import { MANAGED_LABEL } from './node-object.ts';
import type { ProcessTable, RunningProcess } from './processes.ts';

/** Annotation by which the room lets a Node become Ready: its network components run. */
export const NETWORK_ANNOTATION = 'machine-room.sluice/network-runs';

export interface KwokOptions {
  readonly cluster: string;
  readonly apiPort: number;
  readonly identity: ClientIdentity;
  readonly binary: string;
  readonly stages: readonly string[];
  readonly directory: string;
  readonly processes: ProcessTable;
  readonly log: (message: string) => void;
}

const Stage = z.looseObject({
  kind: z.literal('Stage'),
  metadata: z.object({ name: z.string() }),
  spec: z.looseObject({
    resourceRef: z.looseObject({ kind: z.string() }),
    selector: z.looseObject({ matchExpressions: z.array(z.unknown()).default([]) }).default({ matchExpressions: [] }),
  }),
});

/** Starts the process that plays the kubelets of a cluster's nodes: one client for all of them. */
export function startKwok(options: KwokOptions): RunningProcess {
  mkdirSync(options.directory, { recursive: true });
  const kubeconfig = join(options.directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(options), { mode: 0o600 });
  const stages = options.stages.map((stage, index) => {
    const path = join(options.directory, `${index}-${basename(stage)}`);
    writeFileSync(path, gateNodes(readFileSync(stage, 'utf8')));
    return path;
  });
  return options.processes.start({
    name: `kwok/${options.cluster}`,
    command: options.binary,
    args: [
      `--kubeconfig=${kubeconfig}`,
      '--manage-all-nodes=false',
      `--manage-nodes-with-label-selector=${MANAGED_LABEL.key}=${MANAGED_LABEL.value}`,
      '--node-lease-duration-seconds=40',
      '--cidr=10.244.0.0/16',
      ...stages.map((stage) => `--config=${stage}`),
    ],
    environment: {},
    directory: options.directory,
    logFile: `${options.directory}.log`,
    restart: 'always',
    restartSeconds: 0.5,
    onEnd: (how, again) => options.log(`kwok of ${options.cluster} ${how}${again === undefined ? '' : `; again in ${again} s`}`),
  });
}

/** Adds to the stage that makes a Node Ready that the network annotation must be there: kwok itself knows no CNI. */
export function gateNodes(text: string): string {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter((document) => document !== null)
    .map((document) => {
      const stage = Stage.parse(document);
      if (stage.spec.resourceRef.kind !== 'Node' || stage.metadata.name !== 'node-initialize') return stringify(document);
      const gate = { key: `.metadata.annotations["${NETWORK_ANNOTATION}"]`, operator: 'In', values: ['true'] };
      const selector = { ...stage.spec.selector, matchExpressions: [...stage.spec.selector.matchExpressions, gate] };
      return stringify({ ...stage, spec: { ...stage.spec, selector } });
    })
    .join('---\n');
}

function kubeconfigOf({ cluster, apiPort, identity }: KwokOptions): string {
  const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  // JSON is YAML.
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster,
        cluster: {
          server: `https://127.0.0.1:${apiPort}`,
          'certificate-authority-data': encode(identity.ca),
          'tls-server-name': 'kubernetes',
        },
      },
    ],
    users: [{ name: 'node', user: { 'client-certificate-data': encode(identity.cert), 'client-key-data': encode(identity.key) } }],
    contexts: [{ name: cluster, context: { cluster, user: 'node' } }],
    'current-context': cluster,
  });
}

/** The stages that make nodes and pods ready at once, from kwok's own set: `directory` has node/, pod/ and volume/. */
export function fastStages(directory: string): string[] {
  return ['node/fast', 'node/heartbeat-with-lease', 'pod/fast'].flatMap((set) =>
    readdirSync(join(directory, set))
      .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
      .map((file) => join(directory, set, file)),
  );
}
