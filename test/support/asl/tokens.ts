import type { VirtualClock } from './clock.ts';
import { AslError } from './errors.ts';
import type { IssuedToken } from './execution.ts';

export interface Tokens {
  issue(state: string): IssuedToken;
  /** @throws Error for a token that was never issued or is answered already */
  sendTaskSuccess(token: string, output: unknown): void;
  sendTaskFailure(token: string, error: string, cause?: string): void;
  sendTaskHeartbeat(token: string): void;
}

interface Open {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: AslError) => void;
  beat: number;
}

/** Task tokens of `.waitForTaskToken`. */
export function createTokens(clock: VirtualClock): Tokens {
  const open = new Map<string, Open>();
  let issued = 0;
  const take = (token: string): Open => {
    const entry = open.get(token);
    if (entry === undefined) throw new Error(`InvalidToken: ${token}`);
    return entry;
  };
  return {
    issue: (state) => {
      issued += 1;
      const token = `token-${state}-${issued}`;
      let entry: Open | undefined;
      const answer = new Promise<unknown>((resolve, reject) => {
        entry = { resolve, reject, beat: clock.now() };
      });
      // Nobody may be listening any more when a late answer comes.
      answer.catch(() => undefined);
      open.set(token, entry as Open);
      return { token, answer, lastBeat: () => (entry as Open).beat };
    },
    sendTaskSuccess: (token, output) => {
      take(token).resolve(output);
      open.delete(token);
    },
    sendTaskFailure: (token, error, cause = '') => {
      take(token).reject(new AslError(error, cause));
      open.delete(token);
    },
    sendTaskHeartbeat: (token) => {
      take(token).beat = clock.now();
    },
  };
}
