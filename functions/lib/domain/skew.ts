import type { Finding } from '#model/checks.ts';
import type { Versions } from '#model/configuration.ts';
import type { Component } from './components.ts';
import { objectName } from './manifests.ts';
import { walk } from './template.ts';
import { findingAt } from './yaml-source.ts';

/**
 * Components with a skew rule whose image is ahead of the API server or too many minors behind it
 * (https://kubernetes.io/releases/version-skew-policy/).
 */
export function skewFindings(components: readonly Component[], versions: Versions): Finding[] {
  const server = minorOf(`v${versions.kubernetes}`);
  return components.flatMap((component) => {
    const rule = component.file.skew;
    if (rule === undefined || server === undefined) return [];
    return component.objects.flatMap((object) =>
      imagesOf(object.manifest).flatMap((image) => {
        const minor = minorOf(image.replaceAll(`\${KUBERNETES_VERSION}`, versions.kubernetes));
        const behind = minor === undefined ? 0 : server - minor;
        if (behind >= 0 && behind <= rule.maxMinorsBehind) return [];
        const why =
          behind < 0 ? 'newer than the API server' : `${behind} minors behind the API server, ${rule.maxMinorsBehind} are allowed`;
        const message = `${objectName(object.manifest)}: the image ${image} is ${why} (${versions.kubernetes}).`;
        return [findingAt(object.path, { line: object.line, column: 1 }, 'version-skew', message)];
      }),
    );
  });
}

/** Minor of an image's tag, `…:v1.36.3` or `v1.36.3`; undefined when the tag is no such version. */
function minorOf(image: string): number | undefined {
  const minor = /(?:^|:)v?1\.(\d+)\.\d+/.exec(image)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

function imagesOf(value: unknown): string[] {
  const found: string[] = [];
  walk(value, [], (entry, path) => {
    if (typeof entry === 'string' && path.at(-1) === 'image') found.push(entry);
  });
  return found;
}
