import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';

/** Whether this machine can have real nodes, or why not. */
export function whyNoRealNodes(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'real nodes run on Linux on x86-64 only';
  if (process.getuid?.() !== 0) return 'real nodes need root: namespaces, mounts and cgroups';
  const missing = ['ip', 'nsenter', 'unshare', 'mount', 'apt-get', 'dpkg-deb'].filter((name) => !onPath(name));
  if (missing.length > 0) return `real nodes need ${missing.join(', ')} on the PATH`;
  if (!readFileSync('/proc/filesystems', 'utf8').includes('overlay')) return 'real nodes need the overlay file system in the kernel';
  if (!existsSync(CGROUPS) || readdirSync(CGROUPS).length === 0) return 'real nodes need cgroups below /sys/fs/cgroup';
  return undefined;
}

function onPath(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, name)));
}
