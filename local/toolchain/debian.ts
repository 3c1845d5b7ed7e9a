import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildContext, Recipe } from './recipe.ts';

/** Packages of Debian that real nodes run, with the libraries that their programs ask for beyond C's. */
const PACKAGES = [
  'containerd',
  'runc',
  'containernetworking-plugins',
  'iptables',
  'libip4tc2',
  'libip6tc2',
  'libxtables12',
  'libseccomp2',
  'libc6',
  'busybox-static',
] as const;

/** Raised when a change of this code changes what is unpacked. */
const RECIPE = 1;

/** The container runtime of real nodes as Debian packages it, unpacked into a folder: nothing is installed. */
export function debianRecipe(): Recipe {
  return {
    product: 'debian',
    title: 'container runtime from Debian',
    heavy: false,
    cost: { seconds: 15, packages: 0 },
    binaries: [
      { file: 'usr/bin/containerd', versionArgs: ['--version'], says: 'containerd' },
      { file: 'usr/sbin/runc', versionArgs: ['--version'], says: 'runc' },
      { file: 'bin/busybox', versionArgs: ['--help'], says: 'BusyBox' },
    ],
    searchIn: [],
    identity: async () => [RECIPE, PACKAGES],
    build: unpack,
  };
}

async function unpack(context: BuildContext): Promise<void> {
  context.report({ phase: 'downloading' });
  const archives = join(context.directory, 'archives');
  await context.run('mkdir', ['-p', archives]);
  const download = (): Promise<string> => context.run('apt-get', ['download', ...PACKAGES], { cwd: archives });
  try {
    await download();
  } catch {
    context.signal.throwIfAborted();
    // A fresh image has no lists of packages; whatever else was wrong, the second try says.
    await context.run('apt-get', ['update']);
    await download();
  }
  context.report({ phase: 'installing' });
  const files = await readdir(archives);
  for (const file of files) await context.run('dpkg-deb', ['--extract', join(archives, file), context.directory]);
  await rm(archives, { recursive: true });
  const busybox = join(context.directory, 'usr/bin/busybox');
  await rename(busybox, join(context.directory, 'bin/busybox')).catch(() => undefined);
}
