import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { channelsSchema } from '../../cli/schema.ts';

const CHANNELS = join(import.meta.dirname, '../../channels');

describe('channels/schema.json', () => {
  it('is fresh', () => {
    expect(readFileSync(join(CHANNELS, 'schema.json'), 'utf8')).toBe(channelsSchema());
  });

  it('takes each file of the reference fleet that refers to it', () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    ajv.addSchema(JSON.parse(channelsSchema()), 'schema.json');
    const files = readdirSync(CHANNELS, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml'));
    const referring = files.flatMap((path) => {
      const text = readFileSync(join(CHANNELS, path), 'utf8');
      const reference = /^# yaml-language-server: \$schema=[./]*(schema\.json(?:#.*)?)$/m.exec(text)?.[1];
      return reference === undefined ? [] : [{ path, reference, value: parse(text) as unknown }];
    });

    const refused = referring.filter(({ reference, value }) => !ajv.validate(reference, value)).map(({ path }) => path);

    expect(referring.length).toBeGreaterThanOrEqual(17);
    expect(refused).toEqual([]);
  });
});
