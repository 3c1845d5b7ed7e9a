import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { raiseVersions } from '#domain/propose-upgrade.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { validateConfiguration } from '#domain/validation.ts';
import { InputError } from '#model/errors.ts';
import { ChooseUpgrade, ReportUpgrade } from '#model/upgrade.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { shippedSchemas } from './kubernetes-schemas.ts';
import { readSnapshot } from './read-configuration.ts';

interface Ports {
  readonly objects: ObjectStore;
}

/** Names a configuration that no tree has yet. */
const PROPOSED = '0'.repeat(40);

/**
 * What validation says of the first channel's configuration with the chosen version and not without it: APIs that it no
 * longer serves, images out of the skew. Findings lie in S3, as those of `validate`. @throws NotFoundError, InputError when nothing was chosen
 */
export const reportUpgrade = defineStep({
  name: 'report-upgrade',
  input: z.object({ chooseUpgrade: ChooseUpgrade }),
  output: ReportUpgrade,
  async run({ chooseUpgrade: { upgrade, revision } }, { objects }: Ports) {
    if (upgrade === null || revision === null) throw new InputError('no upgrade was chosen');
    const base = await readSnapshot(objects, revision);
    const files = base.files.map((file) => {
      if (file.path !== 'versions.yaml') return file;
      const content = raiseVersions(`${CONFIGURATION_FOLDER}/versions.yaml`, file.content, upgrade);
      return { ...file, content: content ?? file.content };
    });
    const now = validateConfiguration({ head: base, base }, shippedSchemas).map((finding) => JSON.stringify(finding));
    const then = validateConfiguration({ head: { revision: PROPOSED, files }, base }, shippedSchemas);
    const findings = then.filter((finding) => !now.includes(JSON.stringify(finding)));
    const findingsKey = keys.findings(hashOf(findings));
    await objects.putIfAbsent(findingsKey, JSON.stringify(findings));
    return { findingsKey, apiKnown: shippedSchemas(upgrade.to.replace(/\.\d+$/, '')) !== undefined };
  },
});
