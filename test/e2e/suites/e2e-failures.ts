import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { keys } from '#domain/names.ts';
import { DeletedCluster, Lock } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import { slotCluster } from '../../../functions/control/claim-slot.ts';
import type { AuditedExecution } from '../../../local/audit.ts';
import { accountClients } from '../../../local/aws/clients.ts';
import { e2eSlotsOf, HUB_ACCOUNT } from '../../../local/fleet.ts';
import { listExecutions, listMachines, readHistory } from '../../../local/histories.ts';
import type { Pull } from '../../../local/operator.ts';
import { until } from '../../support/e2e/condition.ts';
import { completedCheck, executionsAbout, fileOf, propose, type Scene, stored } from '../../support/e2e/scene.ts';

/** An e2e run creates a cluster, updates it and deletes it; there may be one before it in the only slot. */
const RUN_SECONDS = 600;

/** Pull requests whose e2e run fails, opened early: their runs take turns in the only slot while others work. */
export interface FailingRuns {
  readonly refusedTemplate: Pull;
  readonly deafControlPlane: Pull;
  /** Resolves once the second run has waited for its control plane and was cancelled; the step's own deadline is 15 min. */
  readonly cancelled: Promise<void>;
}

const CANCEL_REASON = 'the test has seen enough';

/** Opens both. The second's control plane comes up as an instance and starts nothing, until its update is cancelled. */
export async function openFailingRuns(scene: Scene): Promise<FailingRuns> {
  const network = await fileOf(scene, 'dev', 'channels/cluster/network.yaml');
  const refusedTemplate = await propose(scene, 'refused-template', 'dev', {
    'channels/cluster/network.yaml': network.replace(/^Resources:$/m, `Resources:\n${IMPOSSIBLE}`),
  });
  const deployment = await fileOf(scene, 'dev', 'channels/cluster/components/ingress/deployment.yaml');
  const deafControlPlane = await propose(scene, 'deaf-control-plane', 'dev', {
    'channels/cluster/components/ingress/deployment.yaml': deployment.replace(/replicas: \d+/, 'replicas: 3'),
  });
  const cancelled = cancelWhenDeaf(scene, deafControlPlane);
  // The test that awaits it may come much later.
  cancelled.catch(() => undefined);
  return { refusedTemplate, deafControlPlane, cancelled };
}

async function cancelWhenDeaf(scene: Scene, pull: Pull): Promise<void> {
  const run = await until('the e2e run to begin', RUN_SECONDS, async () => (await runsOf(scene, pull))[0]);
  const cluster = clusterOf(scene, pull, run);
  scene.world.room.withholdUnits({ cluster, role: 'control-plane' }, true);
  try {
    const update = await until('the update to wait for its control plane', RUN_SECONDS, () => waitsForControlPlane(scene, cluster));
    const marker = { execution: update, reason: CANCEL_REASON, by: 'operator', at: new Date().toISOString() };
    await scene.world.hub.objects.put(keys.cancel(update), JSON.stringify(marker));
    await completedCheck(scene, pull.head.sha, 'sluice', RUN_SECONDS);
  } finally {
    scene.world.room.withholdUnits({ cluster, role: 'control-plane' }, false);
  }
}

/** Well-formed, of a known type, and impossible: there is no such hosted zone. */
const IMPOSSIBLE = `  NameOfNobody:
    Type: AWS::Route53::RecordSet
    Properties:
      HostedZoneId: Z0NOSUCHZONE
      Name: nobody.example.org
      Type: A
      TTL: '60'
      ResourceRecords: [!Ref EtcdAddressA]
`;

export function failingRunsSuite(scene: () => Scene, opened: () => Promise<FailingRuns>): void {
  describe('an e2e run that fails', () => {
    // Given up, as people do: left open they would be tried again when dev moves, as they should.
    afterAll(async () => {
      const { refusedTemplate, deafControlPlane } = await opened();
      for (const pull of [refusedTemplate, deafControlPlane]) await scene().operator.close(pull);
    });

    test('a template that CloudFormation refuses: told with resource and reason, cluster deleted, slot free', async () => {
      const { refusedTemplate: pull } = await opened();

      const check = await completedCheck(scene(), pull.head.sha, 'sluice', RUN_SECONDS);

      const e2e = await completedCheck(scene(), pull.head.sha, 'sluice / e2e', 10);
      expect([check.conclusion, e2e.conclusion], check.said).toEqual(['failure', 'failure']);
      expect(e2e.said).toContain('AWS::Route53::RecordSet NameOfNobody');
      expect(e2e.said).toContain('Z0NOSUCHZONE');
      expect(check.said).toContain('NameOfNobody');
      await expectCleanedUp(scene(), pull);
    });

    test('a control plane that never gets ready: cancelled on request, cluster deleted, slot free', async () => {
      const { deafControlPlane: pull, cancelled } = await opened();

      await cancelled;

      const check = await completedCheck(scene(), pull.head.sha, 'sluice', 10);
      const e2e = await completedCheck(scene(), pull.head.sha, 'sluice / e2e', 10);
      expect([check.conclusion, e2e.conclusion], e2e.said).toEqual(['cancelled', 'cancelled']);
      expect(e2e.said).toContain(CANCEL_REASON);
      await expectCleanedUp(scene(), pull);
    });
  });
}

async function runsOf(scene: Scene, pull: Pull): Promise<AuditedExecution[]> {
  return (await executionsAbout(scene, `#${pull.number}`)).filter(({ machine }) => machine === 'e2e');
}

/** Name of the cluster that a run makes: it follows from slot, pull request and execution. */
function clusterOf(scene: Scene, pull: Pull, run: AuditedExecution): string {
  const slot = e2eSlotsOf(scene.world.shape)[0];
  if (slot === undefined) throw new Error('the world has no e2e slot');
  return slotCluster(slot, pull.number, run.name).name;
}

const Waiting = z.object({ done: z.literal(false), reason: z.string() });

/** The `update-cluster` execution of a cluster, once `roll-control-plane` has answered that it waits for the instance. */
async function waitsForControlPlane({ world }: Scene, cluster: string): Promise<string | undefined> {
  const machines = await listMachines(world.hub.stepFunctions);
  const updates = (await listExecutions(world.hub.stepFunctions, machines)).filter(({ machine }) => machine === 'update-cluster');
  for (const update of updates.toReversed()) {
    const events = await readHistory(world.hub.stepFunctions, update.arn);
    const input: unknown = JSON.parse(
      events.find((event) => event.executionStartedEventDetails)?.executionStartedEventDetails?.input ?? '{}',
    );
    const about = z.object({ cluster: ClusterRef }).safeParse(input);
    if (about.data?.cluster.name !== cluster) continue;
    const entered = events.findIndex((event) => event.stateEnteredEventDetails?.name === 'roll-control-plane');
    const outputs = events.slice(entered === -1 ? events.length : entered).flatMap((event) => {
      const text = event.taskSucceededEventDetails?.output ?? event.lambdaFunctionSucceededEventDetails?.output;
      return text === undefined ? [] : [Waiting.safeParse(JSON.parse(text)).data?.reason];
    });
    if (outputs.filter((reason) => reason !== undefined).length >= 2) return update.name;
  }
  return undefined;
}

async function expectCleanedUp(scene: Scene, pull: Pull): Promise<void> {
  const run = (await runsOf(scene, pull))[0];
  if (run === undefined) throw new Error(`#${pull.number} had no e2e run`);
  const cluster = clusterOf(scene, pull, run);
  const slot = e2eSlotsOf(scene.world.shape)[0];
  const account = slot?.account ?? '';
  const stacks = createStacks(accountClients(scene.world.site, account).cloudFormation);
  expect(run.status).toBe('FAILED');
  expect(await stacks.listOfCluster(cluster)).toEqual([]);
  expect(await stored(scene, HUB_ACCOUNT, keys.cluster(cluster), DeletedCluster)).toMatchObject({ deleted: true, name: cluster });
  // The stacks are gone; the machines end a moment later.
  const left = () => scene.world.room.instances().filter((machine) => machine.cluster === cluster && machine.state !== 'Terminating');
  await until(
    `the machines of ${cluster} to end`,
    60,
    async () => (left().length === 0 ? true : undefined),
    () => JSON.stringify(left()),
  );
  for (const subject of [cluster, `e2e-${account}`]) {
    const lock = await stored(scene, HUB_ACCOUNT, keys.lock(subject), Lock);
    expect(lock?.holder, subject).not.toBe(run.name);
    if (subject === cluster) expect(lock?.holder, subject).toBeNull();
  }
}
