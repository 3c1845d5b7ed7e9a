import fc from 'fast-check';
import { openToolchain } from '../../local/toolchain/open.ts';
import { ETCD_NEXT_VERSION, ETCD_OLD_VERSION, ETCD_VERSION } from '../../local/toolchain/versions.ts';
import { compareDatabase, databaseHistory } from '../support/etcd-database.ts';

const BATCH = 30;

/**
 * The key-value hash that the verifier computes from a snapshot against the one that the live member tells, on generated
 * databases of three minors of etcd in turn. `ETCD_HASH_SEED` is the first seed, `ETCD_HASH_RUNS` how many databases.
 */
export async function etcdHash(tell: (line: string) => void): Promise<void> {
  const seed = Number(process.env['ETCD_HASH_SEED'] ?? 1);
  const runs = Number(process.env['ETCD_HASH_RUNS'] ?? 510);
  const toolchain = openToolchain({ log: tell });
  const versions = [ETCD_OLD_VERSION, ETCD_VERSION, ETCD_NEXT_VERSION];
  const products = [`etcd-${ETCD_OLD_VERSION}`, 'etcd', `etcd-${ETCD_NEXT_VERSION}`];
  await toolchain.ensureAll(products);
  const paths: string[] = [];
  for (const product of products) {
    const files = await toolchain.filesOf(product);
    const found = files.find(({ file }) => file === 'etcd');
    if (found === undefined) throw new Error(`${product} has no etcd`);
    paths.push(found.path);
  }
  const wrong: string[] = [];
  const seen = { databases: 0, hashes: 0, recorded: 0, empty: 0, compacted: 0 };
  for (let index = 0; index < runs; index++) {
    const place = index % paths.length;
    const [history = []] = fc.sample(databaseHistory(), { seed: seed + index, numRuns: 1 });
    const found = await compareDatabase(paths[place] ?? '', history);
    seen.databases += 1;
    seen.hashes += found.equal;
    seen.recorded += found.recorded;
    if (found.keys === 0) seen.empty += 1;
    if (found.compactRevision > 0) seen.compacted += 1;
    if (found.wrong.length > 0) {
      wrong.push(`etcd ${versions[place]}, seed ${seed + index}: ${found.wrong.join('; ')}`);
      tell(`wrong: ${wrong.at(-1)}`);
    }
    if ((index + 1) % BATCH === 0 || index + 1 === runs) {
      tell(
        `${index + 1} of ${runs} databases, ${seen.hashes} hashes equal, ${seen.recorded} more as recorded at a compaction, ${seen.empty} without keys, ${seen.compacted} compacted, ${wrong.length} wrong`,
      );
    }
  }
  tell(`etcd ${versions.join(', ')}: ${seen.databases - wrong.length} of ${seen.databases} databases hash as their member does`);
  if (wrong.length > 0 || seen.hashes === 0 || seen.recorded === 0) throw new Error(`${wrong.length} of ${runs} databases differ`);
}
