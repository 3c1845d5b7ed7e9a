import { describe, expect, it } from 'vitest';
import { gatewayOf, hasOwnNetwork, nodeAddress, podSubnet } from '../../../../../local/machine-room/real/network.ts';

describe('addresses of real nodes', () => {
  it('are those of the room, off the loopback network', () => {
    expect(nodeAddress('127.79.16.100')).toBe('10.79.16.100');
    expect(gatewayOf('10.79.16.100')).toBe('10.79.0.1');
  });

  it('have each a subnet of its own for pods, apart from the nodes', () => {
    const nodes = [0, 16, 32].flatMap((third) => Array.from({ length: 32 }, (_each, host) => `10.79.${third}.${100 + host}`));

    const subnets = nodes.map(podSubnet);

    expect(new Set(subnets).size).toBe(96);
    expect(subnets[0]).toBe('10.79.128.0/24');
    expect(subnets.every((subnet) => Number(subnet.split('.')[2]) >= 128)).toBe(true);
  });

  it.each(['10.79.0.99', '10.79.0.132', '10.79.48.100', '10.79.1.100'])('%s has none', (address) => {
    expect(() => podSubnet(address)).toThrow(`no pod subnet for ${address}`);
  });
});

describe("a network of the room's own", () => {
  const table = (...names: string[]): string =>
    `Inter-|   Receive\n face |bytes\n${names.map((name) => `${name.padStart(6)}: 0 0 0\n`).join('')}`;

  it('has no interface but loopback and those of the room', () => {
    expect(hasOwnNetwork(table('lo'))).toBe(true);
    expect(hasOwnNetwork(table('lo', 'sluice', 'w0123456789ab'))).toBe(true);
    expect(hasOwnNetwork(table('lo', 'eth0'))).toBe(false);
    expect(hasOwnNetwork(table('lo', 'wlan0'))).toBe(false);
  });
});
