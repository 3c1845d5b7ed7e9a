import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { forkRepository, openRepository, type Repository, repositoryDirectory } from '../git/repository.ts';
import { type LocalGitHubOptions, type Settings, settingsOf } from '../options.ts';
import { openStore, type Pull, type Store } from '../state.ts';
import { createHooks, type Hooks } from './hooks.ts';

/** Where the one server is reached. */
export interface Urls {
  /** REST API, as a GitHub Enterprise Server has it. */
  readonly api: string;
  /** Page and Git. */
  readonly page: string;
  /** Sluice's own page, once it is there. */
  fleet?: string;
}

/** Requests that write a check run, as far as they were answered. */
interface CheckRequests {
  made: number;
  /** Those answered 4xx, each with its reason. */
  readonly refused: string[];
}

/** Everything that a request works on. */
export interface World {
  readonly settings: Settings;
  readonly store: Store;
  readonly repository: Repository;
  readonly hooks: Hooks;
  readonly urls: Urls;
  readonly checkRequests: CheckRequests;
  readonly repositoriesRoot: string;
  /** Runs changes one after another, in the order asked for. */
  serial<T>(work: () => Promise<T>): Promise<T>;
  /** The repository of an owner: the main one or a fork; undefined when there is none. */
  repositoryOf(owner: string): Promise<Repository | undefined>;
  /** Makes a fork, or answers the one that is there. */
  fork(owner: string): Promise<Repository>;
}

export async function openWorld(options: LocalGitHubOptions, urls: Urls): Promise<World> {
  const settings = settingsOf(options);
  mkdirSync(settings.directory, { recursive: true });
  const store = openStore(settings.directory);
  const root = join(settings.directory, 'repositories');
  const directoryOf = (owner: string) => repositoryDirectory(root, owner, settings.repository.name);
  const repository = await openRepository(directoryOf(settings.repository.owner), settings.defaultBranch);
  const repositoryOf = async (owner: string): Promise<Repository | undefined> => {
    if (owner === settings.repository.owner) return repository;
    if (!/^[\w-]+$/.test(owner) || !existsSync(directoryOf(owner))) return undefined;
    return openRepository(directoryOf(owner), settings.defaultBranch);
  };
  return {
    settings,
    store,
    repository,
    hooks: createHooks(store, settings, options.webhook.url),
    urls,
    checkRequests: { made: 0, refused: [] },
    repositoriesRoot: root,
    serial: createQueue(),
    repositoryOf,
    async fork(owner) {
      return (await repositoryOf(owner)) ?? forkRepository(repository, directoryOf(owner));
    },
  };
}

function createQueue(): World['serial'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    // A failure is its caller's; the next one in the queue runs all the same.
    last = next.catch(() => undefined);
    return next;
  };
}

export function isFork(world: World, pull: Pull): boolean {
  return pull.headOwner !== world.settings.repository.owner;
}
