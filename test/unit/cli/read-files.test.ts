import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGit } from '../../../cli/repository/git.ts';
import { readCommit, readWorkingTree } from '../../../cli/repository/read-files.ts';
import { commit, createFolder, type FleetRepository } from '../../support/fleet-repository.ts';

let folder: FleetRepository;
beforeEach(() => {
  folder = createFolder();
  folder.git('init', '--quiet');
  folder.git('config', 'core.autocrlf', 'false');
});
afterEach(() => {
  folder.remove();
});

const name = fc.stringMatching(/^[a-z0-9._ ä-]{1,6}$/).filter((part) => !/^\.+$/.test(part) && !/^\.git|git~/i.test(part));
const file = fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.string({ maxLength: 40 }));

describe('a working copy', () => {
  it('has the revision that Git will give it, and reads the same from a commit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 8 }), async (files) => {
        const paths = files.map(([parts]) => `channels/cluster/${parts.join('/')}`);
        // No file is where another has a folder.
        const fitting = files.filter((_, index) => !paths.some((other) => other !== paths[index] && other.startsWith(`${paths[index]}/`)));
        execFileSync('rm', ['-rf', join(folder.directory, 'channels')]);
        folder.write(
          Object.fromEntries(fitting.map(([parts, text]) => [`channels/cluster/${parts.join('/')}`, text.replaceAll('\0', '')])),
        );
        const git = await openGit(folder.directory);
        if (git === undefined) throw new Error('there is a repository');

        const uncommitted = await readWorkingTree(folder.directory, git);
        const withoutGit = await readWorkingTree(folder.directory, undefined);
        folder.git('add', '--all', '--force');
        folder.git('commit', '--quiet', '--allow-empty', '-m', 'now');
        const committed = await readCommit(git, folder.git('rev-parse', 'HEAD'));

        const revision = folder.git('rev-parse', 'HEAD:channels/cluster');
        expect([uncommitted, withoutGit, committed].map((tree) => tree.configuration?.revision)).toEqual([revision, revision, revision]);
        expect(uncommitted.configuration?.files.map(({ path }) => path).sort()).toEqual(
          committed.configuration?.files.map(({ path }) => path).sort(),
        );
      }),
      { numRuns: 20 },
    );
  });

  const refused: readonly (readonly [string, () => void, RegExp])[] = [
    ['a symbolic link', () => symlinkSync('/etc/passwd', join(folder.directory, 'channels/cluster/x.yaml')), /x\.yaml is a link/],
    [
      'a repository inside',
      () => execFileSync('git', ['init', '--quiet', join(folder.directory, 'channels/cluster/inner')]),
      /inner\/? is a link or a submodule/,
    ],
    ['a file over 1 MiB', () => folder.write({ 'channels/cluster/x.yaml': 'x'.repeat(1024 * 1024 + 1) }), /x\.yaml has 1048577 bytes/],
    ['a binary file', () => folder.write({ 'channels/cluster/x.yaml': Buffer.from([1, 0, 2]) }), /x\.yaml is binary/],
    ['a binary file of the settings', () => folder.write({ 'channels/dev.yaml': Buffer.from([1, 0, 2]) }), /dev\.yaml is binary/],
    [
      'more than 2,000 files',
      () => folder.write(Object.fromEntries(Array.from({ length: 2001 }, (_, at) => [`channels/cluster/${at}.yaml`, 'a: 1']))),
      /has 200\d files, more than 2000/,
    ],
  ];

  it.each(refused)('with %s is refused by name', async (_name, make, message) => {
    folder.write({ 'channels/cluster/versions.yaml': 'a: 1\n' });
    make();

    const { code, out, error } = await folder.sluice('validate');

    expect({ code, out, error }).toEqual({ code: 2, out: '', error: expect.stringMatching(message) });
  });

  it('without Git, with a pipe is refused too, without waiting for it', async () => {
    folder.write({ 'channels/cluster/versions.yaml': 'a: 1\n' });
    execFileSync('rm', ['-rf', join(folder.directory, '.git')]);
    execFileSync('mkfifo', [join(folder.directory, 'channels/cluster/x.yaml')]);

    expect(await folder.sluice('validate')).toMatchObject({ code: 2, error: expect.stringMatching(/x\.yaml is a link/) });
  });

  it('runs nothing that the repository names', async () => {
    folder.write({ 'channels/dev.yaml': 'channel: dev\n', 'hook.sh': '#!/bin/sh\ntouch ran\n' });
    commit(folder, 'begin');
    execFileSync('chmod', ['+x', join(folder.directory, 'hook.sh')]);
    folder.git('config', 'core.fsmonitor', join(folder.directory, 'hook.sh'));

    await folder.sluice('validate');

    expect(() => execFileSync('ls', [join(folder.directory, 'ran')], { stdio: 'pipe' })).toThrow();
  });
});
