import type { Finding } from '#model/checks.ts';
import type { Versions } from '#model/configuration.ts';
import type { Component } from './components.ts';
import { objectName } from './manifests.ts';
import { imagesOf, skewProblem } from './skew-rule.ts';
import { findingAt } from './yaml-source.ts';

/**
 * Components with a skew rule whose image is ahead of the API server or too many minors behind it
 * (https://kubernetes.io/releases/version-skew-policy/).
 */
export function skewFindings(components: readonly Component[], versions: Versions): Finding[] {
  return components.flatMap((component) => {
    const rule = component.file.skew;
    if (rule === undefined) return [];
    return component.objects.flatMap((object) =>
      imagesOf(object.manifest).flatMap((image) => {
        const problem = skewProblem(image.replaceAll(`\${KUBERNETES_VERSION}`, versions.kubernetes), rule, versions.kubernetes);
        if (problem === undefined) return [];
        const message = `${objectName(object.manifest)}: the image ${image} is ${problem} (${versions.kubernetes}).`;
        return [findingAt(object.path, { line: object.line, column: 1 }, 'version-skew', message)];
      }),
    );
  });
}
