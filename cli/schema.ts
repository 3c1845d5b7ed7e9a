import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { ComponentFile, Deletions, Pools, Probes, UserDataFile, Versions } from '#model/configuration.ts';
import { ChannelFile } from '#model/settings.ts';

const FILE = join(import.meta.dirname, '../channels/schema.json');

/**
 * JSON Schema of the files that operators write, for editors: a channel file at the top, the others as definitions. Of
 * what a file may hold as written, so keys with a default may be left out.
 */
export function channelsSchema(): string {
  const definition = (schema: z.ZodType): object => {
    const { $schema: _schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    return rest;
  };
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Channel of a Sluice fleet',
    description: 'Made from functions/lib/model by cli/schema.ts; do not edit.',
    ...definition(ChannelFile),
    $defs: {
      Versions: definition(Versions),
      Pools: definition(Pools),
      Component: definition(ComponentFile),
      Deletions: definition(Deletions),
      Probes: definition(Probes),
      UserData: definition(UserDataFile),
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Writes channels/schema.json, or with `--check` tells whether it is fresh. @returns exit code */
export function main(args: readonly string[]): number {
  const wanted = channelsSchema();
  if (!args.includes('--check')) {
    writeFileSync(FILE, wanted);
    return 0;
  }
  if (readFileSync(FILE, 'utf8') === wanted) return 0;
  process.stderr.write('channels/schema.json is stale: run node cli/schema.ts\n');
  return 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
