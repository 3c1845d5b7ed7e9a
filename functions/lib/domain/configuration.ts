import type * as z from 'zod';
import type { Finding } from '#model/checks.ts';
import {
  Deletions,
  type Pool,
  Pools,
  type Probe,
  Probes,
  type Snapshot,
  type SnapshotFile,
  UserDataFile,
  Versions,
} from '#model/configuration.ts';
import { binarySkewFindings } from './binary-skew.ts';
import { type Component, parseComponents } from './components.ts';
import { parseManifests, type ReadManifests, type SourceObject } from './manifests.ts';
import { zoneFindings } from './pool-zones.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { readShape } from './shape.ts';
import { skewFindings } from './skew.ts';
import { parameterFindings, TEMPLATE_NAMES, type TemplateName } from './stack-parameters.ts';
import { didYouMean, suggest } from './suggest.ts';
import { parseTemplate, type Template } from './template.ts';
import { templateRuleFindings } from './template-rules.ts';
import { CLUSTER_VARIABLES, POOL_VARIABLES, variableFindings } from './variables.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, type Parsed, parseSingle, parseYaml, placeOf } from './yaml-source.ts';

/** Which instances: each kind has its user data. `common` comes first in all of them. */
const USER_DATA_NAMES = ['common', 'etcd', 'control-plane', 'node'] as const;
export type UserDataName = (typeof USER_DATA_NAMES)[number];

/** A whole configuration, checked. */
export interface Configuration {
  readonly revision: string;
  /** As they were read, to find places again. */
  readonly files: readonly SnapshotFile[];
  readonly versions: Versions;
  readonly pools: readonly Pool[];
  readonly templates: Readonly<Record<TemplateName, Template>>;
  readonly userData: Readonly<Record<UserDataName, UserDataFile>>;
  /** In the order in which they are applied. */
  readonly components: readonly Component[];
  readonly deletions: Deletions;
  /** Names of upstream conformance specs. */
  readonly conformance: readonly string[];
  readonly load: readonly SourceObject[];
  readonly probes: readonly Probe[];
}

const FOLDER = `${CONFIGURATION_FOLDER}/`;
const SINGLE_FILES = [
  'versions.yaml',
  'pools.yaml',
  'deletions.yaml',
  ...TEMPLATE_NAMES.map((name) => `${name}.yaml`),
  ...USER_DATA_NAMES.map((name) => `user-data/${name}.yaml`),
  'tests/conformance.txt',
  'tests/probes.yaml',
];

/** Rules about objects that are there; a finding of any other rule may stand for an object that could not be read. */
const OF_READ_OBJECTS = ['component-name', 'component-needs', 'duplicate-object', 'unknown-variable', 'literal-secret'];

/** Told of all images. */
const MAX_SKEW_FINDINGS = 2000;

/** What could be read of a configuration, so that one broken file does not hide what is wrong with the others. */
export interface ConfigurationParts extends Parsed<Configuration> {
  readonly versions: Versions | undefined;
  readonly pools: readonly Pool[];
  readonly conformance: readonly string[];
  readonly deletions: Deletions | undefined;
  readonly components: readonly Component[];
  readonly load: readonly SourceObject[];
  /** False when an object may be missing because its file could not be read. */
  readonly objectsAreWhole: boolean;
  /** False when an object is missing because what should hold it could not be read; other things may be wrong with those there are. */
  readonly objectsAreRead: boolean;
  readonly templates: Readonly<Record<TemplateName, Template | undefined>>;
  readonly userData: Readonly<Record<UserDataName, UserDataFile | undefined>>;
}

/**
 * Reads a configuration. All findings of all files are collected; the value is there only when none is a failure. Paths
 * of findings are relative to the repository. @param manifests reads one file; two configurations may share a reader that
 * remembers
 */
export function parseConfiguration(snapshot: Snapshot, manifests: ReadManifests = parseManifests): Parsed<Configuration> {
  return readParts(snapshot, manifests);
}

/** As parseConfiguration, with the parts that could be read. */
export function readParts(snapshot: Snapshot, manifests: ReadManifests = parseManifests): ConfigurationParts {
  const reader = createReader(snapshot.files);
  const versions = reader.shape('versions.yaml', Versions);
  const pools = reader.shape('pools.yaml', Pools);
  const deletions = reader.optional('deletions.yaml') ? reader.shape('deletions.yaml', Deletions) : Deletions.parse({});
  const network = reader.template('network', undefined);
  const etcd = reader.template('etcd', network);
  const controlPlane = reader.template('control-plane', network);
  const nodePool = reader.template('node-pool', network);
  const common = reader.optional('user-data/common.yaml') ? reader.userData('common') : UserDataFile.parse({});
  const etcdData = reader.userData('etcd');
  const controlPlaneData = reader.userData('control-plane');
  const node = reader.userData('node');
  const { components, findings } = parseComponents(snapshot.files, FOLDER, manifests);
  reader.findings.push(...findings, ...unknownFiles(snapshot.files));
  const beforeLoad = reader.findings.length;
  const load = reader.load();
  const ofObjects = [...findings, ...reader.findings.slice(beforeLoad)];
  const conformance = reader.conformance();
  const probes = reader.optional('tests/probes.yaml') ? reader.shape('tests/probes.yaml', Probes) : { probes: [] };
  if (pools !== undefined) reader.findings.push(...poolFindings(pools, reader.text('pools.yaml'), { network, nodePool }));
  const userData = { common, etcd: etcdData, 'control-plane': controlPlaneData, node };
  if (versions !== undefined) {
    reader.findings.push(...skewFindings(components, versions).slice(0, MAX_SKEW_FINDINGS));
    reader.findings.push(...binarySkewFindings(userData, versions, snapshot.files));
  }
  const parts = {
    versions,
    pools: pools?.pools ?? [],
    conformance,
    deletions,
    components,
    load,
    objectsAreWhole: ofObjects.length === 0,
    objectsAreRead: ofObjects.every(({ rule }) => OF_READ_OBJECTS.includes(rule)),
    templates: { network, etcd, 'control-plane': controlPlane, 'node-pool': nodePool },
    userData,
    findings: [...reader.findings],
  };
  if (parts.findings.some((finding) => finding.level === 'failure')) return parts;
  if (!versions || !pools || !deletions || !network || !etcd || !controlPlane || !nodePool) return parts;
  if (!common || !etcdData || !controlPlaneData || !node || !probes) return parts;
  const value: Configuration = {
    revision: snapshot.revision,
    files: snapshot.files,
    versions,
    pools: pools.pools,
    templates: { network, etcd, 'control-plane': controlPlane, 'node-pool': nodePool },
    userData: { common, etcd: etcdData, 'control-plane': controlPlaneData, node },
    components,
    deletions,
    conformance,
    load,
    probes: probes.probes,
  };
  return { ...parts, value };
}

function createReader(files: readonly SnapshotFile[]) {
  const findings: Finding[] = [];
  const byPath = new Map(files.map((file) => [file.path, file.content]));
  const optional = (path: string): boolean => byPath.has(path);
  const text = (path: string): string => byPath.get(path) ?? '';
  const required = (path: string): string | undefined => {
    const content = byPath.get(path);
    if (content === undefined)
      findings.push(findingAt(`${FOLDER}${path}`, { line: 1, column: 1 }, 'missing-file', `The file ${path} is missing.`));
    return content;
  };
  const take = <T>(result: Parsed<T>): T | undefined => {
    findings.push(...result.findings);
    return result.value;
  };
  const shape = <S extends z.ZodType>(path: string, schema: S, variables?: readonly string[]): z.infer<S> | undefined => {
    const content = required(path);
    const source = content === undefined ? undefined : take(parseSingle(`${FOLDER}${path}`, content));
    if (source === undefined) return undefined;
    if (variables !== undefined) findings.push(...variableFindings(source, 0, variables));
    return take(readShape(source, schema));
  };
  return {
    findings,
    optional,
    text,
    shape,
    userData: (name: UserDataName) =>
      shape(`user-data/${name}.yaml`, UserDataFile, name === 'node' ? [...CLUSTER_VARIABLES, ...POOL_VARIABLES] : CLUSTER_VARIABLES),
    template: (name: TemplateName, network: Template | undefined): Template | undefined => {
      const content = required(`${name}.yaml`);
      const template = content === undefined ? undefined : take(parseTemplate(`${FOLDER}${name}.yaml`, content));
      if (template !== undefined) findings.push(...parameterFindings(name, template, network), ...templateRuleFindings(template));
      return template;
    },
    load: (): SourceObject[] =>
      files
        .filter((file) => /^tests\/load\/.+\.yaml$/.test(file.path))
        .flatMap((file) => take(parseManifests(`${FOLDER}${file.path}`, file.content)) ?? []),
    conformance: (): string[] =>
      text('tests/conformance.txt')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#')),
  };
}

/** Files that nothing reads are most likely misspelt. Markdown may lie anywhere. */
function unknownFiles(files: readonly SnapshotFile[]): Finding[] {
  return files
    .filter(({ path }) => !SINGLE_FILES.includes(path) && !path.endsWith('.md'))
    .filter(({ path }) => !/^components\/[^/]+\/.+\.yaml$/.test(path) && !/^tests\/load\/.+\.yaml$/.test(path))
    .map(({ path }) => {
      const message = `Nothing reads the file ${shorten(path, 200)}.${didYouMean(path, SINGLE_FILES) || meantPath(path)}`;
      return findingAt(`${FOLDER}${path}`, { line: 1, column: 1 }, 'unknown-file', message);
    });
}

/** What a file's name was to be, where its ending or its folder is nearly right. */
function meantPath(path: string): string {
  const [folder = '', ...rest] = path.split('/');
  const meant = [suggest(folder, ['components', 'tests', 'user-data']) ?? folder, ...rest].join('/').replace(/\.(?:yml|json)$/, '.yaml');
  return meant === path ? '' : ` Did you mean ${shorten(meant, 200)}?`;
}

function poolFindings({ pools }: Pools, text: string, templates: Parameters<typeof zoneFindings>[2]): Finding[] {
  const { value: source } = parseYaml(`${FOLDER}pools.yaml`, text);
  if (source === undefined) return [];
  const at = (index: number, key: string, message: string): Finding =>
    findingAt(source.path, placeOf(source, ['pools', index, key]), 'pools', message);
  const ofPools = pools.flatMap((pool, index) => {
    const findings: Finding[] = [];
    if (pools.findIndex((other) => other.name === pool.name) !== index)
      findings.push(at(index, 'name', `There is another pool ${pool.name}.`));
    if (pool.maxSize <= pool.size) {
      const message = `The pool ${pool.name} can't grow: maxSize ${pool.maxSize} must be above size ${pool.size}, or no node can be replaced.`;
      findings.push(at(index, 'maxSize', message));
    }
    return findings;
  });
  return [...ofPools, ...zoneFindings(pools, source, templates)];
}
