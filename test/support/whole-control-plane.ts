import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { kubeconfigOf } from '#domain/kubeconfig.ts';
import { secretIds } from '#domain/names.ts';
import { API_PORT, SERVICE_NETWORK } from '#domain/network.ts';
import { type ClientIdentity, IdentityFiles } from '#model/identity.ts';
import { nodeObject } from '../../local/machine-room/node-object.ts';
import { binary } from './binaries.ts';
import { type Child, startChild, until } from './child.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

/** Nodes that kwok plays. */
const NODES = ['one', 'two', 'three'];

/** A real control plane with controllers, a scheduler and three nodes played by kwok. Always `stop` it. */
export async function startWholeControlPlane(version: string): Promise<ControlPlane> {
  const plane = await startControlPlane({ version, controllers: true });
  const directory = mkdtempSync(join(tmpdir(), 'sluice-whole-'));
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await child.stop();
    await plane.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const { own, kubeconfig } = await controlPlaneFiles(plane, directory);
    const identity = await plane.client('kubernetes');
    const { address } = plane;
    children.push(startControllerManager(version, own('controller-manager'), directory, address));
    children.push(startScheduler(version, own('scheduler'), address));
    children.push(startKwok(kubeconfig('kwok', identity)));
    await readyNodes(identity, address, version);
    return { ...plane, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Writes the files of a control plane's identity into `directory`, and answers how to make a kubeconfig of one of them. */
export async function controlPlaneFiles(
  plane: ControlPlane,
  directory: string,
): Promise<{ own: (name: string) => string; kubeconfig: Kubeconfig }> {
  const files = IdentityFiles.parse(JSON.parse((await plane.secrets.get(secretIds.controlPlane(plane.cluster.name))) ?? 'null'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content, { mode: 0o600 });
  const kubeconfig: Kubeconfig = (name, identity) => {
    const path = join(directory, `${name}.kubeconfig`);
    writeFileSync(path, kubeconfigOf(`https://${plane.address}:${API_PORT}`, 'kubernetes', identity), { mode: 0o600 });
    return path;
  };
  const own = (name: string): string =>
    kubeconfig(name, { ca: files['ca.crt'] ?? '', cert: files[`${name}.crt`] ?? '', key: files[`${name}.key`] ?? '' });
  return { own, kubeconfig };
}

type Kubeconfig = (name: string, identity: ClientIdentity) => string;

/** @param more further flags */
export function startControllerManager(
  version: string,
  kubeconfig: string,
  pki: string,
  address: string,
  more: readonly string[] = [],
): Child {
  return startChild(binary('kube-controller-manager', version), [
    ...['', 'authentication-', 'authorization-'].map((kind) => `--${kind}kubeconfig=${kubeconfig}`),
    `--bind-address=${address}`,
    `--service-account-private-key-file=${pki}/sa.key`,
    `--root-ca-file=${pki}/ca.crt`,
    `--cluster-signing-cert-file=${pki}/ca.crt`,
    `--cluster-signing-key-file=${pki}/ca.key`,
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    ...more,
  ]);
}

export function startScheduler(version: string, kubeconfig: string, address: string): Child {
  return startChild(binary('kube-scheduler', version), [
    ...['', 'authentication-', 'authorization-'].map((kind) => `--${kind}kubeconfig=${kubeconfig}`),
    `--bind-address=${address}`,
    '--leader-elect=false',
  ]);
}

export function startKwok(kubeconfig: string): Child {
  const stages = binary('stages');
  const files = ['node/fast', 'node/heartbeat-with-lease', 'pod/fast'].flatMap((set) =>
    readdirSync(join(stages, set))
      .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
      .map((file) => `--config=${join(stages, set, file)}`),
  );
  return startChild(binary('kwok'), [
    `--kubeconfig=${kubeconfig}`,
    '--manage-all-nodes=true',
    '--node-lease-duration-seconds=40',
    '--cidr=10.244.0.0/16',
    ...files,
  ]);
}

async function readyNodes(identity: ClientIdentity, address: string, version: string): Promise<void> {
  const kubernetes = createKubernetes({ ...identity, address, port: API_PORT, serverName: 'kubernetes' });
  for (const [index, name] of NODES.entries()) {
    const node = nodeObject({
      name,
      zone: `eu-central-1${'abc'[index]}`,
      address: `192.0.2.${index + 1}`,
      kubeletVersion: version,
      instanceType: 'm5.large',
      labels: {},
    });
    const applied = await kubernetes.apply(node as Parameters<typeof kubernetes.apply>[0]);
    if (applied.outcome !== 'created') throw new Error(`node ${name}: ${applied.outcome} ${applied.reason ?? ''}`);
  }
  await until('three ready nodes', async () => {
    const nodes = JSON.stringify(await kubernetes.list('v1', 'Node'));
    const ready = nodes.match(/"type":"Ready"[^}]*|"status":"True","type":"Ready"/g) ?? [];
    const account = await kubernetes.get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'default', name: 'default' });
    return ready.length >= NODES.length && !nodes.includes('not-ready') && account !== undefined ? true : undefined;
  });
}
