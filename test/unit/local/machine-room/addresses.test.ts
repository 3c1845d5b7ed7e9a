import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedError } from '#model/errors.ts';
import { checkListenFlags, freeAddress, requireLoopback } from '../../../../local/machine-room/addresses.ts';

describe('freeAddress', () => {
  it('starts at host 100 and takes the first that is free', () => {
    expect(freeAddress('127.20.16.0/20', new Set())).toBe('127.20.16.100');
    expect(freeAddress('127.20.16.0/20', new Set(['127.20.16.100', '127.20.16.101']))).toBe('127.20.16.102');
  });

  it('never hands out an address twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (count) => {
        const used = new Set<string>();
        for (let index = 0; index < count; index += 1) used.add(freeAddress('127.3.0.0/20', used));

        expect(used.size).toBe(count);
      }),
      { numRuns: 10 },
    );
  });

  it('refuses a full subnet and one off the loopback network', () => {
    const full = new Set(Array.from({ length: 156 }, (_, index) => `127.3.0.${index + 100}`));

    expect(() => freeAddress('127.3.0.0/24', full)).toThrow(RefusedError);
    expect(() => freeAddress('10.0.0.0/20', new Set())).toThrow(/outside 127/);
  });
});

describe('requireLoopback', () => {
  it.each(['0.0.0.0', '10.1.2.3', '127.0.0.256', '127.0.0', 'localhost', '::1', ''])('refuses %j', (address) => {
    expect(() => requireLoopback(address, 'x')).toThrow(RefusedError);
  });
});

describe('checkListenFlags', () => {
  const etcd = ['--listen-client-urls=https://127.1.0.11:2379', '--listen-peer-urls', 'https://127.1.0.11:2380'];

  it('lets a program listen on loopback addresses, flags written either way', () => {
    expect(() => checkListenFlags('etcd', etcd)).not.toThrow();
    expect(() => checkListenFlags('kube-scheduler', ['--bind-address=127.1.0.100'])).not.toThrow();
  });

  it('refuses a program that would listen elsewhere, or does not say where', () => {
    expect(() => checkListenFlags('kube-apiserver', ['--secure-port=6443'])).toThrow(/no --bind-address/);
    expect(() => checkListenFlags('kube-apiserver', ['--bind-address=0.0.0.0'])).toThrow(/outside/);
    expect(() =>
      checkListenFlags('etcd', ['--listen-client-urls=https://127.1.0.11:2379,http://10.0.0.1:1', etcd[1] ?? '', etcd[2] ?? '']),
    ).toThrow(/10\.0\.0\.1/);
    expect(() => checkListenFlags('etcd', [...etcd, '--listen-metrics-urls=http://0.0.0.0:2381'])).toThrow(/listen-metrics-urls/);
  });
});
