import type { EventEmitter } from 'node:events';

export interface MachineRoomOptions {
  /** Where the emulated AWS answers, for example `http://127.0.0.1:4600`. */
  readonly awsEndpoint: string;
  readonly region: string;
  /** Accounts to watch, 12 digits each; a function is asked at each look. */
  readonly accounts: readonly string[] | (() => readonly string[]);
  /** Everything that instances write lies below this folder. */
  readonly directory: string;
  /** Path of a binary; resolves once it is built. */
  readonly binaries: (name: string, version: string) => Promise<string>;
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly kwok: {
    readonly binary: string | (() => Promise<string>);
    /** Asked after the binary: it may be got together with it. */
    readonly stages: readonly string[] | (() => Promise<readonly string[]>);
  };
}

export type LifecycleState = 'Pending' | 'InService' | 'Terminating';

/** One machine of an Auto Scaling group as the room sees it. */
export interface Machine {
  readonly id: string;
  readonly account: string;
  readonly cluster: string;
  /** `etcd`, `control-plane` or `pool-<name>`: the tag `sluice:role` of its group. */
  readonly role: string;
  readonly group: string;
  readonly zone: string;
  readonly launchTemplateId: string;
  readonly launchTemplateName: string;
  readonly launchTemplateVersion: string;
  /** Number that grows with each launch: a smaller one is the older machine. */
  readonly sequence: number;
  readonly launchedAt: number;
  state: LifecycleState;
  health: 'Healthy' | 'Unhealthy';
  address?: string;
  /** The data volume that is attached to it. */
  volume?: { readonly id: string; readonly createdAt: Date };
  /** What it does or waits for now, in words. */
  reason: string;
}

export interface RoomEvent {
  readonly at: string;
  readonly kind: 'booting' | 'waiting' | 'running' | 'ready' | 'terminating' | 'terminated' | 'refused' | 'ignored' | 'failed';
  readonly account: string;
  readonly cluster: string;
  readonly role: string;
  readonly instance: string;
  readonly reason: string;
}

/** Which machines a failure is injected into; what is left out matches all. */
export interface Selector {
  readonly cluster?: string;
  readonly role?: string;
}

export interface MachineRoom {
  /** Address of the Auto Scaling API, for AWS_ENDPOINT_URL_AUTO_SCALING. */
  readonly autoscalingUrl: string;
  readonly events: EventEmitter<{ event: [RoomEvent] }>;
  instances(): readonly Readonly<Machine>[];
  /** Lists of machines that still use processes, for diagnosis. */
  processes(): readonly { readonly name: string; readonly pid: number }[];
  /** Kills a machine's processes at once and marks it Unhealthy, as broken hardware would. @throws NotFoundError */
  fail(instance: string): void;
  /** New machines of the selector boot this many seconds later; Infinity holds them until it is set to 0. */
  bootDelay(selector: Selector, seconds: number): void;
  /** While set, new machines of the selector come up as instances but start no unit: a control plane that never gets ready. */
  withholdUnits(selector: Selector, withheld: boolean): void;
  /** Ends every machine, process and listener. */
  close(): Promise<void>;
}
