import { Document, isMap, isScalar, parseDocument, Scalar, type YAMLMap, YAMLSeq } from 'yaml';
import { SERVICE_NETWORK } from '#domain/network.ts';
import { InputError } from '#model/errors.ts';
import { ChannelFile } from '#model/settings.ts';
import { CHANNELS, type Channel, type FleetOptions } from './options.ts';

/** What marks a value that stands for one of the operator's own. */
const EXAMPLE = ' example';
/** Second byte of the first e2e slot's network; clusters begin at 1. */
const FIRST_SLOT_NETWORK = 200;
const SLOTS = 55;

/** One channel file of a new fleet: the reference file with the operator's clusters; `examples` counts what is marked. */
export interface NewFile {
  readonly path: string;
  readonly content: string;
  readonly examples: number;
}

/** The three channel files. @param reference their texts in the reference fleet @throws InputError for too many clusters */
export function newSettings(reference: Readonly<Record<Channel, string>>, options: FleetOptions): NewFile[] {
  const networks = clusterNetworks();
  return CHANNELS.map((channel) => {
    const document = parseDocument(reference[channel]);
    const example = ChannelFile.parse(document.toJS());
    const count = { examples: 0 };
    const given = options.clusters.filter((cluster) => cluster.channel === channel);
    const clusters = given.length > 0 ? given : example.clusters.map(({ name, account }) => ({ name, account }));
    const owner = options.owner ?? example.clusters[0]?.owner ?? 'team-platform';
    const entries = clusters.map(({ name, account }) =>
      entry(count, [
        ['name', name, given.length > 0],
        ['account', account, given.length > 0],
        ['region', options.region ?? example.clusters[0]?.region ?? '', options.region !== undefined],
        ['environment', example.clusters[0]?.environment ?? 'test', true],
        ['network', next(networks), true],
        ['owner', owner, options.owner !== undefined],
      ]),
    );
    document.setIn(['clusters'], sequence(entries));
    if (example.e2e !== undefined) document.setIn(['e2e', 'slots'], sequence(slots(count, example.e2e.slots, options)));
    return { path: `channels/${channel}.yaml`, content: document.toString({ lineWidth: 0 }), examples: count.examples };
  });
}

/** `versions.yaml` with the operator's image, or the placeholder marked. */
export function newVersions(text: string, osImage: string | undefined): { content: string; examples: number } {
  const document = parseDocument(text);
  const value = document.get('osImage', true);
  if (!isScalar(value)) throw new InputError('versions.yaml of the reference configuration has no osImage');
  if (osImage === undefined) value.comment = EXAMPLE;
  else value.value = osImage;
  return { content: document.toString({ lineWidth: 0 }), examples: osImage === undefined ? 1 : 0 };
}

function slots(count: { examples: number }, example: readonly { account: string; region: string }[], options: FleetOptions): YAMLMap[] {
  const given = options.e2eAccounts.length > 0;
  const accounts = given ? options.e2eAccounts : example.map(({ account }) => account);
  if (accounts.length > SLOTS) throw new InputError(`at most ${SLOTS} e2e accounts, please`);
  return accounts.map((account, index) =>
    entry(count, [
      ['account', account, given],
      ['region', options.region ?? example[0]?.region ?? '', options.region !== undefined],
      ['network', `10.${FIRST_SLOT_NETWORK + index}.0.0/16`, true],
    ]),
  );
}

/** A mapping; a value that was not given is marked as an example. */
function entry(count: { examples: number }, fields: readonly (readonly [key: string, value: string, given: boolean])[]): YAMLMap {
  const map = new Document({}).contents;
  if (!isMap(map)) throw new TypeError('a new document of {} is a map');
  map.flow = false;
  for (const [key, text, given] of fields) {
    const value = new Scalar(text);
    // Twelve digits would be a number without quotes.
    if (key === 'account') value.type = Scalar.QUOTE_SINGLE;
    if (!given) {
      value.comment = EXAMPLE;
      count.examples += 1;
    }
    map.set(key, value);
  }
  return map;
}

function sequence(items: readonly YAMLMap[]): YAMLSeq {
  const list = new YAMLSeq();
  list.items.push(...items);
  return list;
}

/** 10.1.0.0/16 and on, but for the Service network and those of e2e. */
function clusterNetworks(): string[] {
  return Array.from({ length: FIRST_SLOT_NETWORK - 1 }, (_, index) => `10.${index + 1}.0.0/16`).filter((one) => one !== SERVICE_NETWORK);
}

function next(networks: string[]): string {
  const network = networks.shift();
  if (network === undefined) throw new InputError('that is more clusters than 10.0.0.0/8 has room for here; add the rest by hand');
  return network;
}
