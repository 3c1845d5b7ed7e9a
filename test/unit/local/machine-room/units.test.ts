import { describe, expect, it } from 'vitest';
import { InputError } from '#model/errors.ts';
import { execWords, parseEnvironmentFile, parseUnit, splitWords, startOrder } from '../../../../local/machine-room/units.ts';

const UNIT = `# a comment
[Unit]
Description=etcd
After=sluice-address.service \\
  sluice-identity.service

[Service]
Type=notify
Environment="A=with space" B=plain
EnvironmentFile=-/etc/sluice/extra.env
EnvironmentFile=/etc/sluice/instance.env
ExecStart=/opt/bin/etcd \\
  --name=\${INSTANCE_ID} \\
# a comment between
  --data-dir=/var/lib/etcd
Restart=always
RestartSec=1500ms
`;

describe('parseUnit', () => {
  it('reads continuation lines, comments, environment and restart rule', () => {
    const unit = parseUnit('etcd.service', UNIT);

    expect(unit).toEqual({
      name: 'etcd.service',
      type: 'notify',
      execStart: ['/opt/bin/etcd --name=${INSTANCE_ID} --data-dir=/var/lib/etcd'],
      environment: { A: 'with space', B: 'plain' },
      environmentFiles: [
        { path: '/etc/sluice/extra.env', optional: true },
        { path: '/etc/sluice/instance.env', optional: false },
      ],
      restart: 'always',
      restartSeconds: 1.5,
      after: ['sluice-address.service', 'sluice-identity.service'],
    });
  });

  it('forgets what was before an empty value', () => {
    const unit = parseUnit('x.service', '[Service]\nExecStart=/opt/bin/a\nExecStart=\nExecStart=/opt/bin/b\n');

    expect(unit.execStart).toEqual(['/opt/bin/b']);
  });

  it.each([
    'ExecStart=/x\n',
    '[Service]\nno equals sign\n',
    '[Service]\nRestart=sometimes\n',
    '[Service]\nRestartSec=soon\n',
    '[Service]\nEnvironment=A\n',
  ])('refuses %j', (text) => {
    expect(() => parseUnit('x.service', text)).toThrow(InputError);
  });
});

describe('execWords', () => {
  it('puts variables into words and keeps quotes together', () => {
    const words = execWords('x', `/opt/bin/a --listen=https://\${ADDRESS}:1 'one word' "two \${ADDRESS}" a\\ b $$HOME 100%%`, {
      ADDRESS: '127.1.0.1',
    });

    expect(words).toEqual(['/opt/bin/a', '--listen=https://127.1.0.1:1', 'one word', 'two 127.1.0.1', 'a b', '$HOME', '100%']);
  });

  it('leaves out the prefixes that systemd takes before the path', () => {
    expect(execWords('x', '-/opt/bin/a b', {})).toEqual(['/opt/bin/a', 'b']);
  });

  it('refuses a variable that nothing sets', () => {
    expect(() => execWords('x.service', '/opt/bin/a ${NOBODY}', {})).toThrow(/NOBODY.*EnvironmentFile/);
  });
});

describe('splitWords', () => {
  it('keeps an empty quoted word', () => {
    expect(splitWords(`a "" 'b c'`)).toEqual(['a', '', 'b c']);
  });
});

describe('parseEnvironmentFile', () => {
  it('reads names and values and skips the rest', () => {
    expect(parseEnvironmentFile('# c\nA=1\nB="two words"\n\nnot a line\n')).toEqual({ A: '1', B: 'two words' });
  });
});

describe('startOrder', () => {
  it('starts a unit after those it names, and survives a cycle', () => {
    const unit = (name: string, ...after: string[]) => parseUnit(name, `[Unit]\nAfter=${after.join(' ')}\n[Service]\nExecStart=/x\n`);

    const order = startOrder([unit('c', 'b', 'absent'), unit('b', 'a'), unit('a'), unit('x', 'y'), unit('y', 'x')]);

    expect(order.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'y', 'x']);
  });
});
