import { RefusedError } from '#model/errors.ts';

/** First host part that an instance without a fixed address may get: lower ones are the load balancer's and etcd's. */
const FIRST_FREE_HOST = 100;

/** Flags by which each program listens. All must be there, since the programs' defaults are every interface. */
const LISTEN_FLAGS: Readonly<Record<string, readonly string[]>> = {
  etcd: ['listen-client-urls', 'listen-peer-urls'],
  'kube-apiserver': ['bind-address'],
  'kube-controller-manager': ['bind-address'],
  'kube-scheduler': ['bind-address'],
};

/** Flags that listen too when they are there. */
const OPTIONAL_LISTEN_FLAGS = ['listen-metrics-urls', 'listen-client-http-urls', 'metrics-bind-address', 'healthz-bind-address'];

/** The lowest free address of a subnet with a host part of at least 100. @throws RefusedError for a subnet off the loopback network, or a full one */
export function freeAddress(cidr: string, used: ReadonlySet<string>): string {
  const base = toNumber(cidr.split('/')[0] ?? '');
  const size = 2 ** (32 - Number(cidr.split('/')[1]));
  for (let host = FIRST_FREE_HOST; host < size - 1; host += 1) {
    const address = toText(base + host);
    if (!used.has(address)) return requireLoopback(address, `subnet ${cidr}`);
  }
  throw new RefusedError(`subnet ${cidr} has no free address with a host part of ${FIRST_FREE_HOST} or more; use a larger one`);
}

/** @throws RefusedError unless the address is in 127.0.0.0/8: the room binds nowhere else */
export function requireLoopback(address: string, what: string): string {
  if (/^127(\.\d{1,3}){3}$/.test(address) && address.split('.').every((part) => Number(part) <= 255)) return address;
  throw new RefusedError(`${what}: ${address} is outside 127.0.0.0/8; locally a cluster's network must be 127.x.0.0/16`);
}

/**
 * Checks that a program's own flags keep it on the loopback network.
 * @throws RefusedError naming the flag
 */
export function checkListenFlags(program: string, words: readonly string[]): void {
  const values = flagValues(words);
  for (const flag of LISTEN_FLAGS[program] ?? []) {
    if (!values.has(flag)) throw new RefusedError(`${program} has no --${flag}: it would listen on every interface; name the address`);
  }
  for (const flag of [...(LISTEN_FLAGS[program] ?? []), ...OPTIONAL_LISTEN_FLAGS]) {
    for (const value of (values.get(flag) ?? '').split(',').filter(Boolean)) requireLoopback(hostOf(value), `${program} --${flag}`);
  }
}

function flagValues(words: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  words.forEach((word, index) => {
    const match = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word);
    if (match?.[1] !== undefined) values.set(match[1], match[2] ?? words[index + 1] ?? '');
  });
  return values;
}

function hostOf(value: string): string {
  return value.replace(/^[a-z]+:\/\//, '').replace(/[:/].*$/, '');
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
