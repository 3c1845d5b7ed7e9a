import type { Finding } from '#model/checks.ts';
import type { SnapshotFile, UserDataFile, Versions } from '#model/configuration.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { minorSteps } from './version-steps.ts';
import { findingAt, parseYaml, placeOf } from './yaml-source.ts';

/** Minors that a program may be behind the API server; none may be ahead (https://kubernetes.io/releases/version-skew-policy/). */
const MINORS_BEHIND: Readonly<Record<string, number>> = {
  kubelet: 3,
  'kube-proxy': 3,
  'kube-controller-manager': 1,
  'kube-scheduler': 1,
  'kube-apiserver': 0,
};

const BINARIES = '/etc/sluice/binaries.json';

/** Programs that instances fetch whose version may not run beside the API server of `versions.yaml`. */
export function binarySkewFindings(
  userData: Readonly<Record<string, UserDataFile | undefined>>,
  versions: Versions,
  files: readonly SnapshotFile[],
): Finding[] {
  return Object.entries(userData).flatMap(([name, document]) =>
    (document?.files ?? []).flatMap(({ path, content }, index) => {
      if (path !== BINARIES || content === undefined) return [];
      const file = `user-data/${name}.yaml`;
      return binariesOf(content, versions).flatMap((binary) => {
        const message = problemOf(binary, versions.kubernetes);
        if (message === undefined) return [];
        const shown = `${CONFIGURATION_FOLDER}/${file}`;
        const { value: source } = parseYaml(shown, files.find((candidate) => candidate.path === file)?.content ?? '');
        const place = source === undefined ? { line: 1, column: 1 } : placeOf(source, ['files', index, 'content']);
        return [findingAt(shown, place, 'version-skew', message)];
      });
    }),
  );
}

function problemOf({ name, version }: { name: string; version: string }, server: string): string | undefined {
  const allowed = MINORS_BEHIND[name];
  if (allowed === undefined) return undefined;
  if (name === 'kube-apiserver' && version !== server) return `${name} ${version} is not the kubernetes of versions.yaml (${server}).`;
  const behind = minorSteps(version, server);
  if (behind < 0) return `${name} ${version} is newer than the API server (${server}).`;
  return behind > allowed ? `${name} ${version} is ${behind} minors behind the API server (${server}), ${allowed} are allowed.` : undefined;
}

/** What is no list of names and versions is for another rule to tell. */
function binariesOf(content: string, versions: Versions): { name: string; version: string }[] {
  try {
    const parsed: unknown = JSON.parse(content.replaceAll('${KUBERNETES_VERSION}', versions.kubernetes));
    if (!Array.isArray(parsed)) return [];
    return parsed.flatMap((entry: unknown) => {
      if (typeof entry !== 'object' || entry === null || !('name' in entry) || !('version' in entry)) return [];
      const { name, version } = entry;
      return typeof name === 'string' && typeof version === 'string' && /^\d+\.\d+\.\d+$/.test(version) ? [{ name, version }] : [];
    });
  } catch {
    return [];
  }
}
