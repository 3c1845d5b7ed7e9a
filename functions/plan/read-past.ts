import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { type FleetPast, pastSteps } from '#domain/plan-history.ts';
import { readGenesis, readProofs, readRecords } from '#facts/fleet.ts';
import { readObject } from '#facts/stored.ts';
import type { ChannelProof } from '#model/records.ts';
import { ChangeClass } from '#model/render.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** `plans/steps/<base>-<head>.json`. */
export const PlanStep = z.object({ class: ChangeClass });

/** Past updates whose class is looked up; older ones say less about today's clusters. */
const STEPS_READ = 20;

/** What is recorded of the clusters and channels: what runs, what is proven, and how long it took. */
export async function readPast(objects: ObjectStore, channels: readonly ChannelFile[]): Promise<FleetPast> {
  const names = channels.flatMap(({ clusters }) => clusters.map(({ name }) => name));
  const [records, proofs] = await Promise.all([
    readRecords(objects, names),
    Promise.all(channels.map(async ({ channel }) => [channel, await readProofs(objects, channel)] as const)),
  ]);
  const unproven = proofs.filter(([, of]) => of.length === 0);
  const begins = await Promise.all(unproven.map(async ([channel]) => (await readGenesis(objects, channel)) ?? []));
  return {
    records,
    proofs: new Map(proofs),
    begins: new Map(begins.flat().map(({ channel, revision }) => [channel, revision])),
    classes: await readClasses(
      objects,
      proofs.map(([, of]) => of),
    ),
  };
}

async function readClasses(objects: ObjectStore, proofs: readonly (readonly ChannelProof[])[]): Promise<FleetPast['classes']> {
  const names = [...new Set(proofs.flatMap((of) => pastSteps(of).slice(-STEPS_READ)).map(({ name }) => name))];
  const found = await Promise.all(names.map(async (name) => [name, await readObject(objects, keys.planStep(name), PlanStep)] as const));
  return new Map(found.flatMap(([name, step]) => (step === undefined ? [] : [[name, step.class] as const])));
}
