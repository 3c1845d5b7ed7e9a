import type { Finding } from '#model/checks.ts';
import { AdmissionPolicy, AdmissionPolicyBinding, type OwnPolicies } from '#model/policies.ts';
import type { Configuration } from '../configuration.ts';
import { hashOf } from '../hash.ts';
import { objectKey, objectName, parseManifests, type SourceObject } from '../manifests.ts';
import { readShape } from '../shape.ts';
import { didYouMean } from '../suggest.ts';
import { findingAt, type Parsed, type Place, parseYaml, placeOf, type YamlSource } from '../yaml-source.ts';
import { expressionFindings, type PlacedPolicy } from './policy-expressions.ts';
import { listAt, textAt } from './values.ts';

/** Rules of the fleet's own, in the settings. */
export const POLICIES_FOLDER = 'channels/policies';
/** Name of the component that they are rendered to; a component's own name can have no dot. */
export const POLICIES_COMPONENT = 'fleet.policies';

/** Each policy is judged at each request; their number and size are what the API server must bear. */
const MOST_OBJECTS = 100;
const MOST_CHARACTERS = 256 * 1024;
const START: Place = { line: 1, column: 1 };

const KINDS = { ValidatingAdmissionPolicy: AdmissionPolicy, ValidatingAdmissionPolicyBinding: AdmissionPolicyBinding };
const API = 'admissionregistration.k8s.io/v1';

/** The policies of one commit of `main`; `hash` names their content. */
export interface ParsedPolicies {
  readonly hash: string;
  readonly objects: OwnPolicies;
}

/** Reads `channels/policies/`. No value when there are none, or when something fails. @param files of the settings */
export function parseOwnPolicies(files: readonly { readonly path: string; readonly content: string }[]): Parsed<ParsedPolicies> {
  const own = files.filter(({ path }) => path.startsWith(`${POLICIES_FOLDER}/`) && !path.endsWith('.md'));
  const size = own.reduce((sum, { content }) => sum + content.length, 0);
  if (size > MOST_CHARACTERS) {
    const message = `The policies have ${size} characters, more than ${MOST_CHARACTERS}.`;
    return { findings: [findingAt(own[0]?.path ?? POLICIES_FOLDER, START, 'policy-bounds', message)] };
  }
  const findings: Finding[] = [];
  const placed = own.flatMap((file) => {
    const read = readFile(file);
    findings.push(...read.findings);
    return read.value ?? [];
  });
  findings.push(
    ...boundFindings(placed),
    ...duplicateFindings(placed),
    ...bindingFindings(placed),
    ...reachFindings(placed),
    ...expressionFindings(placed),
  );
  if (placed.length === 0 || findings.some(({ level }) => level === 'failure')) return { findings };
  const objects = placed.map(({ object: { manifest, path, line, document } }) => ({ manifest, path, line, document }));
  return { value: { hash: hashOf(objects.map(({ manifest }) => manifest)), objects }, findings };
}

function readFile({ path, content }: { readonly path: string; readonly content: string }): Parsed<PlacedPolicy[]> {
  if (!path.endsWith('.yaml')) {
    const message = `Nothing reads the file ${path}. Policies are .yaml files.`;
    return { findings: [findingAt(path, START, 'unknown-file', message)] };
  }
  const source = parseYaml(path, content).value;
  const parsed = parseManifests(path, content);
  if (source === undefined || parsed.value === undefined) return { findings: parsed.findings };
  const objects = parsed.value;
  const findings = [...parsed.findings];
  const placed = source.documents.flatMap((_, document): PlacedPolicy[] => {
    const object = objects.find((candidate) => candidate.document === document);
    if (object === undefined) return [];
    findings.push(...shapeFindings(source, document, object));
    return [{ object, source, document }];
  });
  return { value: placed, findings };
}

function shapeFindings(source: YamlSource, document: number, { manifest }: SourceObject): readonly Finding[] {
  const { kind, apiVersion } = manifest;
  if ((kind === 'ValidatingAdmissionPolicy' || kind === 'ValidatingAdmissionPolicyBinding') && apiVersion === API) {
    return readShape(source, KINDS[kind], document).findings;
  }
  const wrong = Object.hasOwn(KINDS, kind) ? 'apiVersion' : 'kind';
  const hint = wrong === 'kind' ? didYouMean(kind, Object.keys(KINDS)) : '';
  const message = `${apiVersion} ${kind} can't stand here.${hint} Only ValidatingAdmissionPolicy and ValidatingAdmissionPolicyBinding of ${API} can.`;
  return [findingAt(source.path, placeOf(source, [wrong], document), 'policy-kind', message)];
}

function boundFindings(placed: readonly PlacedPolicy[]): Finding[] {
  const first = placed[MOST_OBJECTS];
  if (first === undefined) return [];
  return [at(first, ['kind'], 'policy-bounds', `There are ${placed.length} policies and bindings, more than ${MOST_OBJECTS}.`)];
}

function duplicateFindings(placed: readonly PlacedPolicy[]): Finding[] {
  const seen = new Map<string, SourceObject>();
  return placed.flatMap((policy) => {
    const key = objectKey(policy.object.manifest);
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, policy.object);
      return [];
    }
    const message = `${objectName(policy.object.manifest)} is there already, in ${earlier.path} line ${earlier.line}.`;
    return [at(policy, ['metadata', 'name'], 'duplicate-object', message)];
  });
}

/** A policy without a binding does nothing, a binding without its policy neither. */
function bindingFindings(placed: readonly PlacedPolicy[]): Finding[] {
  const policies = placed.filter(({ object }) => object.manifest.kind === 'ValidatingAdmissionPolicy');
  const bindings = placed.filter(({ object }) => object.manifest.kind === 'ValidatingAdmissionPolicyBinding');
  const names = policies.map(({ object }) => object.manifest.metadata.name);
  const bound = bindings.map(({ object }) => textAt(object.manifest, ['spec', 'policyName']) ?? '');
  return [
    ...bindings.flatMap((binding, index) => {
      const name = bound[index] ?? '';
      if (names.includes(name)) return [];
      return [at(binding, ['spec', 'policyName'], 'policy-binding', `There is no policy ${name}.${didYouMean(name, names)}`)];
    }),
    ...policies
      .filter(({ object }) => !bound.includes(object.manifest.metadata.name))
      .map((policy) => {
        const message = `${policy.object.manifest.metadata.name} has no ValidatingAdmissionPolicyBinding, so it counts nowhere.`;
        return at(policy, ['metadata', 'name'], 'policy-binding', message);
      }),
  ];
}

/** A policy that also judges leases and the state of nodes stops the control plane when it is wrong. */
function reachFindings(placed: readonly PlacedPolicy[]): Finding[] {
  return placed.flatMap((policy) =>
    listAt(policy.object.manifest, ['spec', 'matchConstraints', 'resourceRules']).flatMap((rule, index) => {
      const groups = listAt(rule, ['apiGroups']);
      const all = listAt(rule, ['resources']).findIndex((resource) => resource === '*' || resource === '*/*');
      if (all < 0 || !['*', '', 'coordination.k8s.io'].some((group) => groups.includes(group))) return [];
      const path = ['spec', 'matchConstraints', 'resourceRules', index, 'resources', all];
      return [
        at(
          policy,
          path,
          'policy-too-wide',
          'It also judges leases or the state of nodes: wrong, it stops the cluster. Name the resources.',
        ),
      ];
    }),
  );
}

function at(policy: PlacedPolicy, path: readonly PropertyKey[], rule: string, message: string): Finding {
  return findingAt(policy.source.path, placeOf(policy.source, path, policy.document), rule, message);
}

/**
 * The configuration with the fleet's own policies as one more component, which comes before all others. The same
 * configuration with the same policies is the same object, so that it is rendered once.
 */
export function withPolicies(configuration: Configuration, policies: ParsedPolicies | undefined): Configuration {
  if (policies === undefined) return configuration;
  const made = decorated.get(configuration) ?? new Map<string, Configuration>();
  decorated.set(configuration, made);
  const known = made.get(policies.hash);
  if (known !== undefined) return known;
  const { value: source } = parseYaml(POLICIES_FOLDER, '');
  if (source === undefined) return configuration;
  const file = { name: POLICIES_COMPONENT, phase: 'before-control-plane' as const, needs: [] };
  const result = { ...configuration, components: [{ file, source, objects: policies.objects }, ...configuration.components] };
  made.set(policies.hash, result);
  return result;
}

const decorated = new WeakMap<Configuration, Map<string, Configuration>>();

/** Objects of the configuration that the fleet's own policies have already: each would overwrite the other. */
export function policyClashes(configuration: Pick<Configuration, 'components'>, policies: ParsedPolicies | undefined): Finding[] {
  const own = new Map((policies?.objects ?? []).map((object) => [objectKey(object.manifest), object]));
  return configuration.components.flatMap(({ objects }) =>
    objects.flatMap(({ manifest, path, line }) => {
      const clash = own.get(objectKey(manifest));
      if (clash === undefined) return [];
      const message = `${objectName(manifest)} is there already, on main in ${clash.path} line ${clash.line}.`;
      return [findingAt(path, { line, column: 1 }, 'duplicate-object', message)];
    }),
  );
}
