import type { IdentityVersions, KeyGenerations } from '../model/configuration.ts';
import { InputError, RefusedError } from '../model/errors.ts';
import { type AuthoritySecret, type Generations, Generations as GenerationsSchema } from '../model/identity.ts';
import { encryptionConfiguration } from './identity.ts';
import { ROTATED_KINDS, rotationProblem } from './rotation.ts';

/** Makes the material of one generation. */
export interface GenerationMaker {
  clusterCa(generation: number): Promise<{ certificate: string; key: string }>;
  serviceAccounts(): Promise<{ key: string; publicKey: string }>;
  encryption(): string;
}

/** What an authority holds; one from before rotations is of the first generation of each kind. */
export function generationsOf(files: AuthoritySecret): Generations {
  const stored = files['generations.json'];
  if (stored !== undefined) return GenerationsSchema.parse(JSON.parse(stored));
  const key = /secret: (\S+)/.exec(files['encryption.yaml'])?.[1];
  if (key === undefined) throw new InputError('encryption.yaml of the authority holds no key');
  const first: KeyGenerations = { trusted: [1], issues: 1 };
  return {
    state: { clusterCa: first, serviceAccounts: first, encryption: first },
    clusterCa: { '1': { certificate: files['ca.crt'], key: files['ca.key'] } },
    serviceAccounts: { '1': { key: files['sa.key'], publicKey: files['sa.pub'] } },
    encryption: { '1': key },
  };
}

/**
 * The authority as the configuration wants it: new generations are made, those that nobody trusts any more are dropped, and
 * the files by which everything else is made follow. @param state what is wanted; absent: what it is now
 * @throws RefusedError for a move that would break what is in use
 */
export async function advanceAuthority(
  files: AuthoritySecret,
  state: IdentityVersions | undefined,
  make: GenerationMaker,
): Promise<AuthoritySecret> {
  const known = generationsOf(files);
  const wanted = state ?? known.state;
  for (const kind of ROTATED_KINDS) {
    const problem = rotationProblem(kind, known.state[kind], wanted[kind]);
    if (problem !== undefined) throw new RefusedError(problem);
  }
  return atGenerations(files, known, wanted, make);
}

/** The authority of a new cluster, of which nothing is in use yet: at any state, also one that others came to by rotations. */
export async function newAuthority(
  files: AuthoritySecret,
  wanted: IdentityVersions | undefined,
  make: GenerationMaker,
): Promise<AuthoritySecret> {
  const known = generationsOf(files);
  return atGenerations(files, known, wanted ?? known.state, make);
}

async function atGenerations(
  files: AuthoritySecret,
  known: Generations,
  wanted: IdentityVersions,
  make: GenerationMaker,
): Promise<AuthoritySecret> {
  const next: Generations = {
    state: wanted,
    clusterCa: await kept(wanted.clusterCa, known.clusterCa, make.clusterCa),
    serviceAccounts: await kept(wanted.serviceAccounts, known.serviceAccounts, make.serviceAccounts),
    encryption: await kept(wanted.encryption, known.encryption, async () => make.encryption()),
  };
  return { ...files, ...filesOf(next), 'generations.json': JSON.stringify(next) };
}

/**
 * A newer generation than the one that is issued is kept though nobody trusts it: a rotation that was given up can begin
 * again. Made anew, it would be another key of the same name, which instances with the first one do not trust.
 */
async function kept<T>(
  { trusted, issues }: KeyGenerations,
  known: Readonly<Record<string, T>>,
  make: (generation: number) => Promise<T>,
): Promise<Record<string, T>> {
  const givenUp = Object.entries(known).filter(([generation]) => Number(generation) > issues);
  const entries = await Promise.all(
    trusted.map(async (generation): Promise<[string, T]> => [String(generation), known[generation] ?? (await make(generation))]),
  );
  return Object.fromEntries([...givenUp, ...entries]);
}

/** What is issued comes first in each bundle. */
function filesOf({ state, clusterCa, serviceAccounts, encryption }: Generations): Partial<AuthoritySecret> {
  const ordered = ({ trusted, issues }: KeyGenerations): string[] =>
    [issues, ...trusted.filter((generation) => generation !== issues)].map(String);
  const ca = clusterCa[state.clusterCa.issues];
  const signing = serviceAccounts[state.serviceAccounts.issues];
  if (ca === undefined || signing === undefined) throw new InputError('the generation that is issued is not there');
  return {
    'ca.crt': ca.certificate,
    'ca.key': ca.key,
    'ca-bundle.crt': ordered(state.clusterCa)
      .map((generation) => clusterCa[generation]?.certificate ?? '')
      .join(''),
    'sa.key': signing.key,
    'sa.pub': ordered(state.serviceAccounts)
      .map((generation) => serviceAccounts[generation]?.publicKey ?? '')
      .join(''),
    'encryption.yaml': encryptionConfiguration(
      ordered(state.encryption).map((generation) => ({ name: `key${generation}`, secret: encryption[generation] ?? '' })),
    ),
  };
}
