import type { RunOptions } from './process.ts';

/** Raised when a change of how products are built changes what is built. */
export const RECIPE = 1;

/** A binary of a product and how it tells its version. */
export interface Binary {
  /** Path inside the product's folder. */
  readonly file: string;
  readonly versionArgs: readonly string[];
  /** What the answer to `versionArgs` must hold as a whole word, for example `v1.36.3`. */
  readonly says: string;
  /** Another file of the product that runs this one, for scripts that name their final place. */
  readonly runBy?: string;
}

/** What a build costs; sets the estimates. */
export interface Cost {
  /** Wall seconds on two idle cores with nothing cached. */
  readonly seconds: number;
  /** Packages compiled then. 0: the build counts nothing. */
  readonly packages: number;
}

/** How far a build is. `total` counts what this build compiles, which is less than `Cost.packages` with a warm cache. */
export interface Progress {
  /** `waiting`: another process builds it. */
  readonly phase: 'waiting' | 'installing' | 'downloading' | 'compiling' | 'linking';
  readonly done?: number;
  readonly total?: number;
}

/** What a recipe is given to build one product. */
export interface BuildContext {
  /** Empty temporary folder to fill. */
  readonly directory: string;
  /** Where the folder will lie in the end, for files that hold their own path. */
  readonly finalDirectory: string;
  /** Binaries (`Binary.file`) that were on the machine already and lie in the folder as links. */
  readonly present: ReadonlySet<string>;
  readonly signal: AbortSignal;
  /** Folder of another product, got first when it isn't there yet. */
  need(product: string): Promise<string>;
  /** Runs a command; its output goes to the product's log. @throws SluiceError */
  run(command: string, args: readonly string[], options?: Omit<RunOptions, 'signal' | 'logFile'>): Promise<string>;
  report(progress: Progress): void;
}

/** How a product comes to be. */
export interface Recipe {
  readonly product: string;
  /** What a person reads: `Kubernetes 1.36.3`. */
  readonly title: string;
  /** Heavy builds run one at a time, in the order of asking. */
  readonly heavy: boolean;
  readonly cost: Cost;
  readonly binaries: readonly Binary[];
  /** Where binaries that are already on the machine are looked for; nowhere: all are built. */
  readonly searchIn: readonly string[];
  /** Everything that determines the product's content, as JSON-like data; equal identity, equal product. */
  identity(): Promise<unknown>;
  /** A folder outside the cache that serves as the product as it is. */
  existing?(): Promise<string | undefined>;
  build(context: BuildContext): Promise<void>;
}
