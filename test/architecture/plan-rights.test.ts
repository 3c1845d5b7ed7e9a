import { describe, expect, it } from 'vitest';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { stepName } from '#domain/plan-history.ts';
import { runStep } from '#runtime/call.ts';
import { plan } from '../../functions/plan/plan.ts';
import { renderStep } from '../../functions/plan/render.ts';
import { reportUpgrade } from '../../functions/plan/report-upgrade.ts';
import { validate } from '../../functions/plan/validate.ts';
import { validateRollout } from '../../functions/plan/validate-rollout.ts';
import { resolved } from '../support/control-world.ts';
import { createFakeClock } from '../support/fakes/clock.ts';
import { createFakeObjects, type FakeObjectCall } from '../support/fakes/objects.ts';
import { clusterEntry, clusterRecord, gitId } from '../support/fleet.ts';
import { covers, hubFunctions, hubResources, mayTouch, rightsOf } from '../support/hub-rights.ts';
import { edited, referenceSettings, referenceSnapshot } from '../support/reference-fleet.ts';
import { readSteps } from '../support/state-machines/steps.ts';

const READ = [
  'snapshots/*',
  'settings/*',
  'clusters/*',
  'channels/*/revisions/*',
  'channels/*/genesis.json',
  'plans/steps/*',
  'restores/*',
];
const WRITTEN = ['renders/*', 'plans/*', 'findings/*'];
const inBucket = (patterns: readonly string[]) => patterns.map((pattern) => `\${HubBucket.Arn}/${pattern}`);

describe('the role of what parses a pull request’s content', () => {
  it('is that of this function alone', () => {
    expect(Object.entries(hubFunctions).flatMap(([folder, { role }]) => (role === 'PlanRole' ? [folder] : []))).toEqual(['plan']);
    expect(hubResources['PlanRole']?.Properties?.AssumeRolePolicyDocument?.Statement).toEqual([
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ]);
  });

  it('may read what a plan is made of, write what it is, and nothing else', () => {
    expect(rightsOf('PlanRole')).toEqual([
      { effect: 'Allow', action: 's3:ListBucket', resources: ['HubBucket.Arn'], condition: undefined },
      { effect: 'Allow', action: 's3:GetObject', resources: inBucket(READ), condition: undefined },
      // Only what is not there yet.
      { effect: 'Allow', action: 's3:PutObject', resources: inBucket(WRITTEN), condition: { Null: { 's3:if-none-match': 'false' } } },
      {
        effect: 'Deny',
        action: 'ec2:*',
        resources: ['*'],
        condition: {
          ArnEquals: {
            'lambda:SourceFunctionArn': 'arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:sluice-plan',
          },
        },
      },
    ]);
    // Logs, and for Lambda the interfaces of its network, which the code itself is denied above.
    expect(hubResources['PlanRole']?.Properties?.ManagedPolicyArns).toEqual([
      'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
    ]);
  });

  it.each([
    keys.check('a', 'sluice'),
    keys.lock('dev-1'),
    keys.cancel('update-1'),
    keys.halt(),
    keys.evidence('a'),
    'rollouts/r/plan.json',
  ])('may neither read nor write %s', (key) => {
    expect(['s3:GetObject', 's3:PutObject'].filter((action) => mayTouch('PlanRole', action, key))).toEqual([]);
  });

  it('covers each object that the steps touch, and no pattern stands for nothing', async () => {
    const calls = await callsOfAllSteps();

    const read = calls.filter(({ operation }) => operation === 'get' || operation === 'getBytes').map(({ key }) => key);
    const written = calls.filter(({ operation }) => operation.startsWith('put'));
    expect(read.filter((key) => !mayTouch('PlanRole', 's3:GetObject', key))).toEqual([]);
    expect(written.filter(({ key }) => !mayTouch('PlanRole', 's3:PutObject', key))).toEqual([]);
    // The condition on the right to write holds for this call only.
    expect(new Set(written.map(({ operation }) => operation))).toEqual(new Set(['putIfAbsent']));
    expect(inBucket(READ).filter((pattern) => !read.some((key) => covers(pattern, key)))).toEqual([]);
    expect(inBucket(WRITTEN).filter((pattern) => !written.some(({ key }) => covers(pattern, key)))).toEqual([]);
    // The reference configuration is read and rendered several times, which takes long beside other work.
  }, 120_000);
});

describe('the network of what parses a pull request’s content', () => {
  const inPlan = Object.entries(hubResources).filter(([name]) => name.startsWith('Plan'));
  const propertiesOf = (type: string) => Object.values(hubResources).flatMap((one) => (one.Type === type ? [one.Properties ?? {}] : []));

  it('is where the function runs, and nobody calls it from outside', () => {
    expect(hubFunctions['plan']).toMatchObject({
      role: 'PlanRole',
      vpc: { securityGroupIds: ['PlanGroup.GroupId'], subnetIds: ['PlanSubnetA', 'PlanSubnetB'] },
    });
    expect(hubFunctions['plan']?.url).toBeUndefined();
    expect(hubFunctions['plan']?.events).toBeUndefined();
  });

  it('consists of these and no more: no gateway, no route, no peer', () => {
    const network = Object.entries(hubResources).flatMap(([name, { Type }]) => (Type.startsWith('AWS::EC2::') ? [`${name} ${Type}`] : []));

    expect(network.sort()).toEqual([
      'PlanGroup AWS::EC2::SecurityGroup',
      'PlanRoutes AWS::EC2::RouteTable',
      'PlanS3Endpoint AWS::EC2::VPCEndpoint',
      'PlanSubnetA AWS::EC2::Subnet',
      'PlanSubnetARoutes AWS::EC2::SubnetRouteTableAssociation',
      'PlanSubnetB AWS::EC2::Subnet',
      'PlanSubnetBRoutes AWS::EC2::SubnetRouteTableAssociation',
      'PlanVpc AWS::EC2::VPC',
    ]);
    for (const [name, { Properties }] of inPlan.filter(([, { Type }]) => /::(Subnet|RouteTable|SecurityGroup|VPCEndpoint)$/.test(Type)))
      expect([name, Properties?.['VpcId']]).toEqual([name, 'PlanVpc']);
    expect(propertiesOf('AWS::EC2::Subnet').map(({ MapPublicIpOnLaunch }) => MapPublicIpOnLaunch)).toEqual([false, false]);
    expect(propertiesOf('AWS::EC2::SubnetRouteTableAssociation')).toEqual(
      ['A', 'B'].map((zone) => ({ SubnetId: `PlanSubnet${zone}`, RouteTableId: 'PlanRoutes' })),
    );
  });

  it('leads to the hub’s bucket only', () => {
    expect(hubResources['PlanS3Endpoint']?.Properties).toEqual({
      VpcId: 'PlanVpc',
      VpcEndpointType: 'Gateway',
      ServiceName: 'com.amazonaws.${AWS::Region}.s3',
      RouteTableIds: ['PlanRoutes'],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: '*',
            Action: ['s3:GetObject', 's3:ListBucket', 's3:PutObject'],
            Resource: ['HubBucket.Arn', '${HubBucket.Arn}/*'],
          },
        ],
      },
    });
    expect(hubResources['PlanGroup']?.Properties?.['SecurityGroupIngress']).toBeUndefined();
    expect(hubResources['PlanGroup']?.Properties?.['SecurityGroupEgress']).toEqual([
      { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, CidrIp: '0.0.0.0/0' },
    ]);
  });
});

const [BASE, HEAD, EMPTY, SETTINGS, NEW_SETTINGS] = ['a', 'b', 'c', 'd', 'e'].map(gitId) as [string, string, string, string, string];
const BINDING = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'ours' } };
const POLICIES = [{ manifest: BINDING, path: 'channels/policies/ours.yaml', line: 1, document: 0 }];

/** In the entry of the cluster that is left. */
const RESTORE = '    restore: { id: lost-secrets, backup: 20260105T074500Z-0123456789ab, reason: A namespace was deleted }\n';

/** Calls to the bucket of every step of the function, on ways that together read and write all they ever do. */
async function callsOfAllSteps(): Promise<FakeObjectCall[]> {
  const objects = createFakeObjects();
  const put = (key: string, value: unknown) => objects.put(key, JSON.stringify(value));
  const policies = hashOf(POLICIES);
  await put(keys.snapshot(BASE), referenceSnapshot({}, BASE));
  await put(keys.snapshot(HEAD), referenceSnapshot(edited('versions.yaml', '1.35.4', '1.36.3'), HEAD));
  // What is looked up does not depend on what is in it: validation of little takes no time.
  await put(keys.snapshot(EMPTY), { revision: EMPTY, files: [{ path: 'versions.yaml', content: 'kubernetes: 1.35.4\n' }] });
  await put(keys.settings(SETTINGS), referenceSettings({}, SETTINGS));
  const beta = referenceSettings().files.find(({ path }) => path === 'channels/beta.yaml')?.content ?? '';
  await put(
    keys.settings(NEW_SETTINGS),
    referenceSettings({ 'beta.yaml': `${beta.slice(0, beta.indexOf('  - name: beta-2'))}${RESTORE}` }, NEW_SETTINGS),
  );
  await put(keys.policies(policies), POLICIES);
  await put(keys.cluster('beta-2'), clusterRecord(clusterEntry('beta-2'), 'beta', BASE));
  await put(keys.planStep(stepName(BASE, HEAD)), { class: 'control-plane-roll' });
  for (const [hour, revision] of [BASE, HEAD].entries())
    await put(keys.channelProof('dev', revision), {
      channel: 'dev',
      revision,
      commit: HEAD,
      rollout: `r${hour}`,
      basis: 'pull-request',
      clusters: [],
      startedAt: `2026-01-01T0${hour}:00:00Z`,
      finishedAt: `2026-01-01T0${hour}:30:00Z`,
    });
  objects.calls.length = 0;

  const configuration = {
    readPullRequest: { kind: 'configuration', baseRef: 'dev', fork: false },
    snapshotConfiguration: { baseRevision: BASE, headRevision: HEAD, baseSettingsCommit: SETTINGS, headSettingsCommit: SETTINGS },
  };
  const little = {
    ...configuration,
    snapshotConfiguration: { ...configuration.snapshotConfiguration, baseRevision: null, headRevision: EMPTY },
  };
  const settings = {
    readPullRequest: { kind: 'settings', baseRef: 'main', fork: false },
    snapshotConfiguration: { baseRevision: null, headRevision: null, baseSettingsCommit: SETTINGS, headSettingsCommit: NEW_SETTINGS },
  };
  const cluster = { ...clusterEntry('dev-1'), channel: 'dev', policies };
  const heads = { dev: { commit: HEAD, revision: HEAD } };
  const rollout = { kind: 'settings', channel: null, revision: null, basis: 'settings', settingsCommit: SETTINGS, heads } as const;
  const upgrade = { product: 'kubernetes', from: '1.35.4', to: '1.36.3', step: 'minor', branch: 'sluice/upgrade' };
  const chosen = { decision: 'propose', reason: '', upgrade, channel: 'dev', base: 'dev', revision: EMPTY, downstream: [] };
  const inputs: Readonly<Record<string, readonly object[]>> = {
    validate: [little, settings],
    'validate-rollout': [{ resolveRevision: resolved(rollout) }],
    plan: [configuration, settings],
    render: [{ cluster, revision: BASE }],
    'report-upgrade': [{ chooseUpgrade: chosen }],
  };
  const steps = (await readSteps()).filter(({ folder }) => folder === 'plan').map(({ name }) => name);
  expect(Object.keys(inputs).sort()).toEqual(steps.sort());
  const ports = { objects, clock: createFakeClock() };
  for (const [step, given] of Object.entries(inputs))
    for (const input of given) {
      const call = {
        step,
        machine: 'any',
        state: step,
        execution: 'any-1',
        startedAt: '2026-01-05T08:00:00Z',
        input: { ...input },
        with: {},
      };
      await runStep([validate, validateRollout, plan, renderStep, reportUpgrade], call, ports);
    }
  return objects.calls;
}
