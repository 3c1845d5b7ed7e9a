import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Image, writeImage } from './image.ts';
import { agnhostImage, cniImage, cniInitImage, kubeProxyImage, pauseImage } from './stand-ins.ts';

export const PAUSE = 'registry.k8s.io/pause:3.10.2';
export const AGNHOST = 'registry.k8s.io/agnhost:local';

export interface ImageParts {
  /** Folder that the Debian packages were unpacked to. */
  readonly debian: string;
  readonly agnhost: string;
  /** Path of kube-proxy by Kubernetes' version. */
  readonly kubeProxies: Readonly<Record<string, string>>;
  /** Name of the image that the cluster's CNI has. */
  readonly cni: string;
}

/** Writes the archives of what real nodes run into a folder and answers their paths. */
export function writeNodeImages(directory: string, { debian, agnhost, kubeProxies, cni }: ImageParts): string[] {
  mkdirSync(directory, { recursive: true });
  const libraries = librariesOf(debian);
  const images: Readonly<Record<string, Image>> = {
    pause: pauseImage(debian, PAUSE),
    agnhost: agnhostImage(agnhost, AGNHOST),
    cni: cniImage(debian, cni),
    'cni-init': cniInitImage(debian, cni.replace('amazon-k8s-cni:', 'amazon-k8s-cni-init:')),
    ...Object.fromEntries(
      Object.entries(kubeProxies).map(([version, path]) => [
        `kube-proxy-${version}`,
        kubeProxyImage(debian, path, `registry.k8s.io/kube-proxy:v${version}`, libraries),
      ]),
    ),
  };
  return Object.entries(images).map(([name, image]) => {
    const path = join(directory, `${name}.tar`);
    writeImage(path, image);
    return path;
  });
}

/** C's library, its loader, and those of iptables with its extensions. */
function librariesOf(debian: string): string[] {
  const folder = join(debian, 'usr/lib/x86_64-linux-gnu');
  const named = readdirSync(folder).filter((name) => /^lib(ip4tc|ip6tc|xtables)\.so/.test(name));
  const extensions = readdirSync(join(folder, 'xtables')).filter((name) => name.endsWith('.so'));
  return [
    ...named.map((name) => join(folder, name)),
    ...extensions.map((name) => join(folder, 'xtables', name)),
    ...['libc.so.6', 'libm.so.6'].map((name) => join(debian, 'lib/x86_64-linux-gnu', name)),
    join(debian, 'lib64/ld-linux-x86-64.so.2'),
  ];
}
