import { backupFaults } from './backup-faults.ts';
import { etcdHash } from './etcd-hash.ts';
import { faults } from './faults.ts';
import { faultsReal } from './faults-real.ts';
import { fullUpdate } from './full-update.ts';
import { fuzz } from './fuzz.ts';
import { snapshotMutations } from './snapshot-mutations.ts';
import { twoStories } from './two-stories.ts';
import { webhooks } from './webhooks.ts';

/** Long runs by name: `npm run soak -- NAME`. Each tells what it saw and throws at what must not be. */
const SOAKS: Readonly<Record<string, (tell: (line: string) => void) => Promise<void>>> = {
  'backup-faults': backupFaults,
  'etcd-hash': etcdHash,
  faults,
  'faults-real': faultsReal,
  'full-update': fullUpdate,
  fuzz,
  'snapshot-mutations': snapshotMutations,
  'two-stories': twoStories,
  webhooks,
};

const [name = ''] = process.argv.slice(2);
const soak = Object.hasOwn(SOAKS, name) ? SOAKS[name] : undefined;
if (soak === undefined) {
  process.stderr.write(`usage: npm run soak -- NAME, one of: ${Object.keys(SOAKS).join(', ')}\n`);
  process.exitCode = 2;
} else {
  await soak((line) => process.stdout.write(`${line}\n`));
}
