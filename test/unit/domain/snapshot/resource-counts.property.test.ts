import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createResourceCounter } from '#domain/snapshot/resource-counts.ts';

describe('counting resources', () => {
  it('is that of each key for itself, whatever keys came before', () => {
    const part = fc.constantFrom('', 'pods', 'services', 'specs', 'a.example.org', 'é', 'b');
    const key = fc.tuple(fc.constantFrom('/registry/', '/registry', '/other/', ''), fc.array(part, { maxLength: 6 }));
    let kinds = 0;
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 60 }), (keys) => {
        const texts = keys.map(([head, parts]) => head + parts.join('/'));
        const counter = createResourceCounter();
        for (const text of texts) {
          // As in a page: other bytes before and behind.
          const bytes = new TextEncoder().encode(`/x${text}/y`);
          counter.count(bytes, 2, bytes.length - 2);
        }
        const { kinds: found, namespaces, otherKeys } = counter.result();
        kinds += Object.keys(found).length;

        expect(found).toEqual(tallied(texts.map((text) => placeOf(text).kind)));
        expect(namespaces).toEqual(tallied(texts.map((text) => placeOf(text).namespace)));
        expect(otherKeys).toBe(texts.filter((text) => placeOf(text).kind === undefined).length);
      }),
      { numRuns: 300 },
    );
    expect(kinds).toBeGreaterThan(0);
  });

  it('sums up the names beyond 10,000', () => {
    const counter = createResourceCounter();
    for (let index = 0; index < 10_050; index += 1) {
      const bytes = new TextEncoder().encode(`/registry/kind${index}/ns/name`);
      counter.count(bytes, 0, bytes.length);
      counter.count(bytes, 0, bytes.length);
    }

    const { kinds, namespaces } = counter.result();

    expect(Object.keys(kinds)).toHaveLength(10_001);
    expect([kinds['(others)'], kinds['kind0'], namespaces]).toEqual([100, 2, { ns: 20_100 }]);
  });
});

function placeOf(key: string): { kind?: string; namespace?: string } {
  if (!key.startsWith('/registry/')) return {};
  const [first = '', ...rest] = key.slice('/registry/'.length).split('/');
  const pair = rest.length > 0 && (first.includes('.') || first === 'services');
  const names = pair ? rest.slice(1) : rest;
  const [namespace] = names;
  return {
    kind: pair ? `${first}/${rest[0]}` : first === '' ? '(none)' : first,
    ...(names.length > 1 && namespace !== undefined ? { namespace } : {}),
  };
}

function tallied(names: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
