import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#domain/hash.ts';
import { type Go, goEnvironment } from './go.ts';
import { buildGo, type GoBuild } from './go-build.ts';
import { foldersOf } from './present.ts';
import { type Binary, type BuildContext, RECIPE, type Recipe } from './recipe.ts';
import { AGNHOST, E2E_VERSION, ETCD_VERSION, GINKGO_VERSION, GO_PACKAGE_VERSION, KWOK_VERSION, NODE_COMMANDS } from './versions.ts';

const KUBERNETES_COMMANDS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];

/** What benches measure against; nothing else needs it. */
export const PEER_PRODUCT = `peer-kubectl-${E2E_VERSION}`;

/** Where Go and binaries are looked for, and the Go modules lie. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly modules: string;
  readonly go: () => Promise<Go | undefined>;
}

interface GoProduct {
  readonly name: string;
  readonly version: string;
  readonly product: string;
  readonly title: string;
  readonly cost: Recipe['cost'];
  readonly binaries: readonly Binary[];
  readonly build: GoBuild;
  /** Whether binaries on PATH may serve. */
  readonly fromPath?: boolean;
  /** What else the folder holds. */
  readonly extras?: (context: BuildContext) => Promise<void>;
}

function goProduct({ env, go }: Surroundings, product: GoProduct): Recipe {
  const { module, ...rest } = product.build;
  return {
    product: product.product,
    title: product.title,
    heavy: true,
    cost: product.cost,
    binaries: product.binaries,
    searchIn: foldersOf(product.fromPath === false ? { ...env, PATH: '' } : env, `${product.name}-${product.version}`),
    async identity() {
      const files = await Promise.all(['go.mod', 'go.sum'].map(async (file) => sha256(await readFile(join(module, file)))));
      return [RECIPE, (await go())?.version ?? GO_PACKAGE_VERSION, files, rest];
    },
    async build(context) {
      await buildGo(context, product.build, env);
      await product.extras?.(context);
    },
  };
}

/**
 * Kubernetes' own packages are compiled without inlining: that takes a third less time, and of a control plane with a few
 * nodes nobody notices it. What is measured against is built as it is released (peerRecipe, etcd).
 */
const QUICKLY = 'k8s.io/...=-l';

/** `etcd`, `etcdutl` and, of the version in use, `etcdctl`. */
export function etcdRecipe(version: string, surroundings: Surroundings): Recipe {
  const inUse = version === ETCD_VERSION;
  const targets = [
    { file: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
    { file: 'etcdutl', package: 'go.etcd.io/etcd/etcdutl/v3' },
    ...(inUse ? [{ file: 'etcdctl', package: 'go.etcd.io/etcd/etcdctl/v3' }] : []),
  ];
  const product = inUse ? 'etcd' : `etcd-${version}`;
  return goProduct(surroundings, {
    name: 'etcd',
    version,
    product,
    title: `etcd ${version}`,
    cost: { seconds: 45, packages: 590 },
    binaries: targets.map(({ file }) => ({ file, versionArgs: file === 'etcd' ? ['--version'] : ['version'], says: version })),
    build: { module: join(surroundings.modules, product), ldflags: '-s -w', targets },
  });
}

/** `kubelet` and `kube-proxy` of one version, and of the newer one `agnhost`. */
export function nodeRecipe(version: string, surroundings: Surroundings): Recipe {
  const agnhost = version === E2E_VERSION;
  return goProduct(surroundings, {
    name: 'node',
    version,
    product: `node-${version}`,
    title: `kubelet ${version}`,
    // After Kubernetes of the same version, whose packages it shares.
    cost: { seconds: 60, packages: 400 },
    binaries: [
      ...NODE_COMMANDS.map((file) => ({ file, versionArgs: ['--version'], says: `v${version}` })),
      ...(agnhost ? [{ file: 'agnhost', versionArgs: ['--version'], says: 'development' }] : []),
    ],
    fromPath: false,
    build: {
      module: join(surroundings.modules, `node-${version}`),
      ldflags: kubernetesLdflags(version),
      gcflags: QUICKLY,
      targets: [
        ...NODE_COMMANDS.map((file) => ({ file, package: `k8s.io/kubernetes/cmd/${file}` })),
        ...(agnhost ? [{ file: 'agnhost', package: `k8s.io/kubernetes/${AGNHOST}` }] : []),
      ],
    },
  });
}

/** `etcd` of another minor, alone. */
export function otherEtcdRecipe(version: string, surroundings: Surroundings): Recipe {
  const product = `etcd-${version}`;
  return goProduct(surroundings, {
    name: 'etcd',
    version,
    product,
    title: `etcd ${version}`,
    // After the other etcd, whose packages it shares.
    cost: { seconds: 25, packages: 300 },
    binaries: [{ file: 'etcd', versionArgs: ['--version'], says: version }],
    build: {
      module: join(surroundings.modules, product),
      ldflags: '-s -w',
      targets: [{ file: 'etcd', package: 'go.etcd.io/etcd/server/v3' }],
    },
  });
}

/** `kwok`, and its stages in `stages/{node,pod,volume}/<set>/*.yaml`. */
export function kwokRecipe(surroundings: Surroundings): Recipe {
  const module = join(surroundings.modules, 'kwok');
  return goProduct(surroundings, {
    name: 'kwok',
    version: KWOK_VERSION,
    product: 'kwok',
    title: `kwok ${KWOK_VERSION}`,
    cost: { seconds: 54, packages: 970 },
    binaries: [{ file: 'kwok', versionArgs: ['--version'], says: `v${KWOK_VERSION}` }],
    build: { module, ldflags: '-s -w', gcflags: QUICKLY, targets: [{ file: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok' }] },
    async extras(context) {
      const root = await context.need('go');
      const options = { cwd: module, env: goEnvironment(surroundings.env, root) };
      await context.run(join(root, 'bin', 'go'), ['mod', 'download', 'sigs.k8s.io/kwok'], options);
      const source = await context.run(join(root, 'bin', 'go'), ['list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/kwok'], options);
      const stages = join(context.directory, 'stages');
      await cp(join(source, 'kustomize', 'stage'), stages, { recursive: true, filter: (path) => !/testdata|\.go$/.test(path) });
    },
  });
}

/** The control plane and `kubectl` of one version. */
export function kubernetesRecipe(version: string, surroundings: Surroundings): Recipe {
  return goProduct(surroundings, {
    name: 'kubernetes',
    version,
    product: `kubernetes-${version}`,
    title: `Kubernetes ${version}`,
    cost: { seconds: 240, packages: 2590 },
    binaries: KUBERNETES_COMMANDS.map((file) => ({
      file,
      versionArgs: file === 'kubectl' ? ['version', '--client'] : ['--version'],
      says: `v${version}`,
    })),
    build: {
      module: join(surroundings.modules, `kubernetes-${version}`),
      ldflags: kubernetesLdflags(version),
      gcflags: QUICKLY,
      targets: KUBERNETES_COMMANDS.map((file) => ({ file, package: `k8s.io/kubernetes/cmd/${file}` })),
    },
  });
}

/** `kubectl` as it is released, for what is measured against it. */
export function peerRecipe(version: string, surroundings: Surroundings): Recipe {
  return goProduct(surroundings, {
    name: 'kubectl',
    version,
    product: PEER_PRODUCT,
    title: `kubectl ${version} as it is released`,
    cost: { seconds: 120, packages: 900 },
    binaries: [{ file: 'kubectl', versionArgs: ['version', '--client'], says: `v${version}` }],
    fromPath: false,
    build: {
      module: join(surroundings.modules, `kubernetes-${version}`),
      ldflags: kubernetesLdflags(version),
      targets: [{ file: 'kubectl', package: 'k8s.io/kubernetes/cmd/kubectl' }],
    },
  });
}

/** `e2e.test` and `ginkgo`; they run `kubectl` of the Kubernetes product of the same version. */
export function e2eRecipe(surroundings: Surroundings): Recipe {
  return goProduct(surroundings, {
    name: 'e2e',
    version: E2E_VERSION,
    product: `e2e-${E2E_VERSION}`,
    title: `e2e.test ${E2E_VERSION}`,
    // After Kubernetes of the same version, whose packages it shares.
    cost: { seconds: 130, packages: 400 },
    binaries: [
      { file: 'e2e.test', versionArgs: ['--version'], says: `v${E2E_VERSION}` },
      { file: 'ginkgo', versionArgs: ['version'], says: GINKGO_VERSION },
    ],
    fromPath: false,
    build: {
      module: join(surroundings.modules, `kubernetes-${E2E_VERSION}`),
      ldflags: kubernetesLdflags(E2E_VERSION),
      gcflags: QUICKLY,
      targets: [{ file: 'ginkgo', package: 'github.com/onsi/ginkgo/v2/ginkgo' }],
      test: { file: 'e2e.test', package: 'k8s.io/kubernetes/test/e2e' },
    },
  });
}

/** Stamps the version into both packages that Kubernetes' commands read it from. */
function kubernetesLdflags(version: string): string {
  const [major, minor] = version.split('.');
  const values = {
    gitVersion: `v${version}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: 'unknown',
    buildDate: '1970-01-01T00:00:00Z',
  };
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) =>
    Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`),
  );
  return ['-s', '-w', ...stamps].join(' ');
}
