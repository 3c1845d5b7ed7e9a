import type { EventEmitter } from 'node:events';
import type { LifecycleState } from './lifecycle.ts';
import type { RealNodeOptions } from './real/real-nodes.ts';

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
  readonly pace?: Partial<Pace>;
  /** Groups whose machines are real nodes, with containers; else every node is played by kwok. */
  readonly realNodes?: RealNodeOptions;
  readonly kwok: {
    readonly binary: string | (() => Promise<string>);
    /** Asked after the binary: it may be got together with it. */
    readonly stages: readonly string[] | (() => Promise<readonly string[]>);
  };
}

/** How fast the room is where AWS takes its time; seconds. */
export interface Pace {
  /** From the failure of an instance until its group finds it unhealthy. AWS: status checks of a minute, two of them. */
  readonly healthCheck: number;
  /** How long a group is out of balance before it balances its zones. AWS: some minutes. */
  readonly rebalance: number;
  /** From a crash that keeps the machine until its programs run again. */
  readonly reboot: number;
}

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
  /** `silent`: it runs and nobody hears it, as behind a broken network. */
  power: 'on' | 'off' | 'silent';
  /** Since when its status checks fail. */
  failingSince?: number;
  /** Launched to balance the zones: the group has one machine more until it is in service. */
  rebalances?: boolean;
  address?: string;
  /** As EC2 tells it, where that is another: a real node has one in a network of its own. */
  privateAddress?: string;
  /** The data volume that is attached to it. */
  volume?: { readonly id: string; readonly createdAt: Date };
  /** Instance profile, by which the machine has its role. */
  profileArn?: string;
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

export interface Crash {
  /** `kept`: it starts again by itself with its disk, as after a kernel panic. `lost`: it never comes back; its group replaces it. */
  readonly state: 'kept' | 'lost';
  /** `lost`: the data volume, which outlives instances otherwise, is gone too. */
  readonly volume?: 'kept' | 'lost';
}

/** What can be done to machines. Each throws NotFoundError for an instance that is not there. */
export interface Faults {
  /** Ends an instance past its group, as a person in the console of EC2 does: it shuts down in order, and its group finds it gone. */
  terminate(instance: string): void;
  /** Marks it Unhealthy, so that its group ends it in order and starts another. */
  replace(instance: string): void;
  /** Its processes die without notice. */
  crash(instance: string, how: Crash): void;
  /** New machines of the selector boot this many seconds later; Infinity holds them until it is set to 0. */
  bootDelay(selector: Selector, seconds: number): void;
  /** While set, new machines of the selector come up as instances but start no unit: a control plane that never gets ready. */
  withholdUnits(selector: Selector, withheld: boolean): void;
  /**
   * Nothing in the zone (letter or name) is heard any more: programs stand still, the load balancer's address there does
   * not answer, no instance starts or ends there.
   * @param cluster of one cluster; all without it
   */
  zoneDown(zone: string, cluster?: string): void;
  /** Programs go on where they stood; instances that were given up meanwhile end. */
  zoneUp(zone: string, cluster?: string): void;
}

export interface MachineRoom extends Faults {
  /** Address of the Auto Scaling API and of what EC2 says of instances, for AWS_ENDPOINT_URL_AUTO_SCALING and _EC2. */
  readonly autoscalingUrl: string;
  /** Where `npm run room` talks to; only with the token. */
  readonly control: { readonly url: string; readonly token: string };
  readonly events: EventEmitter<{ event: [RoomEvent] }>;
  instances(): readonly Readonly<Machine>[];
  /** Lists of machines that still use processes, for diagnosis. */
  processes(): readonly { readonly name: string; readonly pid: number }[];
  /** Ends every machine, process and listener. */
  close(): Promise<void>;
}
