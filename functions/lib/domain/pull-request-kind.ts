/** Folder of the configuration in a channel branch. */
export const CONFIGURATION_FOLDER = 'channels/cluster';
/** Branch that holds the settings. */
export const SETTINGS_BRANCH = 'main';

export type KindDecision =
  | { readonly kind: 'configuration'; readonly channel: string }
  | { readonly kind: 'settings' }
  | { readonly kind: 'nothing'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * What a pull request changes, and whether it is on the right branch: configuration lives on channel branches, settings
 * on `main`, and one pull request touches one kind. @param channels channel and branch of each channel
 */
export function decideKind(
  baseRef: string,
  paths: readonly string[],
  channels: readonly { channel: string; branch: string }[],
): KindDecision {
  const configuration = paths.some(isConfiguration);
  const settings = paths.some(isSettings);
  const branches = channels.map((channel) => channel.branch).join(', ');
  if (configuration && settings) {
    return {
      kind: 'refused',
      reason: `it changes settings and configuration: split it, settings to ${SETTINGS_BRANCH}, configuration to a channel branch (${branches})`,
    };
  }
  const channel = channels.find((candidate) => candidate.branch === baseRef)?.channel;
  if (configuration) {
    if (channel !== undefined) return { kind: 'configuration', channel };
    return {
      kind: 'refused',
      reason: `configuration (${CONFIGURATION_FOLDER}/) belongs on a channel branch: ${branches}; its base is ${baseRef}`,
    };
  }
  if (settings) {
    if (baseRef === SETTINGS_BRANCH) return { kind: 'settings' };
    return {
      kind: 'refused',
      reason: `settings (channels/*.yaml, channels/policies/) belong on ${SETTINGS_BRANCH}; its base is ${baseRef}`,
    };
  }
  return { kind: 'nothing', reason: 'it changes nothing of the fleet' };
}

function isConfiguration(path: string): boolean {
  return path.startsWith(`${CONFIGURATION_FOLDER}/`);
}

/** A file of the settings: a channel file, one that was most likely meant to be one, or one of the policies. */
export function isSettings(path: string): boolean {
  return /^channels\/[^/]+\.yaml$/.test(path) || isMisspeltChannelFile(path) || path.startsWith('channels/policies/');
}

/** Nobody would read it, and nobody would be told. */
export function isMisspeltChannelFile(path: string): boolean {
  return /^channels\/[^/]+\.yml$/.test(path);
}
