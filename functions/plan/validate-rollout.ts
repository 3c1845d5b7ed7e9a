import * as z from 'zod';
import { parseSettings } from '#domain/settings.ts';
import { validateConfiguration, validateSettings } from '#domain/validation.ts';
import { readGenesis, readProofs } from '#facts/fleet.ts';
import type { Finding } from '#model/checks.ts';
import { ValidationFailedError } from '#model/errors.ts';
import { ResolveRevision } from '#model/resolve-revision.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { shippedSchemas } from './kubernetes-schemas.ts';
import { readSnapshot } from './read-configuration.ts';
import { readSettingsFiles } from './read-settings.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** A revision and the channel whose clusters are to get it. */
interface Bound {
  readonly channel: ChannelFile;
  readonly revision: string;
}

/**
 * Validates what a rollout brings, for the very clusters that get it, whatever the checks said: a check may have been skipped
 * or overruled, a waiver may have ended, and what is only a warning in one channel forbids another. What ran in the channel
 * before is let through: the way back must not depend on rules that came later. @throws ValidationFailedError with the first
 * finding; NotFoundError
 */
export const validateRollout = defineStep({
  name: 'validate-rollout',
  input: z.object({ resolveRevision: ResolveRevision }),
  output: z.object({ validated: z.int().min(0) }),
  async run({ resolveRevision: rollout }, { objects, clock }: Ports) {
    const now = clock.now().toISOString();
    const settings = await readSettingsFiles(objects, rollout.settingsCommit);
    const channels = parseSettings(settings).value?.settings.channels ?? [];
    if (rollout.kind === 'settings') refuse('settings', validateSettings(settings, undefined, now));
    const bounds = await boundsOf(rollout, channels, objects);
    for (const { channel, revision } of bounds) {
      const head = await readSnapshot(objects, revision);
      const target = { settings, branch: channel.branch, now };
      refuse(channel.channel, validateConfiguration({ head, base: undefined, target }, shippedSchemas));
    }
    return { validated: bounds.length };
  },
});

/** Of settings, the channels that begin with what their branch holds: all others keep what they run, or a proven revision. */
async function boundsOf(rollout: ResolveRevision, channels: readonly ChannelFile[], objects: ObjectStore): Promise<Bound[]> {
  if (rollout.kind === 'channel') {
    const channel = channels.find((file) => file.channel === rollout.channel);
    const { revision, basis } = rollout;
    return channel === undefined || revision === null || basis === 'proven-here' ? [] : [{ channel, revision }];
  }
  const found = await Promise.all(
    channels.map(async (channel): Promise<Bound[]> => {
      const revision = rollout.heads[channel.channel]?.revision;
      if (revision === undefined || channel.clusters.length === 0) return [];
      const [proofs, genesis] = await Promise.all([readProofs(objects, channel.channel), readGenesis(objects, channel.channel)]);
      return proofs.length > 0 || genesis !== undefined ? [] : [{ channel, revision }];
    }),
  );
  return found.flat();
}

/** @throws ValidationFailedError */
function refuse(what: string, findings: readonly Finding[]): void {
  const failures = findings.filter(({ level }) => level === 'failure');
  const [first] = failures;
  if (first === undefined) return;
  const count = failures.length === 1 ? '1 finding forbids' : `${failures.length} findings forbid`;
  throw new ValidationFailedError(
    `${count} this rollout of ${what}, whatever its check said: \`${first.path}:${first.line}\` (${first.rule}): ${first.message} Mend it by a pull request`,
  );
}
