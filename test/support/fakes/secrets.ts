import { sha256 } from '#domain/hash.ts';
import { NotFoundError } from '#model/errors.ts';
import type { Secrets } from '#ports/secrets.ts';

export interface FakeSecrets extends Secrets {
  readonly values: Map<string, string>;
  /** Earlier versions, by `<id>@<label>`. */
  readonly labelled: Map<string, string>;
  readonly tags: Map<string, Readonly<Record<string, string>>>;
  /** Recovery days of the deleted ones; undefined: gone at once. */
  readonly deleted: Map<string, number | undefined>;
}

/** Secrets Manager in memory. */
export function createFakeSecrets(): FakeSecrets {
  const values = new Map<string, string>();
  const tags = new Map<string, Readonly<Record<string, string>>>();
  const deleted = new Map<string, number | undefined>();
  const labelled = new Map<string, string>();
  return {
    values,
    tags,
    deleted,
    labelled,
    async getVersion(id, label) {
      const value = label === undefined || label === 'AWSCURRENT' ? values.get(id) : labelled.get(`${id}@${label}`);
      return value === undefined ? undefined : { value, version: versionOf(value) };
    },
    get: async (id) => values.get(id),
    async create(id, value, newTags) {
      if (values.has(id)) return false;
      values.set(id, value);
      tags.set(id, newTags);
      return true;
    },
    async replace(id, value, version) {
      const known = values.get(id);
      if (known === undefined) throw new NotFoundError(`there is no secret ${id}`);
      if (versionOf(known) !== version) return false;
      values.set(id, value);
      return true;
    },
    async delete(id, recoveryDays) {
      if (values.delete(id)) deleted.set(id, recoveryDays);
    },
  };
}

/** Id that the fake gives a version of this value. */
export function versionOf(value: string): string {
  return `version-${sha256(value).slice(0, 8)}`;
}
