import type { ProductState } from './toolchain.ts';

/** One line for a person: `building Kubernetes 1.36.3, 4 min left`. */
export function describeProduct(state: ProductState, now: Date): string {
  const { title } = state;
  switch (state.state) {
    case 'ready':
      return `${title} is ready`;
    case 'failed':
      return `${title} could not be built`;
    case 'queued':
      return `${title} waits for its turn${state.readyAt === undefined ? '' : `, ready in ${describeSeconds(secondsUntil(state.readyAt, now))}`}`;
    case 'building': {
      if (state.progress?.phase === 'waiting') return `another process builds ${title}`;
      const verb = state.progress?.phase === 'installing' ? 'installing' : 'building';
      return `${verb} ${title}${state.readyAt === undefined ? '' : `, ${describeSeconds(secondsUntil(state.readyAt, now))} left`}`;
    }
  }
}

/** `20 s` below a minute in steps of ten, else `4 min`, rounded up: an estimate shows no more than it knows. */
export function describeSeconds(seconds: number): string {
  if (seconds <= 50) return `${Math.max(10, Math.ceil(seconds / 10) * 10)} s`;
  return `${Math.ceil(seconds / 60)} min`;
}

function secondsUntil(time: Date, now: Date): number {
  return Math.max(0, (time.getTime() - now.getTime()) / 1000);
}
