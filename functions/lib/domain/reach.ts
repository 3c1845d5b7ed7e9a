import { InputError } from '../model/errors.ts';
import type { ClusterSideFunction } from '../ports/reach.ts';

/** Which function of a cluster's account has a step: one function for each set of rights. */
const STEPS: Readonly<Record<ClusterSideFunction, readonly string[]>> = {
  identity: ['issue-identity', 'delete-identity'],
  cluster: [
    'apply-components',
    'await-workloads',
    'await-nodes',
    'roll-control-plane',
    'report-drain',
    'rewrite-secrets',
    'roll-node-pools',
    'prune',
    'check-health',
    'check-move',
    'start-load',
    'assert-forecast',
    'remove-aws-resources',
    'release-nodes',
    'replace-lost-nodes',
    'report-drift',
  ],
  etcd: ['check-members', 'take-snapshot', 'prove-hash', 'mend-etcd-members', 'restore-members', 'roll-etcd-members'],
  manifest: ['check-backup', 'check-backup-gate', 'check-rehearsal', 'write-manifest'],
  remover: ['remove-backups', 'copy-backups'],
  drill: ['prove-snapshot', 'prove-api', 'run-tests'],
  rehearsal: ['prove-upgrade'],
};

/** @throws InputError for a step that no cluster-side function has */
export function clusterSideFunctionOf(step: string): ClusterSideFunction {
  if (STEPS.identity.includes(step)) return 'identity';
  if (STEPS.cluster.includes(step)) return 'cluster';
  if (STEPS.etcd.includes(step)) return 'etcd';
  if (STEPS.manifest.includes(step)) return 'manifest';
  if (STEPS.remover.includes(step)) return 'remover';
  if (STEPS.drill.includes(step)) return 'drill';
  if (STEPS.rehearsal.includes(step)) return 'rehearsal';
  throw new InputError(`no function of a cluster's account has the step ${step}`);
}
