import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Levels } from '#domain/policies/policy.ts';
import { POLICIES, POLICY_IDS, SETTINGS_POLICIES } from '#domain/policies/registry.ts';

const rules = readFileSync(join(import.meta.dirname, '../../../../docs/rules.md'), 'utf8');
const policies = [...POLICIES, ...SETTINGS_POLICIES];

/** How docs/rules.md tells the levels. */
function levelsText({ development, test, e2e, production }: Levels): string {
  expect([test, e2e]).toEqual([development, development]);
  const words = { failure: 'fails', warning: 'warns', notice: 'notes', off: 'is not asked' };
  const first = words[production];
  return `*${first.charAt(0).toUpperCase()}${first.slice(1)}${production === development ? '' : ` in production, ${words[development]} elsewhere`}.*`;
}

describe('docs/rules.md', () => {
  it('knows enough policies, each by an id of its own', () => {
    expect(policies.length).toBeGreaterThan(40);
    expect(new Set(POLICY_IDS).size).toBe(policies.length);
  });

  it.each(policies.map((policy) => [policy.id, policy] as const))('tells of %s what the policy tells of itself', (id, policy) => {
    const section = rules.split(/^#+ /m).find((part) => part.startsWith(`\`${id}\`\n`)) ?? '';

    expect(section.slice(section.indexOf('\n')).replaceAll(/\s+/g, ' ').trim()).toBe(
      `${policy.title}. ${levelsText(policy.levels)} *Why:* ${policy.why} *Fix:* ${policy.fix}`,
    );
  });
});
