import type { Finding } from '#model/checks.ts';
import type { SnapshotFile } from '#model/configuration.ts';
import type { ConfigurationParts } from './configuration.ts';
import { nodeLabelProblem } from './node-labels.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { findingAt, parseYaml, placeOf } from './yaml-source.ts';

/** Told of one pool. */
const MAX_LABEL_FINDINGS = 50;
const POOLS = `${CONFIGURATION_FOLDER}/pools.yaml`;

/**
 * What can be read and rendered and yet would not do: e2e without a test, nodes that never join. Asked of pull requests only,
 * so that what is proven stays to be had.
 */
export function useFindings(
  { pools, conformance }: Pick<ConfigurationParts, 'pools' | 'conformance'>,
  files: readonly SnapshotFile[],
): Finding[] {
  return [...conformanceFindings(conformance), ...labelFindings(pools, files)];
}

/** What tests nothing proves nothing: the run fails, at its end. */
function conformanceFindings(specs: ConfigurationParts['conformance']): Finding[] {
  if (specs.length > 0) return [];
  const message = 'There is no conformance spec in tests/conformance.txt, so e2e would test nothing and fail. Name one a line.';
  return [findingAt(`${CONFIGURATION_FOLDER}/tests/conformance.txt`, { line: 1, column: 1 }, 'missing-file', message)];
}

function labelFindings(pools: ConfigurationParts['pools'], files: readonly SnapshotFile[]): Finding[] {
  const problems = pools.flatMap(({ name, labels }, index) =>
    Object.entries(labels)
      .flatMap(([key, value]) => {
        const problem = nodeLabelProblem(key, value);
        return problem === undefined ? [] : [{ path: ['pools', index, 'labels', key], message: `The nodes of ${name} ${problem}` }];
      })
      .slice(0, MAX_LABEL_FINDINGS),
  );
  if (problems.length === 0) return [];
  const { value: source } = parseYaml(POOLS, files.find(({ path }) => path === 'pools.yaml')?.content ?? '');
  return source === undefined ? [] : problems.map(({ path, message }) => findingAt(POOLS, placeOf(source, path), 'pools', message));
}
