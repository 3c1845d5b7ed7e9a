import { ReleaseAnswer } from '#model/github-api.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { Product } from '#model/upgrade.ts';
import type { Releases } from '#ports/releases.ts';
import { createClient, type GitHubAccess } from './client.ts';

const REPOSITORIES: Readonly<Record<Product, RepositoryRef>> = {
  kubernetes: { owner: 'kubernetes', name: 'kubernetes' },
  etcd: { owner: 'etcd-io', name: 'etcd' },
};

/**
 * Releases of the public repositories of Kubernetes and etcd. An installation may read what is public, with its own rate
 * limit; without one (GitHub asked from behind an Enterprise Server) it is 60 requests an hour.
 */
export function createReleases(access: GitHubAccess): Releases {
  return {
    async list(product) {
      const { owner, name } = REPOSITORIES[product];
      const client = createClient({ ...access, repository: REPOSITORIES[product] });
      const answers = await client.list('GET /repos/{owner}/{repo}/releases', { owner, repo: name }, ReleaseAnswer);
      return answers.map(({ tag_name: tag, prerelease, draft }) => ({ tag, prerelease, draft }));
    },
  };
}
