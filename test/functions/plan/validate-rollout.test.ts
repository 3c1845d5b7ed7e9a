import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { NotFoundError, ValidationFailedError } from '#model/errors.ts';
import type { ResolveRevision } from '#model/resolve-revision.ts';
import { validateRollout } from '../../../functions/plan/validate-rollout.ts';
import { type ControlWorld, createControlWorld, resolved, runStep } from '../../support/control-world.ts';
import { edited, referenceSettings, referenceSnapshot } from '../../support/reference-fleet.ts';

const REVISION = 'b'.repeat(40);
const SETTINGS = 'c'.repeat(40);
const SHOP = { 'components/shop/component.yaml': 'name: shop\nphase: workloads\n' };
/** Warned of in every environment but production, where it fails. */
const PRIVILEGED = {
  ...SHOP,
  'components/shop/pod.yaml': `apiVersion: v1
kind: Pod
metadata: { name: shop, namespace: default }
spec:
  containers:
    - name: shop
      image: registry.example.org/shop:v1
      securityContext: { privileged: true }
      resources: { requests: { cpu: 10m, memory: 64Mi }, limits: { memory: 64Mi } }
`,
};

async function worldOf(
  configuration: Readonly<Record<string, string>> = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<ControlWorld> {
  const world = createControlWorld();
  await world.put(keys.snapshot(REVISION), referenceSnapshot(configuration, REVISION));
  await world.put(keys.settings(SETTINGS), referenceSettings(settings, SETTINGS));
  return world;
}

function validate(world: ControlWorld, change: Partial<ResolveRevision>) {
  const rollout = resolved({ settingsCommit: SETTINGS, revision: REVISION, ...change });
  return runStep(validateRollout, { resolveRevision: rollout }, world, 'rollout-1');
}

describe('validate-rollout of a channel', () => {
  it.each(['dev', 'alpha', 'beta'])('lets the reference configuration go to %s', async (channel) => {
    expect(await validate(await worldOf(), { channel })).toEqual({ validated: 1 });
  });

  it('refuses for production what was only warned of on the way there, and says where it stands', async () => {
    const world = await worldOf(PRIVILEGED);

    expect(await validate(world, { channel: 'dev' })).toEqual({ validated: 1 });
    await expect(validate(world, { channel: 'beta' })).rejects.toThrow(ValidationFailedError);
    await expect(validate(world, { channel: 'beta' })).rejects.toThrow(
      /^1 finding forbids this rollout of beta, whatever its check said: `channels\/cluster\/components\/shop\/pod\.yaml:8` \(privileged-pod\): Pod default\/shop: the container shop is privileged/,
    );
  });

  it('goes by waivers as they are now', async () => {
    const waiver = (until: string) => ({
      'beta.yaml': `${referenceSettings().files.find(({ path }) => path === 'channels/beta.yaml')?.content ?? ''}waivers:
  - { rule: privileged-pod, cluster: all, owner: team, reason: until it does without, until: '${until}' }
`,
    });
    const [open, ended] = await Promise.all(
      ['2026-01-06T00:00:00Z', '2026-01-05T07:59:59Z'].map((until) => worldOf(PRIVILEGED, waiver(until))),
    );

    expect(await validate(open ?? expect.fail(), { channel: 'beta' })).toEqual({ validated: 1 });
    await expect(validate(ended ?? expect.fail(), { channel: 'beta' })).rejects.toThrow('privileged-pod');
  });

  it('refuses a channel with a waiver that has ended, though only a warning was waived', async () => {
    const text = referenceSettings().files.find(({ path }) => path === 'channels/dev.yaml')?.content ?? '';
    const waiver = "waivers:\n  - { rule: privileged-pod, cluster: all, owner: team, reason: moving, until: '2026-01-05T07:59:59Z' }\n";
    const world = await worldOf(PRIVILEGED, { 'dev.yaml': `${text}${waiver}` });

    await expect(validate(world, { channel: 'dev' })).rejects.toThrow(
      /^1 finding forbids this rollout of dev.*channels\/dev\.yaml.*\(waiver-expired\)/,
    );
    expect(await validate(world, { channel: 'alpha' })).toEqual({ validated: 1 });
  });

  it('asks a channel that begins with what was pushed, like every other', async () => {
    const world = await worldOf(edited('components/coredns/deployment.yaml', 'replicas: 2', 'replicaz: 2'));

    await expect(validate(world, { channel: 'dev', basis: 'genesis' })).rejects.toThrow('unknown-field');
  });

  it('lets the channel go back to what it ran, whatever the rules say since', async () => {
    expect(await validate(await worldOf(PRIVILEGED), { channel: 'beta', basis: 'proven-here' })).toEqual({ validated: 0 });
  });

  it('guesses nothing where the files are gone', async () => {
    await expect(validate(await worldOf(), { channel: 'beta', revision: 'd'.repeat(40) })).rejects.toThrow(NotFoundError);
  });
});

describe('validate-rollout of settings', () => {
  const SETTINGS_ROLLOUT = { kind: 'settings', channel: null, revision: null, basis: 'settings' } as const;
  const heads = Object.fromEntries(['dev', 'alpha', 'beta'].map((channel) => [channel, { commit: 'e'.repeat(40), revision: REVISION }]));

  it('refuses settings that fail', async () => {
    const text = referenceSettings().files.find(({ path }) => path === 'channels/beta.yaml')?.content ?? '';
    const world = await worldOf({}, { 'beta.yaml': text.replace('interval: 1h', 'interval: 1d') });

    await expect(validate(world, SETTINGS_ROLLOUT)).rejects.toThrow(/1 finding forbids this rollout of settings.*\(backup-interval\)/);
  });

  it('asks each channel that begins with what its branch holds, and no other', async () => {
    const world = await worldOf(PRIVILEGED);

    await expect(validate(world, { ...SETTINGS_ROLLOUT, heads })).rejects.toThrow('this rollout of beta');
    await world.proof('beta', 'a'.repeat(40));
    expect(await validate(world, { ...SETTINGS_ROLLOUT, heads })).toEqual({ validated: 2 });
    await world.put(keys.genesis('alpha'), { channel: 'alpha', revision: REVISION, rollout: 'rollout-0', at: '2026-01-05T07:00:00Z' });
    expect(await validate(world, { ...SETTINGS_ROLLOUT, heads })).toEqual({ validated: 1 });
  });
});
