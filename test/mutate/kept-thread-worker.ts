import { parentPort } from 'node:worker_threads';
import { init, runBaseTests, setupEnvironment } from 'vitest/worker';

type State = Parameters<typeof runBaseTests>[1];
type Module = State['evaluatedModules']['idToModuleMap'] extends Map<string, infer M> ? M : never;
type Listener = (message: { readonly type?: string }) => void;

if (parentPort === null) throw new Error('this is the worker of kept-thread.ts');
const port = parentPort;

let listeners: Listener[] = [];
let modules: State['evaluatedModules'] | undefined;

init({
  post: (message) => port.postMessage(message),
  on: (listener) => void listeners.push(listener),
  off: (listener) => {
    listeners = listeners.filter((one) => one !== listener);
  },
  runTests: (state, traces) => run('run', state, traces),
  collectTests: (state, traces) => run('collect', state, traces),
  setup: setupEnvironment,
});

port.on('message', (message: { readonly type?: string }) => {
  // Each start brings a listener for the calls of its own run; the first of all is the one that takes the requests.
  if (message.type === 'start') listeners = listeners.slice(0, 1);
  for (const listener of [...listeners]) listener(message);
});

async function run(method: 'run' | 'collect', state: State, traces: Parameters<typeof runBaseTests>[2]): Promise<void> {
  forget();
  await runBaseTests(method, state, traces);
  modules = state.evaluatedModules;
}

/** Stryker writes this function into each file that it mutates. */
const INSTRUMENTED = 'stryMutAct_';

/**
 * Mutated modules, and all that import them, are evaluated anew in each run: a mutant may be in what a module does when it
 * is loaded, and what one left behind in a variable must not judge the next. All others stay as they are.
 */
function forget(): void {
  const all = modules?.idToModuleMap ?? new Map<string, Module>();
  const open = [...all.values()].filter(({ meta }) => meta !== undefined && 'code' in meta && meta.code.includes(INSTRUMENTED));
  const stale = new Set<Module>();
  for (let module = open.pop(); module !== undefined; module = open.pop()) {
    if (stale.has(module)) continue;
    stale.add(module);
    for (const importer of module.importers) {
      const found = all.get(importer);
      if (found !== undefined) open.push(found);
    }
  }
  for (const module of stale) {
    module.promise = undefined;
    module.exports = undefined;
    module.evaluated = false;
    module.importers.clear();
  }
}
