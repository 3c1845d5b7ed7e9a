import type { Finding } from '#model/checks.ts';

import type { SnapshotFile, Versions } from '#model/configuration.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { findingAt, parseYaml, placeOf } from './yaml-source.ts';

/**
 * Moves of versions that can't be made: an API server or etcd to a lower minor (their stored data is already newer), or
 * Kubernetes by more than one minor at a time (https://kubernetes.io/releases/version-skew-policy/).
 */
export function versionMoveFindings(base: Versions, head: Versions, files: readonly SnapshotFile[]): Finding[] {
  const text = files.find((file) => file.path === 'versions.yaml')?.content ?? '';
  const { value: source } = parseYaml(`${CONFIGURATION_FOLDER}/versions.yaml`, text);
  const at = (key: 'kubernetes' | 'etcd', message: string): Finding =>
    findingAt(
      `${CONFIGURATION_FOLDER}/versions.yaml`,
      source === undefined ? { line: 1, column: 1 } : placeOf(source, [key]),
      'version-move',
      message,
    );
  return (['kubernetes', 'etcd'] as const).flatMap((key) => {
    const steps = minorSteps(base[key], head[key]);
    if (steps < 0) return [at(key, `${key} can't go back from ${base[key]} to ${head[key]}: what it stores is of the newer minor.`)];
    if (steps > 1) return [at(key, `${key} can't go from ${base[key]} to ${head[key]} at once. Go one minor at a time.`)];
    return [];
  });
}

/** Minors from one version to another; a change of the major counts as many. */
function minorSteps(from: string, to: string): number {
  const [fromMajor = 0, fromMinor = 0] = from.split('.').map(Number);
  const [toMajor = 0, toMinor = 0] = to.split('.').map(Number);
  return (toMajor - fromMajor) * 100 + toMinor - fromMinor;
}
