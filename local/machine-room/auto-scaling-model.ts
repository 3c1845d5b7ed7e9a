import type { HookResult } from './lifecycle.ts';
import type { GroupSpec } from './scaling.ts';
import type { Machine } from './types.ts';

/** A group with what the room knows of it. */
export interface GroupView {
  readonly spec: GroupSpec;
  readonly desired: number;
  readonly suspended: ReadonlySet<string>;
  readonly machines: readonly Readonly<Machine>[];
}

/** What the API may do to the room. */
export interface ScalingControl {
  /** Groups of an account, freshly read. */
  groups(account: string): Promise<readonly GroupView[]>;
  setDesired(group: GroupView, desired: number): void;
  /** Ends an instance; with `decrement` the group shrinks by one and does not replace it. */
  terminate(group: GroupView, instance: string, decrement: boolean): void;
  setSuspended(group: GroupView, processes: readonly string[], suspended: boolean): void;
  setHealth(group: GroupView, instance: string, healthy: boolean): void;
  /** False when the instance waits for no such hook. */
  completeAction(instance: string, hook: string, result: HookResult): boolean;
  heartbeat(instance: string, hook: string): boolean;
}

/** An error of the API: AWS' code and words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Call {
  readonly form: URLSearchParams;
  readonly groups: readonly GroupView[];
  readonly control: ScalingControl;
}
