import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chooseUpgrades, compare, raiseVersions } from '#domain/propose-upgrade.ts';
import type { Release } from '#ports/releases.ts';

function released(...tags: string[]): Release[] {
  return tags.map((tag) => ({ tag, prerelease: tag.includes('-'), draft: false }));
}

function choose(
  current: { kubernetes?: string; etcd?: string },
  tags: { kubernetes?: string[]; etcd?: string[] },
  others: { channel: string; versions: { kubernetes: string; etcd: string } }[] = [],
) {
  const { candidates, reasons } = chooseUpgrades({
    current: { kubernetes: '1.35.4', etcd: '3.6.16', ...current },
    others,
    releases: { kubernetes: released(...(tags.kubernetes ?? [])), etcd: released(...(tags.etcd ?? [])) },
  });
  return { to: candidates.map(({ product, to, step }) => `${product} ${to} ${step}`), reasons };
}

describe('what is proposed', () => {
  it.each([
    ['the newest patch', {}, { kubernetes: ['v1.35.5', 'v1.35.10', 'v1.35.9'] }, ['kubernetes 1.35.10 patch']],
    ['the newest patch of the next minor', {}, { kubernetes: ['v1.36.1', 'v1.36.3'] }, ['kubernetes 1.36.3 minor']],
    ['one minor, never two', {}, { kubernetes: ['v1.37.2'] }, []],
    [
      'patches before minors',
      {},
      { kubernetes: ['v1.36.0', 'v1.35.5'], etcd: ['v3.7.3', 'v3.6.17'] },
      [...['kubernetes 1.35.5 patch', 'etcd 3.6.17 patch', 'kubernetes 1.36.0 minor', 'etcd 3.7.3 minor']],
    ],
    ['nothing that is older', {}, { kubernetes: ['v1.34.9', 'v1.35.3', 'v1.35.4'], etcd: ['v3.5.35', 'v3.6.15'] }, []],
    ['no pre-release by name', {}, { kubernetes: ['v1.36.0-rc.1', 'v1.36.0-alpha.0'] }, []],
    ['no tag of something else', {}, { kubernetes: ['v1.36', '1.36.1', 'v1.36.1+x', 'kubernetes-1.36.1', 'v1.36.01', 'v1.36.1.1'] }, []],
    ['etcd 3.6 from its floor on', { etcd: '3.5.32' }, { etcd: ['v3.6.16'] }, ['etcd 3.6.16 minor']],
    ['the way to the floor before it', { etcd: '3.5.31' }, { etcd: ['v3.5.35', 'v3.6.16'] }, ['etcd 3.5.35 patch']],
    ['etcd 3.7 from its floor on', { etcd: '3.6.11' }, { etcd: ['v3.7.0'] }, ['etcd 3.7.0 minor']],
    ['no etcd 3.7 below its floor', { etcd: '3.6.10' }, { etcd: ['v3.7.0'] }, []],
    ['no minor of etcd that no rule is known of', { etcd: '3.7.3' }, { etcd: ['v3.8.0'] }, []],
  ])('is %s', (_name, current, tags, expected) => {
    expect(choose(current, tags).to).toEqual(expected);
  });

  it('is no release that is marked as draft or pre-release', () => {
    const marked = { tag: 'v1.35.9', prerelease: true, draft: false };
    const facts = { current: { kubernetes: '1.35.4', etcd: '3.6.16' }, others: [] };

    const { candidates } = chooseUpgrades({
      ...facts,
      releases: { kubernetes: [marked, { ...marked, prerelease: false, draft: true }], etcd: [] },
    });

    expect(candidates).toEqual([]);
  });

  it('is no minor while a later channel is a minor behind: its promotion could not take two', () => {
    const beta = { channel: 'beta', versions: { kubernetes: '1.34.9', etcd: '3.6.16' } };

    const { to, reasons } = choose({}, { kubernetes: ['v1.36.3', 'v1.35.5'] }, [beta]);

    expect(to).toEqual(['kubernetes 1.35.5 patch']);
    expect(reasons).toEqual(['Kubernetes 1.36 waits until beta has 1.35 (it has 1.34.9)']);
    expect(choose({}, { kubernetes: ['v1.36.3'] }, [{ ...beta, versions: { kubernetes: '1.35.0', etcd: '3.6.1' } }]).to).toHaveLength(1);
  });

  it('tells why a newer etcd is not', () => {
    expect(choose({ etcd: '3.5.31' }, { etcd: ['v3.6.16'] }).reasons).toEqual([
      'etcd 3.6 waits until the channel has 3.5.32 (it has 3.5.31)',
    ]);
    expect(choose({ etcd: '3.7.3' }, { etcd: ['v3.8.1'] }).reasons).toEqual([
      'etcd 3.8 is not proposed: no rule for the way to it is known',
    ]);
  });
});

const minor = fc.integer({ min: 30, max: 38 });
const patch = fc.integer({ min: 0, max: 12 });
const version = fc.tuple(minor, patch).map(([a, b]) => `1.${a}.${b}`);
const tag = fc.oneof(
  version.map((one) => `v${one}`),
  fc.tuple(version, fc.constantFrom('-alpha.1', '-rc.0', '+build', '.1', '')).map(([one, tail]) => `v${one}${tail}`),
  fc.string(),
);

describe('whatever is released', () => {
  it('goes forward, by one minor at most, to what was really released, and past nothing newer of that minor', () => {
    fc.assert(
      fc.property(version, fc.array(tag), fc.array(version, { maxLength: 3 }), (current, tags, channels) => {
        const others = channels.map((kubernetes, at) => ({ channel: `c${at}`, versions: { kubernetes, etcd: '3.6.16' } }));
        const releases = { kubernetes: released(...tags), etcd: [] };

        const { candidates } = chooseUpgrades({ current: { kubernetes: current, etcd: '3.6.16' }, others, releases });

        const part = (one: string, at: number): number => Number(one.split('.')[at]);
        for (const { from, to, step, branch } of candidates) {
          expect(from).toBe(current);
          expect(compare(to, from)).toBeGreaterThan(0);
          expect(part(to, 1) - part(from, 1)).toBe(step === 'minor' ? 1 : 0);
          expect(tags).toContain(`v${to}`);
          const same = tags.filter((one) => one.startsWith(`v1.${part(to, 1)}.`) && /^v1\.\d+\.(0|[1-9]\d*)$/.test(one));
          for (const other of same) expect(compare(other.slice(1), to)).toBeLessThanOrEqual(0);
          expect(branch).toBe(`sluice/upgrade-kubernetes-${to}`);
          if (step === 'minor')
            for (const { versions } of others) expect(part(versions.kubernetes, 1)).toBeGreaterThanOrEqual(part(from, 1));
        }
        expect(candidates.map(({ step }) => step)).toEqual(
          candidates
            .map(({ step }) => step)
            .sort()
            .reverse(),
        );
      }),
    );
  });
});

describe('versions.yaml', () => {
  const TEXT = '# Ours\nkubernetes: 1.35.4 # stable\netcd: "3.6.16"\nosImage: ami-1\n\ne2eTests: 1.36.3\n';
  const raise = (product: 'kubernetes' | 'etcd', to: string, text = TEXT) => raiseVersions('versions.yaml', text, { product, to });

  it('keeps everything but the version', () => {
    expect(raise('kubernetes', '1.36.3')).toBe(TEXT.replace('1.35.4', '1.36.3'));
    expect(raise('etcd', '3.7.3')).toBe(TEXT.replace('"3.6.16"', '3.7.3'));
  });

  it('takes the tests along with Kubernetes when they are older', () => {
    expect(raise('kubernetes', '1.36.4')).toBe(TEXT.replace('1.35.4', '1.36.4').replace('1.36.3', '1.36.4'));
    expect(raise('etcd', '9.9.9')).toContain('e2eTests: 1.36.3');
  });

  it.each([['kubernetes: [1'], ['- 1.35.4\n'], ['etcd: 3.6.16\n'], ['kubernetes: { a: 1 }\n'], ['']])(
    'that can not be raised is left: %j',
    (text) => {
      expect(raise('kubernetes', '1.36.3', text)).toBeUndefined();
    },
  );

  it('says what was meant, whatever stands around it', () => {
    const value = fc.constantFrom('1.35.4', "'1.35.4'", '"1.35.4"');
    const comment = fc.stringMatching(/^( # [\w :'"]{0,12})?$/);
    fc.assert(
      fc.property(value, comment, version, (written, note, to) => {
        const raised = raise('kubernetes', to, `etcd: 3.6.16${note}\nkubernetes: ${written}${note}\nosImage: ami-1\n`);

        expect(parse(raised ?? '')).toEqual({ etcd: '3.6.16', kubernetes: to, osImage: 'ami-1' });
        expect(raised).toContain(`kubernetes: ${to}${note}\n`);
      }),
    );
  });
});
