import type { Product } from '#model/upgrade.ts';
import type { Release, Releases } from '#ports/releases.ts';

/** Releases by their tags; a tag with a hyphen is a pre-release, as GitHub marks those of both products. */
export function createFakeReleases(tags: Readonly<Record<Product, readonly string[]>>): Releases {
  return {
    list: async (product) => tags[product].map((tag): Release => ({ tag, prerelease: tag.includes('-'), draft: false })),
  };
}
