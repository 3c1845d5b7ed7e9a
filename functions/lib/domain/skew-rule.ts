import type { Manifest } from '../model/render.ts';

export interface SkewRule {
  readonly maxMinorsBehind: number;
}

/** Minor of a version, `v1.36.3`, or of an image's tag, `…:v1.36.3`; undefined when it is no such version. */
export function minorOf(image: string): number | undefined {
  const minor = /(?:^|:)v?1\.(\d+)\.\d+/.exec(image)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** Every value of a key `image`, at any depth. */
export function imagesOf(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, entry]) => (name === 'image' && typeof entry === 'string' ? [entry] : imagesOf(entry)));
}

/**
 * Why an image must not run beside an API server of this version; undefined when it may. No component is ever newer than
 * the API server (https://kubernetes.io/releases/version-skew-policy/).
 */
export function skewProblem(image: string, rule: SkewRule, version: string): string | undefined {
  const [minor, server] = [minorOf(image), minorOf(version)];
  if (minor === undefined || server === undefined) return undefined;
  const behind = server - minor;
  if (behind < 0) return `newer than the API server`;
  return behind <= rule.maxMinorsBehind ? undefined : `${behind} minors behind the API server, ${rule.maxMinorsBehind} are allowed`;
}

/** Images of the objects that do not fit some API server that runs now, each with its reason. */
export function runningSkew(objects: readonly Manifest[], rule: SkewRule, versions: readonly string[]): string[] {
  return objects.flatMap((object) =>
    [...new Set(imagesOf(object))].flatMap((image) =>
      [...new Set(versions)].flatMap((version) => {
        const problem = skewProblem(image, rule, version);
        return problem === undefined
          ? []
          : [`${object.kind} ${object.metadata.name}: the image ${image} is ${problem} that runs (${version})`];
      }),
    ),
  );
}
