import { createGitHub } from '#adapters/github/github.ts';
import { createReleases } from '#adapters/github/releases.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { connectHub } from '#runtime/connect.ts';
import { required } from '#runtime/environment.ts';
import { loadGitHubApp } from '#runtime/github-app.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { checkMergeGroup } from './check-merge-group.ts';
import { chooseUpgrade } from './choose-upgrade.ts';
import { closeRestore } from './close-restore.ts';
import { findPullRequests } from './find-pull-requests.ts';
import { openPromotion } from './open-promotion.ts';
import { proposeUpgrade } from './propose-upgrade.ts';
import { readPullRequest } from './read-pull-request.ts';
import { resolveRevision } from './resolve-revision.ts';
import { snapshotConfiguration } from './snapshot-configuration.ts';

const PULL_REQUEST_STEPS = [findPullRequests, readPullRequest, snapshotConfiguration, checkMergeGroup];
const STEPS = [...PULL_REQUEST_STEPS, resolveRevision, openPromotion, chooseUpgrade, proposeUpgrade, closeRestore];

export const handler = createHubHandler(STEPS, async () => {
  const { environment, ports } = connectHub();
  const app = await loadGitHubApp(createSecrets(environment.AWS_REGION), required(environment, 'SLUICE_GITHUB_SECRET'));
  const baseUrl = required(environment, 'GITHUB_API_URL');
  const releasesUrl = required(environment, 'SLUICE_RELEASES_API_URL');
  return {
    ...ports,
    github: createGitHub({ baseUrl, repository: required(environment, 'SLUICE_REPOSITORY'), ...app }),
    // The App's credentials are for its own GitHub only.
    releases: createReleases({ baseUrl: releasesUrl, ...(releasesUrl === baseUrl ? { app } : {}) }),
  };
});
