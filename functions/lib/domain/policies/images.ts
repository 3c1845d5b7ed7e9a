import { containers } from './pods.ts';
import { FAILS, type Policy, WARNS } from './policy.ts';
import { textAt } from './values.ts';

/** Tags that name whatever is newest. */
const MOVING = ['latest', 'stable', 'main', 'master', 'edge', 'nightly', 'dev'];
const PLACEHOLDER = /placeholder|changeme|todo|<|>/i;

export const imageTags: Policy = {
  id: 'image-tag',
  title: 'Each image has a fixed tag or a digest',
  why: 'a moving tag gives each node another program, and an old revision can not be had again. A placeholder once got as far as production.',
  fix: 'name a version, `image: registry/name:v1.2.3`, or a digest.',
  levels: FAILS,
  check: ({ objects }) =>
    containers(objects).flatMap(({ pod, name, body, path }) => {
      const image = textAt(body, ['image']);
      const problem = image === undefined ? 'has no image' : tagProblem(image);
      return problem === undefined ? [] : [pod.object.violation([...path, 'image'], `the container ${name} ${problem}. Name a version.`)];
    }),
};

export const imageRegistries: Policy = {
  id: 'image-registry',
  title: 'Each image names its registry',
  why: 'without one it comes from Docker Hub, which limits pulls by address: a roll of many nodes waits for images.',
  fix: 'write the registry out, best one of your own that holds a copy.',
  levels: WARNS,
  check: ({ objects }) =>
    containers(objects).flatMap(({ pod, name, body, path }) => {
      const image = textAt(body, ['image']) ?? '';
      return image === '' || namesRegistry(image)
        ? []
        : [pod.object.violation([...path, 'image'], `the image ${image} of the container ${name} comes from Docker Hub. Name a registry.`)];
    }),
};

function tagProblem(image: string): string | undefined {
  if (image.includes('@sha256:')) return undefined;
  if (PLACEHOLDER.test(image)) return `has the placeholder ${image} for an image`;
  const last = image.slice(image.lastIndexOf('/') + 1);
  const tag = last.includes(':') ? last.slice(last.indexOf(':') + 1) : undefined;
  if (tag === undefined || tag === '') return `runs ${image}, whatever is newest`;
  return MOVING.includes(tag) ? `runs ${image}, which moves` : undefined;
}

/** By the rule of the OCI clients: the part before the first slash is a host when it has a dot or a colon. */
function namesRegistry(image: string): boolean {
  const [host = '', rest] = image.split('/', 2);
  return rest !== undefined && /[.:]/.test(host);
}
