import { describe, expect, it } from 'vitest';
import { accountKeys, keys } from '#domain/names.ts';
import { ClusterAccess } from '#model/access.ts';
import { TransientError } from '#model/errors.ts';
import { deliverAccess } from '../../../functions/stacks/deliver-access.ts';
import { ROLLOUT_CHECK, runStep } from '../../support/control-world.ts';
import { createFakeChecks } from '../../support/fakes/checks.ts';
import { gitId } from '../../support/fleet.ts';
import { referenceSettings } from '../../support/reference-fleet.ts';
import { createStacksWorld } from '../../support/stacks-world.ts';

const [OLD, NEW] = [gitId('1'), gitId('2')];
const LOGIN = 'login: { issuer: https://login.example.com, audience: sluice }\n';
const NOW = '2026-01-01T00:00:00Z';

function world() {
  const stacks = createStacksWorld();
  const { objects, accountObjects } = stacks.ports;
  const bucketOf = (account: string) => accountObjects.of(account, 'eu-central-1', 'test');
  const accessOf = (account: string, name: string): ClusterAccess | undefined => {
    const body = bucketOf(account).contents()[accountKeys.access(name)];
    return body === undefined ? undefined : ClusterAccess.parse(JSON.parse(body));
  };
  const settle = async (commit: string, devExtra: string, edit = (dev: string) => dev): Promise<void> => {
    const settings = referenceSettings();
    const files = settings.files.map((file) =>
      file.path === 'channels/dev.yaml' ? { ...file, content: edit(file.content) + devExtra } : file,
    );
    await objects.put(keys.settings(commit), JSON.stringify({ ...settings, commit, files }));
    await objects.put(keys.newestSettings(), JSON.stringify({ commit, seenAt: NOW }));
  };
  const checks = createFakeChecks(objects, stacks.ports.clock);
  const input = { resolveRevision: { check: ROLLOUT_CHECK } };
  const run = () => runStep(deliverAccess, input, { ...stacks.ports, checks });
  return { checks, bucketOf, accessOf, settle, run };
}

describe('deliver-access', () => {
  it('brings each cluster who may log in, by the newest settings; twice it changes nothing', async () => {
    const { run, settle, accessOf } = world();
    await settle(OLD, LOGIN);

    const first = await run();
    const again = await run();

    expect([first, again]).toEqual([
      { delivered: 4, failed: 0, reason: '' },
      { delivered: 4, failed: 0, reason: '' },
    ]);
    expect(accessOf('200000000001', 'dev-1')).toMatchObject({ production: false, commit: OLD, login: { audience: 'sluice' } });
    expect(accessOf('200000000003', 'beta-1')).toMatchObject({ production: true, emergency: [] });
  });

  it('takes away what the settings do not say any more', async () => {
    const { run, settle, accessOf } = world();
    await settle(OLD, LOGIN);
    await run();

    await settle(NEW, '');
    await run();

    expect(accessOf('200000000001', 'dev-1')?.login).toBeUndefined();
  });

  it('takes it away from a cluster too that rollouts leave out', async () => {
    const { run, settle, accessOf } = world();
    await settle(OLD, LOGIN);
    await run();

    await settle(NEW, '', (dev) => dev.replace('  - name: dev-1\n', '  - name: dev-1\n    state: decommission\n'));
    await run();

    expect(accessOf('200000000001', 'dev-1')).toMatchObject({ commit: NEW });
    expect(accessOf('200000000001', 'dev-1')?.login).toBeUndefined();
  });

  it('serves the others when one account does not answer, and names it on the check at once', async () => {
    const { run, settle, bucketOf, accessOf, checks } = world();
    await settle(OLD, LOGIN);
    bucketOf('200000000003').beforeEach = () => {
      throw new TransientError('S3 answered 503');
    };

    expect(await run()).toEqual({ delivered: 3, failed: 1, reason: 'beta-1: S3 answered 503' });
    expect(accessOf('200000000004', 'beta-2')).toBeDefined();
    expect(await checks.wanted(ROLLOUT_CHECK)).toMatchObject({
      status: 'in_progress',
      summary: expect.stringContaining('could not be brought to 1 cluster** (beta-1: S3 answered 503).'),
    });
  });

  it('does not put older settings back when newer ones come while it runs', async () => {
    const { run, settle, bucketOf, accessOf } = world();
    await settle(OLD, LOGIN);
    const bucket = bucketOf('200000000001');
    let overtaken = false;
    bucket.beforeEach = async (operation) => {
      if (overtaken || !operation.startsWith('put')) return;
      overtaken = true;
      // Another rollout with newer settings is faster by a moment.
      await settle(NEW, '');
      await run();
    };

    await run();

    expect(overtaken).toBe(true);
    expect(accessOf('200000000001', 'dev-1')?.login).toBeUndefined();
  });
});
