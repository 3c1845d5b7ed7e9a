import { readdirSync } from 'node:fs';
import { sha256 } from '#domain/hash.ts';
import { SCHEDULED } from '#domain/hash-proof.ts';
import { BackupManifest } from '#model/backup-records.ts';
import type { Execution } from '../asl/execution.ts';
import { createRandom } from '../faults/random.ts';
import { createPoints, faultsAt, type Place, type Strike } from './points.ts';
import { type BackupWorld, createBackupWorld } from './world.ts';

/** One seeded run: a backup that is struck, and one more. */
export interface Scenario {
  readonly seed: number;
  readonly inParts: boolean;
  /** By schedule: L3 goes by what members record. */
  readonly scheduled: boolean;
  readonly strike: Strike;
}

export interface Told {
  readonly scenario: Scenario;
  readonly status: string;
  readonly struck: boolean;
  /** What must not be; empty for a good run. */
  readonly wrong: readonly string[];
}

/** Errors that a state machine may end with: ours by name, and those of AWS. */
const NAMED =
  /^(?:BackupNotProvenError|ClusterUnreachableError|TransientError|RefusedError|NotFoundError|ConflictError|Sandbox\.Timedout)$/;
const LAYERS = ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'];

/** Places of a backup that nothing strikes, with how often each is come to. */
export async function placesOf(inParts: boolean, scheduled: boolean): Promise<ReadonlyMap<Place, number>> {
  const points = createPoints([]);
  const world = await createBackupWorld(points, inParts);
  try {
    const execution = await world.run(nameOf('calm', scheduled));
    const wrong = [...wrongIn(world), ...(execution.status === 'SUCCEEDED' ? [] : [`it ended ${execution.error}: ${execution.cause}`])];
    if (wrong.length > 0) throw new Error(`a backup that nothing strikes: ${wrong.join('; ')}`);
    // Only an upload that fails is aborted.
    return new Map([...points.visits, ...(inParts ? [['s3 AbortMultipartUpload of a file, the snapshot', 1] as const] : [])]);
  } finally {
    await world.close();
  }
}

function nameOf(name: string, scheduled: boolean): string {
  return scheduled ? `${SCHEDULED}${name}` : name;
}

const known = new Map<string, Promise<ReadonlyMap<Place, number>>>();

/** Place, time and fault follow from the seed; the places take turns, so that each is struck as often. */
export async function scenarioOf(seed: number): Promise<Scenario> {
  const random = createRandom(seed);
  const [inParts, scheduled] = [seed % 2 === 0, seed % 4 > 1];
  const kind = `${inParts} ${scheduled}`;
  const places = known.get(kind) ?? placesOf(inParts, scheduled);
  known.set(kind, places);
  const turns = [...(await places)].flatMap(([place, visits]) => faultsAt(place).map((fault) => ({ place, visits, fault })));
  const turn = turns[(seed >> 2) % turns.length];
  if (turn === undefined) throw new Error('a backup comes to no place');
  const { place, visits, fault } = turn;
  return { seed, inParts, scheduled, strike: { place, fault, visit: 1 + random.below(visits), from: random.next() < 0.4 } };
}

export async function play(scenario: Scenario): Promise<Told> {
  const points = createPoints(strikesOf(scenario.strike));
  const world = await createBackupWorld(points, scenario.inParts);
  try {
    const first = await world.run(nameOf('struck', scenario.scheduled));
    const wrong = [...wrongIn(world), ...wrongOf(first, scenario, points.struck() > 0), ...leftBy(world, points.struck() > 0, scenario)];
    points.heal();
    world.setDatabase('another value');
    const second = await world.run(nameOf('next', scenario.scheduled));
    if (second.status !== 'SUCCEEDED') wrong.push(`the next run ended ${second.error}: ${second.cause?.slice(0, 300)}`);
    wrong.push(...wrongIn(world).map((what) => `after the next run: ${what}`));
    if (provenIn(world).filter(({ execution }) => execution === nameOf('next', scenario.scheduled)).length !== 1)
      wrong.push('the next run proved nothing');
    return { scenario, status: first.status, struck: points.struck() > 0, wrong };
  } finally {
    await world.close();
  }
}

const PART = 's3 UploadPart of a file, the snapshot';

/** An upload is aborted only once a part of it was refused. */
function strikesOf(strike: Strike): Strike[] {
  const aborts = strike.place.startsWith('s3 AbortMultipartUpload');
  return aborts ? [strike, { place: PART, visit: 2, fault: 'refused', from: false }] : [strike];
}

function manifestsIn({ s3 }: BackupWorld): BackupManifest[] {
  const texts = [...s3.objects].filter(([key]) => key.endsWith('manifest.json')).map(([, body]) => body.toString('utf8'));
  return texts.map((text) => BackupManifest.parse(JSON.parse(text)));
}

function provenIn(world: BackupWorld): BackupManifest[] {
  return manifestsIn(world).filter(({ proven }) => proven);
}

/** What is in the bucket must be whole, and what counts as proven must be what etcd had. */
function wrongIn(world: BackupWorld): string[] {
  const { s3, truths } = world;
  const truth = new Set(truths.map((file) => sha256(file)));
  const snapshots = [...s3.objects].filter(([key]) => key.endsWith('snapshot.db'));
  const partial = snapshots.filter(([, body]) => !truth.has(sha256(body))).map(([key]) => `${key} is not what etcd had`);
  const proven = provenIn(world).flatMap(({ id, object, layers, execution }) => {
    const stored = s3.objects.get(object.key);
    if (stored === undefined || sha256(stored) !== object.sha256) return [`${id} of ${execution} is proven, and its object is not there`];
    const held = layers.filter(({ verdict }) => verdict === 'holds').map(({ layer }) => layer);
    return LAYERS.every((layer) => held.includes(layer as (typeof held)[number])) ? [] : [`${id} is proven by ${held.join(' ')} alone`];
  });
  return [...partial, ...proven];
}

/** What a retry mends when it happens once, by the adapter or by the state machine. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'reset', 'lost', 'unreachable', 'killed', 'silent', 'silent-after']);
/** Places at which each later visit, too, is spoilt: nothing can be proven then. */
const SPOILING: ReadonlySet<string> = new Set(['wrong', 'fails', 'flipped', 'ends', 'full', 'corrupt', 'cut']);

function wrongOf({ status, error, cause }: Execution, { strike }: Scenario, struck: boolean): string[] {
  if (status === 'SUCCEEDED') {
    const unfelt = struck && strike.from && SPOILING.has(strike.fault);
    return unfelt ? [`it is proven, though ${strike.place} was ${strike.fault} each time`] : [];
  }
  if (!struck) return [`it ended ${error}, and nothing had happened: ${cause}`];
  if (!strike.from && PASSING.has(strike.fault) && strikesOf(strike).length === 1)
    return [`it ended ${error}, though ${strike.fault} happened once: ${cause?.slice(0, 300)}`];
  return NAMED.test(error ?? '') ? [] : [`it ended ${error}: ${cause?.slice(0, 300)}`];
}

/** Neither parts nor files stay, but those of a function that was ended: the bucket's rule and the next function end these. */
function leftBy(world: BackupWorld, struck: boolean, { strike }: Scenario): string[] {
  if (world.killed()) return [];
  const directories = readdirSync(world.root).filter((name) => name.startsWith('sl-'));
  const files = directories.length === 0 ? [] : [`${directories.length} directories stay`];
  // An upload whose abort S3 refuses to the last stays for the bucket's rule, and so does one whose beginning was not answered:
  // nobody knows its id, and it has no parts.
  const refused = struck && strike.place.startsWith('s3 AbortMultipartUpload');
  const open = [...world.s3.uploads.values()].filter(({ parts }) => parts.size > 0 || !strike.place.startsWith('s3 CreateMultipartUpload'));
  return open.length === 0 || refused ? files : [...files, `${open.length} uploads stay open`];
}
