import { describe, expect, it } from 'vitest';
import { parseConfiguration } from '#domain/configuration.ts';
import { edited, referenceSnapshot } from '../../support/reference-fleet.ts';

/** Findings of the reference configuration with another version of a program. */
function findings(file: string, program: string, version: string) {
  const files = edited(
    `user-data/${file}.yaml`,
    `{"name":"${program}","version":"\${KUBERNETES_VERSION}"}`,
    `{"name":"${program}","version":"${version}"}`,
  );
  return parseConfiguration(referenceSnapshot(files)).findings.filter(({ rule }) => rule === 'version-skew');
}

describe('programs that instances fetch', () => {
  it.each([
    ['node', 'kubelet', '1.36.3', 'kubelet 1.36.3 is newer than the API server (1.35.4).'],
    ['node', 'kubelet', '1.31.9', 'kubelet 1.31.9 is 4 minors behind the API server (1.35.4), 3 are allowed.'],
    ['control-plane', 'kube-scheduler', '1.36.0', 'kube-scheduler 1.36.0 is newer than the API server (1.35.4).'],
    [
      'control-plane',
      'kube-controller-manager',
      '1.33.0',
      'kube-controller-manager 1.33.0 is 2 minors behind the API server (1.35.4), 1 are allowed.',
    ],
    ['control-plane', 'kube-apiserver', '1.35.3', 'kube-apiserver 1.35.3 is not the kubernetes of versions.yaml (1.35.4).'],
  ])('of %s: %s %s is told at its line', (file, program, version, message) => {
    expect(findings(file, program, version)).toMatchObject([
      { path: `channels/cluster/user-data/${file}.yaml`, message, level: 'failure' },
    ]);
    expect(findings(file, program, version)[0]?.line).toBeGreaterThan(2);
  });

  it.each([
    ['node', 'kubelet', '1.32.0'],
    ['control-plane', 'kube-scheduler', '1.34.9'],
    ['node', 'kubelet', '1.35.9'],
  ])('of %s may have %s %s', (file, program, version) => {
    expect(findings(file, program, version)).toEqual([]);
  });
});
