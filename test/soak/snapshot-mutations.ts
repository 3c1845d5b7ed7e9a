import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openToolchain } from '../../local/toolchain/open.ts';
import { createRandom } from '../support/faults/random.ts';
import { subjectOf } from '../support/snapshot-mutants.ts';
import { isSound, lineOf, makeDatabase, missingTypes, mutateSnapshots, tableOf } from '../support/snapshot-mutations.ts';

const DOCUMENT = join(resolve(import.meta.dirname, '../..'), 'docs', 'recover.md');
const [BEGIN, END] = ['<!-- snapshot-mutations -->', '<!-- /snapshot-mutations -->'];

/**
 * Damages a real snapshot in every way, and asks the layers that look at a file. What passes all of them must be served by a real
 * etcd as the original is. Writes the table of docs/recover.md. `MUTANTS` of each kind (200), from `MUTANTS_SEED` on.
 */
export async function snapshotMutations(tell: (line: string) => void): Promise<void> {
  const each = Number(process.env['MUTANTS'] ?? 200);
  const seed = Number(process.env['MUTANTS_SEED'] ?? 1);
  const toolchain = openToolchain({ log: tell });
  await toolchain.ensureAll(['etcd']);
  const files = await toolchain.filesOf('etcd');
  const path = (name: string): string => {
    const found = files.find(({ file }) => file === name);
    if (found === undefined) throw new Error(`the product etcd has no ${name}`);
    return found.path;
  };
  const tools = { etcd: path('etcd'), etcdutl: path('etcdutl') };
  const database = await makeDatabase(tools.etcd, seed);
  const missing = missingTypes(subjectOf(database.file));
  if (missing.length > 0) throw new Error(`the database has no page of: ${missing.join(', ')}`);
  const other = await makeDatabase(tools.etcd, seed + 1);
  const random = createRandom(seed);
  const rows = await mutateSnapshots(database, { 'snapshot of another cluster': other.file }, tools, {
    each,
    serve: each,
    below: (limit) => random.below(limit),
    tell,
  });
  tell(lineOf(rows.at(-1)));
  const wrong = rows.filter((row) => !isSound(row));
  const text = await readFile(DOCUMENT, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has no place for the table: ${BEGIN} and ${END}`);
  await writeFile(DOCUMENT, `${text.slice(0, begin + BEGIN.length)}\n${tableOf(rows)}\n${text.slice(end)}`);
  tell(`${rows.reduce((sum, { mutants }) => sum + mutants, 0)} mutants of ${rows.length} kinds, ${wrong.length} kinds wrong`);
  if (wrong.length > 0) throw new Error(`not caught, though etcd serves something else: ${wrong.map(({ kind }) => kind).join('; ')}`);
}
