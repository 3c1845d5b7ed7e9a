import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { parseConfiguration } from '#domain/configuration.ts';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { render } from '#domain/render.ts';
import type { Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import { stackAdvancer } from '../bring-stacks.ts';
import { createFakeObjects } from '../fakes/objects.ts';
import type { Ministack } from '../ministack.ts';
import { type Cell, eventually } from './world.ts';

const CONFIGURATION = join(import.meta.dirname, '../../../channels/cluster');

/** Texts that take the place of others, by file. */
export type Edits = Readonly<Record<string, readonly (readonly [string, string])[]>>;

/** The fleet's own configuration as a cluster gets it, edited. @throws when a text is not there, or the result is no configuration */
export async function renderedWith(cluster: ClusterRef, edits: Edits): Promise<Render> {
  const paths = (await readdir(CONFIGURATION, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = paths.map((entry) => {
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(CONFIGURATION.length + 1);
    let content = readFileSync(full, 'utf8');
    for (const [from, to] of edits[path] ?? []) {
      if (!content.includes(from)) throw new Error(`${path} does not hold ${from}`);
      content = content.replace(from, to);
    }
    return { path, content };
  });
  const parsed = parseConfiguration({ revision: 'a'.repeat(40), files });
  if (parsed.value === undefined) throw new Error(JSON.stringify(parsed.findings));
  return render(parsed.value, cluster);
}

/** Brings stacks to a render, by the step that does it on AWS. */
export async function deliverStacks(aws: Ministack, cell: Cell, what: Render, roles: string[]): Promise<void> {
  const { cluster } = cell;
  const objects = createFakeObjects();
  const hash = hashOf(what);
  await objects.put(keys.render(hash), JSON.stringify(what));
  for (const stack of what.stacks)
    if (stack.ignition !== undefined) await cell.putDocument({ text: stack.ignition, sha256: stack.ignitionHash ?? '' });
  const stacks = createStacks(new CloudFormationClient(aws.of(cluster.account)));
  const advance = await stackAdvancer({ objects, stacks }, { cluster, hash, roles, execution: hash.slice(0, 12) });
  await eventually(`stacks ${roles.join()}`, 90, advance);
}
