import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { kubeletOverrides, nodeScript, quote, REAL_TAINT } from '../../../../../local/machine-room/real/script.ts';

describe('the first process of a real node', () => {
  const script = nodeScript({
    root: "/tmp/it's here",
    logs: '/tmp/logs',
    name: 'i-1',
    cgroup: 'sluice-i-1',
    kubelet: ['/opt/bin/kubelet', '--node-labels=a=b c'],
  });

  it('is a script that the shell reads', () => {
    expect(() => execFileSync('sh', ['-n'], { input: script })).not.toThrow();
  });

  it('gives the kubelet its words as they are', () => {
    expect(script).toContain("keep kubelet '/opt/bin/kubelet' '--node-labels=a=b c' &");
  });

  it.each(['plain', "it's", '$HOME `id` "x"', '\\', ''])('quotes %j for the shell', (word) => {
    expect(execFileSync('sh', ['-c', `printf %s ${quote(word)}`], { encoding: 'utf8' })).toBe(word);
  });

  it('keeps pods away that have no image there', () => {
    const overrides = JSON.parse(kubeletOverrides('sluice-i-1'));

    expect(overrides).toMatchObject({ cgroupRoot: '/sluice-i-1', cgroupDriver: 'cgroupfs', registerWithTaints: [REAL_TAINT] });
  });
});
