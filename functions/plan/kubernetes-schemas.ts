import { brotliDecompressSync } from 'node:zlib';
import type { SchemaBook } from '#domain/kubernetes-apis.ts';
import { KubernetesSchemas, SchemaFile } from '#model/kubernetes-schema.ts';
import v135 from './schemas/1.35.json' with { type: 'json' };
import v136 from './schemas/1.36.json' with { type: 'json' };

const FILES: Readonly<Record<string, unknown>> = { '1.35': v135, '1.36': v136 };
/** Read once a process; 170 KB of JSON each. */
const read = new Map<string, KubernetesSchemas>();

/** The schemas that Sluice ships, made by cli/kubernetes-schemas.ts. */
export const shippedSchemas: SchemaBook = (minor) => {
  const known = read.get(minor);
  if (known !== undefined || !Object.hasOwn(FILES, minor)) return known;
  const { brotli } = SchemaFile.parse(FILES[minor]);
  const schemas = KubernetesSchemas.parse(JSON.parse(brotliDecompressSync(Buffer.from(brotli, 'base64')).toString('utf8')));
  read.set(minor, schemas);
  return schemas;
};
