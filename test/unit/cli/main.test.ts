import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFleetRepository, createFolder, type FleetRepository, runSluice } from '../../support/fleet-repository.ts';

const COMMANDS = ['validate', 'plan', 'init'];
const SLUICE = join(import.meta.dirname, '../../../cli/sluice.mjs');

let folder: FleetRepository;
beforeEach(() => {
  folder = createFolder();
});
afterEach(() => {
  folder.remove();
});

describe('the command line', () => {
  it.each(COMMANDS)('tells of %s by --help and by help, with its exit codes', async (name) => {
    const [flag, word] = [await folder.sluice(name, '--help'), await folder.sluice('help', name)];

    expect(flag).toEqual({ code: 0, out: expect.stringContaining(`Usage: sluice ${name} `), error: '' });
    expect(flag.out).toContain('Exit codes: 0 ');
    expect(word).toEqual(flag);
  });

  it('lists the commands', async () => {
    const { code, out } = await folder.sluice('--help');

    expect(code).toBe(0);
    for (const name of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
    expect(await folder.sluice()).toEqual({ code: 2, out: '', error: out });
    expect(await folder.sluice('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it.each([
    ['an unknown command', ['valdate'], 'There is no command valdate. Did you mean validate?'],
    ['help of an unknown command', ['help', 'plam'], 'There is no command plam. Did you mean plan?'],
    ['an unknown option', ['validate', '--strit'], 'There is no option --strit. Did you mean --strict?'],
    ['an option without its value', ['plan', '--base'], "Option '--base <value>' argument missing"],
    ['a second path', ['validate', 'a', 'b'], 'One path is enough; b is too much.'],
    ['two kinds of output', ['plan', '--json', '--markdown'], 'exclude each other'],
    ['a folder that is not there', ['validate', 'nowhere'], 'there is no folder'],
    ['a folder without a fleet', ['validate'], 'has neither channels/*.yaml nor channels/cluster/'],
  ])('answers 2 and says what to do: %s', async (_name, args, message) => {
    expect(await folder.sluice(...args)).toEqual({ code: 2, out: '', error: expect.stringContaining(message) });
  });

  it('colours a terminal only', async () => {
    const fleet = createFleetRepository();
    fleet.write({ 'channels/cluster/pools.yaml': 'pools: 1\n' });

    const [plain, coloured] = [await fleet.sluice('validate'), await runSluice(fleet.directory, ['validate'], true)];
    fleet.remove();

    expect(plain.out).not.toContain('\u001b');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is the escape that is taken out.
    expect(coloured.out.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain.out);
    expect(coloured.out).toContain('\u001b[31mfailure');
  });
});

describe('npx sluice', () => {
  const run = (...args: string[]) => spawnSync(SLUICE, args, { cwd: folder.directory, encoding: 'utf8' });

  it('runs in any folder and passes exit codes on', () => {
    expect(run('validate')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('name the folder of a fleet') });
    expect(run('init', 'fleet')).toMatchObject({ status: 0, stderr: '' });
    expect(run('validate', 'fleet')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^Clean: nothing found/) });
    folder.write({ 'fleet/channels/dev.yaml': 'channel: dev\n' });
    expect(run('validate', 'fleet')).toMatchObject({ status: 1, stderr: '' });
  });
});
