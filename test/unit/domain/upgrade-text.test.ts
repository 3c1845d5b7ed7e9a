import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type UpgradeTextFacts, upgradeText } from '#domain/upgrade-text.ts';

const MINOR = { product: 'kubernetes', from: '1.35.4', to: '1.36.3', step: 'minor', branch: 'sluice/upgrade-kubernetes-1.36.3' } as const;
const FACTS: UpgradeTextFacts = {
  upgrade: MINOR,
  channel: 'dev',
  downstream: ['alpha', 'beta'],
  findings: [],
  apiKnown: true,
  missingArtifacts: [],
  raisesTests: false,
};

describe('the pull request of an upgrade', () => {
  it('says what it does, where it goes, and that there is no way back from a minor', () => {
    const { title, message, body } = upgradeText({ ...FACTS, raisesTests: true });

    expect(title).toBe('Raise Kubernetes from 1.35.4 to 1.36.3');
    expect(message).toBe(`${title}\n\nSluice-Upgrade: kubernetes 1.36.3\n`);
    expect(body).toContain('`kubernetes` goes from 1.35.4 to 1.36.3, the newest patch of the next minor');
    expect(body).toContain('https://github.com/kubernetes/kubernetes/releases/tag/v1.36.3');
    expect(body).toContain('`e2eTests` goes to 1.36.3 as well.');
    expect(body).toContain('Merging rolls it out to dev, later by promotion to alpha, then beta.');
    expect(body).toContain('There is no way back from a minor but a restore');
    expect(body).toContain('Validation of the configuration of dev with this version finds nothing new.');
    expect(body).not.toContain('not looked for');
  });

  it('of a patch of etcd speaks of neither', () => {
    const upgrade = { product: 'etcd', from: '3.6.16', to: '3.6.17', step: 'patch', branch: 'b' } as const;

    const { title, body } = upgradeText({ ...FACTS, upgrade, apiKnown: false, downstream: [] });

    expect(title).toBe('Raise etcd from 3.6.16 to 3.6.17');
    expect(body).toContain('https://github.com/etcd-io/etcd/releases/tag/v3.6.17');
    expect(body).toContain('Merging rolls it out to dev.');
    expect(body).not.toMatch(/no way back|not looked for|e2eTests/);
  });

  it('lists what would break, says what nobody looked at, and what is not published', () => {
    const finding = { rule: 'removed-api', level: 'failure', path: 'channels/cluster/a.yaml', line: 7, message: 'Gone.' } as const;

    const { body } = upgradeText({ ...FACTS, findings: [finding], apiKnown: false, missingArtifacts: ['kubernetes 1.36.3'] });

    expect(body).toContain('- **failure** `removed-api` `channels/cluster/a.yaml:7` Gone.');
    expect(body).toContain('**Removed APIs were not looked for**: this Sluice does not know the API of Kubernetes 1.36.');
    expect(body).toContain('### Not published yet\n\n- `kubernetes 1.36.3`');
    expect(body).not.toContain('finds nothing');
  });

  it('says that nothing is wrong, and what could not be looked at', () => {
    const finding = {
      rule: 'no-schemas',
      level: 'notice',
      path: 'channels/cluster/versions.yaml',
      line: 2,
      message: 'None of 1.37.',
    } as const;

    const { body } = upgradeText({ ...FACTS, findings: [finding] });

    expect(body).toContain(
      'finds nothing new that is wrong, and says:\n\n- **notice** `no-schemas` `channels/cluster/versions.yaml:2` None of 1.37.',
    );
    expect(upgradeText({ ...FACTS, findings: [{ ...finding, level: 'warning' }] }).body).not.toContain('finds nothing');
  });

  it('stays within what GitHub takes and says what it cut', () => {
    const finding = { rule: 'removed-api', level: 'failure', path: 'a', line: 1, message: '#'.repeat(2000) } as const;

    const { body } = upgradeText({ ...FACTS, findings: Array.from({ length: 2000 }, () => finding), missingArtifacts: ['etcd 3'] });

    expect(body.length).toBeLessThanOrEqual(60_000);
    expect(body).toMatch(/^- and \d+ more, on the check of this pull request$/m);
    expect(body).toContain('### Not published yet');
  });

  it('never mentions anybody, nor marks up what files say', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (path, text) => {
        const message = `${text} @team [a](https://b) <img> #1`;

        const { body } = upgradeText({ ...FACTS, findings: [{ rule: 'schema', level: 'warning', path, line: 1, message }] });

        const line = body.split('\n').find((one) => one.startsWith('- **warning**')) ?? '';
        const said = /^- \*\*warning\*\* `schema` `[^`]*` (?<said>.*)$/.exec(line)?.groups?.['said'];
        expect(said).toBeDefined();
        expect(said).not.toMatch(/[@[\]<>`*]|(?<!&)#\d/);
      }),
    );
  });
});
