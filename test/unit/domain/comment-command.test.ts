import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandOf } from '#domain/comment-command.ts';

const SHA = 'a'.repeat(40);

describe('commandOf', () => {
  it.each([
    [`/test ${SHA}`, { what: 'test', sha: SHA }],
    [`Looks good.\r\n/test ${SHA}  \r\n`, { what: 'test', sha: SHA }],
    ['/test', { what: 'test', sha: '' }],
    ['/test abc and more', { what: 'test', sha: 'abc and more' }],
    ['/cancel', { what: 'cancel' }],
    ['/refresh please', { what: 'refresh' }],
    ['/cancel\n/refresh', { what: 'cancel' }],
    ['```\n/cancel\n```\n/refresh', { what: 'refresh' }],
  ])('reads %j', (body, expected) => {
    expect(commandOf(body)).toEqual(expected);
  });

  it.each([
    'nothing',
    '> /cancel',
    'Say /cancel to end it',
    '  /cancel',
    '/cancelled',
    '/CANCEL',
    '```\n/cancel\n```',
    '~~~ text\n/cancel\n',
    '````\n```\n/cancel\n````',
  ])('finds none in %j', (body) => {
    expect(commandOf(body)).toBeUndefined();
  });

  it('takes any text, quickly', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (body) => {
        const command = commandOf(body);

        expect(command === undefined || ['test', 'cancel', 'refresh'].includes(command.what)).toBe(true);
      }),
    );
    const { user } = process.cpuUsage();
    expect(commandOf(`/test ${' '.repeat(60_000)}x`)).toBeDefined();
    expect(commandOf(`/test a${' '.repeat(60_000)}x`)).toBeDefined();
    expect(commandOf(`/cancel${'\t '.repeat(30_000)}`)).toEqual({ what: 'cancel' });
    expect(process.cpuUsage().user - user).toBeLessThan(1_000_000);
  });
});
