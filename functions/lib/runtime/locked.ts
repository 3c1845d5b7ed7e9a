import { changeBehind } from '#domain/backup.ts';

/** Machines that run under the lock of their cluster. */
export const LOCKED_MACHINES: ReadonlySet<string> = new Set(['update-cluster', 'delete-cluster', 'release-cluster', 'restore-cluster']);

/** The execution that must hold the cluster's lock while this one works; undefined for one that works without. */
export function holderOf({ machine, execution }: { readonly machine: string; readonly execution: string }): string | undefined {
  if (LOCKED_MACHINES.has(machine)) return execution;
  return machine === 'backup-etcd' ? changeBehind(execution) : undefined;
}
