import { TransientError } from '#model/errors.ts';
import type { AccountView } from './aws.ts';
import type { BootContext } from './boot.ts';
import { joinCluster, keepRenewed } from './join.ts';
import type { MachinePlan } from './machine.ts';
import type { Machine } from './types.ts';

/** Brings new files as often as the machine's timer says, until it is gone. */
export function renewIdentity(
  machine: Machine,
  { join: file, renewSeconds }: MachinePlan,
  { view, signal, say }: BootContext,
  renewed: (files: Readonly<Record<string, string>>) => Promise<void>,
): void {
  if (file === undefined || renewSeconds === undefined) return;
  const renew = async (): Promise<void> => {
    if (machine.power !== 'on') return;
    const files = await joinCluster(machine, file, view);
    // A node that left meanwhile must not come back.
    if (!signal.aborted) await renewed(files);
  };
  void keepRenewed(renewSeconds, signal, renew, (reason) => say('waiting', `its certificate is not renewed: ${reason}`));
}

/** The files by which the machine is who it is: by joining, or of its secret. @throws TransientError while it can't have them */
export async function readIdentity(machine: Machine, plan: MachinePlan, view: AccountView): Promise<Readonly<Record<string, string>>> {
  if (plan.join !== undefined) return joinCluster(machine, plan.join, view);
  if (plan.identity === undefined) return {};
  const files = await view.secretFiles(plan.identity.secret);
  if (files === undefined) throw new TransientError(`waits for its identity: there is no secret ${plan.identity.secret}`);
  return files;
}
