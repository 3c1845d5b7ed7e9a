/**
 * The patch that each member of an etcd minor must have before the next minor: older ones corrupt the membership on the
 * way (etcd issue 20967) or start with data that the next can't read (https://etcd.io/docs/v3.6/upgrades/).
 */
const ETCD_FLOORS: Readonly<Record<string, number>> = { '3.5': 32, '3.6': 11 };

/**
 * Minors that etcd can be led down from by its downgrade protocol (https://etcd.io/docs/v3.6/downgrades/), as far as that was
 * tried with the real thing.
 */
const ETCD_DOWNGRADES: ReadonlySet<string> = new Set(['3.7']);

/**
 * Why etcd can't go from one version to another, if so. Asked of the records, and again of each member before it is replaced.
 * Between minors both must be fit to run side by side.
 */
export function etcdStepProblem(from: string, to: string): string | undefined {
  const steps = minorSteps(from, to);
  if (steps === 0) return undefined;
  if (Math.abs(steps) > 1) return tooFar('etcd', from, to);
  if (steps < 0 && !ETCD_DOWNGRADES.has(minorOf(from)))
    return `etcd can't go back from ${from} to ${to}: a downgrade from ${minorOf(from)} was never tried.`;
  // On the way members of both run side by side: it is the older one that must be fit for that.
  const older = steps > 0 ? from : to;
  const floor = ETCD_FLOORS[minorOf(older)];
  if (floor === undefined || Number.parseInt(older.split('.')[2] ?? '0', 10) >= floor) return undefined;
  const fit = `${minorOf(older)}.${floor} or later`;
  const way = steps > 0 ? `go to ${fit} first, whose data the next minor can read` : `go to ${fit}, which can run beside the newer one`;
  return `etcd can't go from ${from} to ${to}: ${way}.`;
}

export function tooFar(about: 'kubernetes' | 'etcd', from: string, to: string): string {
  return `${about} can't go from ${from} to ${to} at once. Go one minor at a time.`;
}

/** Minors from one version to another; a change of the major counts as many. */
export function minorSteps(from: string, to: string): number {
  const [fromMajor = 0, fromMinor = 0] = from.split('.').map(Number);
  const [toMajor = 0, toMinor = 0] = to.split('.').map(Number);
  return (toMajor - fromMajor) * 100 + toMinor - fromMinor;
}

/** For example `3.6` of `3.6.16`. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
