import { TransientError } from '#model/errors.ts';
import { AslError } from '../asl/errors.ts';

/** A fault of the calls that steps make: where, and what happens there. */
export type CallFault =
  /** The function dies at the n-th change that a state makes, before or after it had its effect; once. */
  | { readonly kind: 'dies'; readonly state: string; readonly change: number; readonly when: 'before' | 'after' }
  /** From this state on a service answers nothing for so long. */
  | { readonly kind: 'away'; readonly state: string; readonly service: Service; readonly seconds: number }
  /** The function stands still for so long before it does its work, as one that was given up long ago. */
  | { readonly kind: 'late'; readonly state: string; readonly seconds: number }
  /** Somebody else takes the lock at this state, since the lease counts as ended. */
  | { readonly kind: 'overtaken'; readonly state: string };

/** What steps talk to. */
export const SERVICES = ['hub-objects', 'account-objects', 'kubernetes', 'instances', 'stacks', 'etcd', 'secrets', 'blobs'] as const;
export type Service = (typeof SERVICES)[number];

/** Methods that change nothing. */
const READS: ReadonlySet<string> = new Set([
  ...['get', 'getBytes', 'list', 'now', 'ready', 'probe', 'version', 'group', 'describe', 'describeChangeSet', 'failures', 'resources'],
  ...['freeAddresses', 'listOfCluster', 'status', 'snapshot', 'keyValueHash', 'clusterVersion', 'downloadFile', 'of', 'getAll', 'ask'],
  ...['getVersion', 'launchFailure'],
]);
/** What a crash is to the state machine. */
export const CRASH = 'Runtime.ExitError';

/** One call of a function: dead once it crashed, whatever its code catches. */
export interface Invocation {
  readonly state: string;
  changes: number;
  dead: boolean;
}

/** Faults of one execution's calls, and an account of all changes that calls made. */
export interface CallFaults {
  /** Changes of services other than buckets and checks, in order: `kubernetes.patch`. */
  readonly changes: string[];
  /** A port whose calls may be struck. */
  wrap<T extends object>(service: Service, port: T, invocation: Invocation): T;
  /** What was away answers again. */
  heal(): void;
  /** Faults that have struck. */
  readonly struck: Set<CallFault>;
}

/** @param now milliseconds of the simulated world */
export function createCallFaults(faults: readonly CallFault[], now: () => number): CallFaults {
  const awayUntil = new Map<Service, number>();
  const struck = new Set<CallFault>();
  const changes: string[] = [];

  function begin(service: Service, { state }: Invocation): void {
    for (const fault of faults) {
      if (fault.kind !== 'away' || fault.state !== state || fault.service !== service || struck.has(fault)) continue;
      struck.add(fault);
      awayUntil.set(service, now() + fault.seconds * 1000);
    }
    if ((awayUntil.get(service) ?? 0) > now()) throw new TransientError(`${service} answers 503`);
  }

  function strike(invocation: Invocation, when: 'before' | 'after'): void {
    const fault = faults.find(
      (one) =>
        one.kind === 'dies' && one.state === invocation.state && one.when === when && one.change === invocation.changes && !struck.has(one),
    );
    if (fault === undefined) return;
    struck.add(fault);
    invocation.dead = true;
    throw new AslError(CRASH, 'the function died');
  }

  return {
    changes,
    struck,
    heal: () => awayUntil.clear(),
    wrap: (service, port, invocation) =>
      new Proxy(port, {
        get(target, name, receiver): unknown {
          const value: unknown = Reflect.get(target, name, receiver);
          if (typeof value !== 'function' || typeof name !== 'string' || name === 'of') return value;
          const read = READS.has(name);
          const call = (values: unknown[]): unknown => Reflect.apply(value, target, values);
          if (name === 'snapshot') return (...values: unknown[]) => call(values);
          return async (...values: unknown[]): Promise<unknown> => {
            if (invocation.dead) throw new AslError(CRASH, 'the function died');
            begin(service, invocation);
            if (read) return call(values);
            invocation.changes += 1;
            strike(invocation, 'before');
            const answer = await call(values);
            if (service !== 'hub-objects') changes.push(`${invocation.state} ${service}.${name}`);
            strike(invocation, 'after');
            return answer;
          };
        },
      }),
  };
}
