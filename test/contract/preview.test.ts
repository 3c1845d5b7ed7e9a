import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createChangeSets } from '#adapters/cloudformation/change-sets.ts';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { type Configuration, parseConfiguration } from '#domain/configuration.ts';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { planConfiguration } from '#domain/plan-pull-request.ts';
import { render } from '#domain/render.ts';
import { clusterRef } from '#domain/waves.ts';
import { PlanData } from '#model/plan.ts';
import { previewChangeSets } from '../../functions/preview/preview-change-sets.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { stackAdvancer } from '../support/bring-stacks.ts';
import { until } from '../support/child.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { channelFile, gitId } from '../support/fleet.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { edited, referenceSnapshot } from '../support/reference-fleet.ts';

let aws: Ministack;
beforeAll(async () => {
  aws = await startMinistack();
}, 70_000);
afterAll(() => aws.stop());

const CHANNEL = channelFile('dev', 1);

function configuration(changed: Record<string, string>, revision: string): Configuration {
  const { value } = parseConfiguration(referenceSnapshot(changed, revision));
  if (value === undefined) throw new Error('not valid');
  return value;
}

it('asks about the reference configuration, as its stacks are, and leaves them as they were', async () => {
  const [entry] = CHANNEL.clusters;
  if (entry === undefined) throw new Error('no cluster');
  const cluster = clusterRef(entry, { channel: 'dev' });
  const client = new CloudFormationClient(aws.of(cluster.account));
  await deployAccountStack(client, cluster.network);
  const [stacks, changeSets] = [createStacks(client), createChangeSets(client)];
  const objects = createFakeObjects();
  const base = configuration({}, gitId('a'));
  const head = configuration(
    {
      ...edited('versions.yaml', '1.35.4', '1.36.3'),
      ...edited('network.yaml', 'ToPort: 80, CidrIp: 0.0.0.0/0', 'ToPort: 80, CidrIp: 10.0.0.0/8'),
    },
    gitId('b'),
  );
  const running = render(base, cluster);
  const hash = hashOf(running);
  await objects.put(keys.render(hash), JSON.stringify(running));
  for (const role of ['network', 'control-plane', 'pool-general']) {
    objects.remove(keys.lock(cluster.name));
    const advance = await stackAdvancer({ objects, stacks }, { cluster, hash, roles: [role], execution: 'update-1' });
    await until(`the stack ${role}`, advance, undefined, 60);
  }
  const planned = planConfiguration({ settings: { commit: gitId('c'), channels: [CHANNEL] }, channel: CHANNEL, base, head });
  const [target] = planned.previewable;
  if (target === undefined) throw new Error('nothing can be asked');
  const wanted = render(head, cluster);
  const renderHash = hashOf(wanted);
  await objects.put(keys.render(renderHash), JSON.stringify(wanted));
  const data = PlanData.parse({
    plan: planned.plan,
    context: planned.context,
    previews: [{ group: target.group, cluster, renderHash, roles: target.roles }],
  });
  const planHash = hashOf(data);
  await objects.put(keys.planData(planHash), JSON.stringify(data));
  const ports = { objects, changeSets: { of: () => changeSets } };

  let looks = 0;
  const told = await until(
    'the preview',
    async () => {
      const advanced = await previewChangeSets.run({ plan: { planHash }, previewChangeSets: { looks }, abandon: false }, ports, {
        execution: 'pr-1',
      });
      looks = advanced.looks;
      return advanced.done ? advanced.planHash : undefined;
    },
    undefined,
    60,
  );

  const text = (await objects.get(keys.plan(told)))?.body ?? '';
  expect(text).toContain('CloudFormation, by change sets for dev-1:');
  // Of types whose properties it does not know the emulator says that they may be replaced.
  expect(text).toMatch(
    /- stack network: IngressGroup \(AWS::EC2::SecurityGroup\) (is changed in place|may be replaced), for SecurityGroupIngress/,
  );
  expect(text).toMatch(/- stack control-plane: LaunchTemplate \(AWS::EC2::LaunchTemplate\) .*, for LaunchTemplateData/);
  expect(text).toContain('- stack pool-batch: not asked (the stack does not exist yet); by the template alone:');
  for (const role of ['network', 'control-plane', 'pool-general']) {
    const after = await stacks.describe(`sluice-${cluster.name}-${role}`);
    expect([role, after?.status]).toEqual([role, 'CREATE_COMPLETE']);
  }
});
