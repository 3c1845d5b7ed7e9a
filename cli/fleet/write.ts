import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseSettings } from '#domain/settings.ts';
import { InputError, RefusedError } from '#model/errors.ts';
import { NOT_COMMITTED } from '../repository/change.ts';
import { run } from '../repository/git.ts';
import { CHANNELS, type FleetOptions } from './options.ts';
import { type NewFile, newSettings, newVersions } from './settings.ts';

const REFERENCE = join(import.meta.dirname, '../../channels');
/** Nobody who runs the command has to be asked for a name; a hook or a key must not be asked either. */
const QUIET = ['-c', 'commit.gpgsign=false', '-c', 'core.hooksPath=/dev/null'];
const NOBODY = ['-c', 'user.name=Sluice', '-c', 'user.email=sluice@example.invalid'];

export interface WrittenFleet {
  readonly branches: readonly { readonly name: string; readonly what: string }[];
  /** Values marked as examples. */
  readonly examples: number;
}

/**
 * Writes a fleet repository: whole or not at all.
 * @throws InputError when the folder holds anything, or the options contradict each other
 */
export async function writeFleet(folder: string, options: FleetOptions): Promise<WrittenFleet> {
  await refuseFull(folder);
  const settings = await settingsFiles(options);
  await mkdir(dirname(folder), { recursive: true });
  const made = join(dirname(folder), `.sluice-init-${randomUUID()}`);
  await mkdir(made);
  try {
    const versions = newVersions(await readFile(join(REFERENCE, 'cluster/versions.yaml'), 'utf8'), options.osImage);
    await commitFleet(made, settings, versions.content);
    // Takes the place of an empty folder, and of nothing else.
    await rename(made, folder);
    const examples = settings.reduce((sum, file) => sum + file.examples, versions.examples);
    return { branches: BRANCHES, examples };
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    throw error;
  }
}

const BRANCHES = [
  { name: 'main', what: 'settings: channels/*.yaml, and channels/bootstrap/ for the accounts of clusters' },
  { name: 'dev', what: 'configuration: channels/cluster/; changes begin here' },
  { name: 'alpha', what: 'configuration, by promotion from dev' },
  { name: 'beta', what: 'configuration, by promotion from alpha' },
];

async function refuseFull(folder: string): Promise<void> {
  const held = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') return ['a file'];
    throw error;
  });
  if (held.length > 0) throw new InputError(`${folder} is not empty, and nothing is ever overwritten: name another folder`);
}

/** The channel files, which must pass the validation of settings. */
async function settingsFiles(options: FleetOptions): Promise<NewFile[]> {
  const texts = await Promise.all(CHANNELS.map((channel) => readFile(join(REFERENCE, `${channel}.yaml`), 'utf8')));
  const [dev = '', alpha = '', beta = ''] = texts;
  const files = newSettings({ dev, alpha, beta }, options);
  const { findings } = parseSettings({ commit: NOT_COMMITTED, files: files.map(({ path, content }) => ({ path, content })) });
  if (findings.length > 0) throw new InputError(findings.map(({ message }) => message).join(' '));
  return files;
}

async function commitFleet(folder: string, settings: readonly NewFile[], versions: string): Promise<void> {
  await git(folder, 'init', '--quiet', '--initial-branch=main');
  const channels = join(folder, 'channels');
  await mkdir(channels);
  await writeFile(join(folder, 'README.md'), README);
  await cp(join(REFERENCE, 'schema.json'), join(channels, 'schema.json'));
  await commit(folder, 'A fleet repository for Sluice');
  await git(folder, 'checkout', '--quiet', '-b', 'dev');
  await cp(join(REFERENCE, 'cluster'), join(channels, 'cluster'), { recursive: true });
  await writeFile(join(channels, 'cluster/versions.yaml'), versions);
  await commit(folder, 'The reference configuration');
  for (const branch of ['alpha', 'beta']) await git(folder, 'branch', branch);
  await git(folder, 'checkout', '--quiet', 'main');
  for (const { path, content } of settings) await writeFile(join(folder, path), content);
  await cp(join(REFERENCE, 'bootstrap'), join(channels, 'bootstrap'), { recursive: true });
  await commit(folder, 'Channels and clusters');
}

async function commit(folder: string, message: string): Promise<void> {
  await git(folder, 'add', '--all', '--force');
  const known = await run(folder, ['var', 'GIT_COMMITTER_IDENT']);
  await git(folder, ...(known.code === 0 ? [] : NOBODY), ...QUIET, 'commit', '--quiet', '-m', message);
}

/** @throws RefusedError with git's own words */
async function git(folder: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(folder, args);
  if (code !== 0) throw new RefusedError(`git could not make the repository: ${stderr.toString().trim()}`);
}

const README = `# Fleet

This repository is what Sluice runs a fleet of Kubernetes clusters from. Changes come by pull request; merging is the approval.

| branch | holds | change it to |
|---|---|---|
| \`main\` | settings: \`channels/*.yaml\` | add a cluster, change waves, hold, freeze |
| \`dev\` | configuration: \`channels/cluster/\` | change what clusters run |
| \`alpha\`, \`beta\` | configuration | nothing by hand: Sluice opens the promotions |

Values marked \`# example\` are for you to replace. \`channels/bootstrap/account.yaml\` (on \`main\`) prepares the account of a
cluster. Before you push, \`sluice validate\` and \`sluice plan\` tell what the check will say.
`;
