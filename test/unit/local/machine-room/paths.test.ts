import { describe, expect, it } from 'vitest';
import { rewritePaths } from '../../../../local/machine-room/paths.ts';

describe('rewritePaths', () => {
  it.each([
    ['--data-dir=/var/lib/etcd', '--data-dir=/r/var/lib/etcd'],
    ['/opt/bin/etcd', '/r/opt/bin/etcd'],
    ['--files=/etc/a,/etc/b', '--files=/r/etc/a,/r/etc/b'],
    ['client-key: /etc/sluice/pki/a.key\n', 'client-key: /r/etc/sluice/pki/a.key\n'],
    ['"path":"/run/x"', '"path":"/r/run/x"'],
    ['file:///etc/x', 'file:///r/etc/x'],
    ['unix:///var/run/x.sock', 'unix:///r/var/run/x.sock'],
    ['/etc', '/r/etc'],
  ])('leads %s into the root folder', (text, expected) => {
    expect(rewritePaths('/r', text)).toBe(expected);
  });

  it.each([
    'https://etc/var/lib',
    'https://host/etc/x',
    '--etcd-prefix=/registry',
    'a/etc/b',
    '/etcetera',
    '--cert=relative/var/x',
    '/r/etc/x',
  ])('leaves %s as it is', (text) => {
    expect(rewritePaths('/r', text)).toBe(text);
  });
});
