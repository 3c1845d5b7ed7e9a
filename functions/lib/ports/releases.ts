import type { Product } from '#model/upgrade.ts';

/** A release as GitHub lists it. */
export interface Release {
  /** For example `v1.36.3`. */
  readonly tag: string;
  readonly prerelease: boolean;
  readonly draft: boolean;
}

/** What has been released of the products that a cluster is made of. */
export interface Releases {
  /** All releases that GitHub lists, pre-releases among them. @throws TransientError, RefusedError */
  list(product: Product): Promise<Release[]>;
}
