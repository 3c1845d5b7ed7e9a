import type { RepositoryRef } from '#model/primitives.ts';

/** How a local GitHub is set up: one repository, one installed App, one operator. */
export interface LocalGitHubOptions {
  /** 0 or absent: any free port of 127.0.0.1. */
  readonly port?: number;
  /** Where repositories and state are kept; made when absent. A second start on it goes on from there. */
  readonly directory: string;
  readonly repository: RepositoryRef;
  readonly app: {
    readonly id: number;
    readonly installationId: number;
    /** PEM (SPKI) of the key that signs the App's JSON web tokens. */
    readonly publicKey: string;
    /** The App's name in URLs; its user is `<slug>[bot]`. */
    readonly slug?: string;
  };
  readonly webhook: { readonly url?: string; readonly secret: string };
  readonly operator: { readonly login: string; readonly token: string };
  /** The check that must be green before a merge. */
  readonly requiredCheck?: string;
  /** Branch that a clone checks out; made by the first push. */
  readonly defaultBranch?: string;
}

/** The options with everything filled in. */
export interface Settings {
  readonly repository: RepositoryRef;
  readonly app: { readonly id: number; readonly installationId: number; readonly publicKey: string; readonly slug: string };
  readonly secret: string;
  readonly operator: { readonly login: string; readonly token: string };
  readonly requiredCheck: string;
  readonly defaultBranch: string;
  readonly directory: string;
}

export function settingsOf(options: LocalGitHubOptions): Settings {
  return {
    repository: options.repository,
    app: { ...options.app, slug: options.app.slug ?? 'sluice' },
    secret: options.webhook.secret,
    operator: options.operator,
    requiredCheck: options.requiredCheck ?? 'sluice',
    defaultBranch: options.defaultBranch ?? 'main',
    directory: options.directory,
  };
}
