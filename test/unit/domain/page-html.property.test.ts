import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { html } from '#domain/page-template.ts';
import { repositoryUrl } from '#domain/repository-url.ts';
import { askPage, pageFleet } from '../../support/page-fleet.ts';

/** Text as an attacker would write it into an owner, a reason or an error, and any other. */
const hostile = fc.oneof(
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    '</style><script>',
    '&lt;b&gt;',
    '<!--',
    ']]>',
  ),
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.array(fc.constantFrom('<', '>', '"', "'", '&', '/', 'a', '=', '\u0000', '\u2028'), { minLength: 1 }).map((parts) => parts.join('')),
);

/** Names of all tags of a page, and of the attributes in each. */
function tagsOf(page: string): string[] {
  return [...page.matchAll(/<(\/?[a-z!][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/gi)].map(([, name = '', attributes = '']) =>
    [name, ...[...attributes.matchAll(/([a-z-]+)="/gi)].map(([, key]) => key)].join(' '),
  );
}

describe('the template', () => {
  it('gives back any value as text, whatever stands in it', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const { html: text } = html`<p title="${value}">${[value, null, false]}</p>`;

        expect(text.match(/[<>]/g)).toEqual(['<', '>', '<', '>']);
        expect(text.match(/"/g)).toHaveLength(2);
        expect(text).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
  });
});

describe('the page', () => {
  it('has the same tags whatever people and machines wrote into the records', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const said = (value: string) =>
          pageFleet(3, {
            hold: { revision: 'a'.repeat(40), reason: value, owner: value, until: '2026-01-06T08:00:00Z' },
            freeze: [{ from: '2026-01-05T00:00:00Z', until: '2026-01-06T00:00:00Z', scope: 'all', reason: value }],
            waivers: [{ rule: value, cluster: 'all', owner: value, reason: value, until: '2026-01-06T00:00:00Z' }],
          });
        const pages = [];
        for (const value of ['plain', text]) {
          const { world } = await said(value);
          await world.put(keys.halt(), { halted: true, reason: value, by: value, at: '2026-01-05T07:00:00Z' });
          pages.push((await askPage(world)).body);
        }

        expect(tagsOf(pages[0] ?? '').length).toBeGreaterThan(100);
        expect(tagsOf(pages[1] ?? '')).toEqual(tagsOf(pages[0] ?? ''));
        // No tag that tagsOf would not see.
        expect(pages[1]?.split('<').length).toBe(pages[0]?.split('<').length);
      }),
      { numRuns: 30 },
    );
  });

  it('has a row for each of a hundred clusters', async () => {
    const { world } = await pageFleet(100);

    const { body } = await askPage(world);

    expect(body.match(/<th scope="row" title="2/g)).toHaveLength(102);
    expect(body).toContain('102 clusters');
  });
});

describe('the address of the repository', () => {
  it.each([
    ['https://api.github.com', 'https://github.com/acme/fleet'],
    ['https://git.example.com/api/v3', 'https://git.example.com/acme/fleet'],
    ['https://proxy.example.com/github', null],
    ['javascript:alert(1)', null],
  ])('follows from that of the API: %s', (api, expected) => {
    expect(repositoryUrl(api, { owner: 'acme', name: 'fleet' })).toBe(expected);
  });
});
