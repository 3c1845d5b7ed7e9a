// `npm run mutate [-- NAME...] [-- --incremental]`: the mutation score of each group, a line a group; exit code 1 when one is
// short of the goal. NAME-N is the Nth part of a group alone. What no test noticed is listed in .world/mutation/NAME.txt.
// `--incremental` runs only what changed since the last run.
import { mkdir, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { GROUPS, type Group, type Shard } from './groups.ts';

type MutantResult = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

const GOAL = 85;
const FOLDER = '.world/mutation';

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { incremental: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const chosen = positionals.length === 0 ? GROUPS : positionals.map(groupNamed);
  await mkdir(FOLDER, { recursive: true });
  const lines: string[] = [];
  let short = false;
  for (const group of chosen) {
    const results = await mutate(group, values.incremental);
    const left = unnoticed(results);
    const score = scoreOf(results);
    short ||= score < GOAL;
    await writeFile(`${FOLDER}/${group.name}.txt`, left.map((line) => `${line}\n`).join(''));
    lines.push(
      `mutation.${group.name} ${score.toFixed(1)} % goal >= ${GOAL} ${score < GOAL ? 'short' : 'ok'} (${results.length} mutants, ${left.length} unnoticed: ${FOLDER}/${group.name}.txt)`,
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return short ? 1 : 0;
}

/** A group, or one part of it by `NAME-N`. @throws Error for any other name */
function groupNamed(wanted: string): Group {
  for (const group of GROUPS) {
    if (group.name === wanted) return group;
    const found = group.shards.find((_, index) => `${group.name}-${index + 1}` === wanted);
    if (found !== undefined) return { name: wanted, shards: [found] };
  }
  throw new Error(`there is no group ${wanted}; there are ${GROUPS.map(({ name }) => name).join(', ')}`);
}

async function mutate({ shards }: Group, incremental: boolean): Promise<readonly MutantResult[]> {
  const results: MutantResult[] = [];
  for (const shard of shards) results.push(...(await mutateShard(shard, incremental)));
  return results;
}

/** @throws Error when the tests are not green without mutants, or nothing is mutated */
async function mutateShard({ mutate: files, tests }: Shard, incremental: boolean): Promise<MutantResult[]> {
  process.env['MUTATE_TESTS'] = tests.join(' ');
  const concurrency = process.env['MUTATE_CONCURRENCY'];
  const stryker = new Stryker({
    mutate: [...files],
    incremental,
    incrementalFile: `${FOLDER}/${basename(files[0] ?? '', '.ts')}.json`,
    ...(concurrency === undefined ? {} : { concurrency: Number(concurrency) }),
  });
  const results = await stryker.runMutationTest();
  if (results.length === 0) throw new Error(`nothing is mutated in ${files.join(', ')}`);
  return results;
}

/** Percent of the mutants that run at all which a test fails on or which never end. */
function scoreOf(results: readonly MutantResult[]): number {
  const noticed = results.filter(({ status }) => status === 'Killed' || status === 'Timeout').length;
  const count = noticed + unnoticed(results).length;
  if (count === 0) throw new Error('no mutant was run');
  return (100 * noticed) / count;
}

function unnoticed(results: readonly MutantResult[]): string[] {
  return results
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ fileName, location, mutatorName, replacement, status }) => {
      const path = fileName.slice(fileName.indexOf('functions/'));
      return `${path}:${location.start.line}:${location.start.column} ${status} ${mutatorName}: ${replacement?.replaceAll(/\s+/g, ' ') ?? ''}`;
    });
}

process.exitCode = await main(process.argv.slice(2));
