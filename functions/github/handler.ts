import { createGitHub } from '#adapters/github/github.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { connectHub } from '#runtime/connect.ts';
import { required } from '#runtime/environment.ts';
import { loadGitHubApp } from '#runtime/github-app.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { checkMergeGroup } from './check-merge-group.ts';
import { findPullRequests } from './find-pull-requests.ts';
import { openPromotion } from './open-promotion.ts';
import { readPullRequest } from './read-pull-request.ts';
import { resolveRevision } from './resolve-revision.ts';
import { snapshotConfiguration } from './snapshot-configuration.ts';

export const handler = createHubHandler(
  [findPullRequests, readPullRequest, snapshotConfiguration, checkMergeGroup, resolveRevision, openPromotion],
  async () => {
    const { environment, ports } = connectHub();
    const app = await loadGitHubApp(createSecrets(environment.AWS_REGION), required(environment, 'SLUICE_GITHUB_SECRET'));
    return {
      ...ports,
      github: createGitHub({
        baseUrl: required(environment, 'GITHUB_API_URL'),
        repository: required(environment, 'SLUICE_REPOSITORY'),
        ...app,
      }),
    };
  },
);
