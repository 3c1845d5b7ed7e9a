import { createHmac, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readAudit } from '../../../local/audit.ts';
import { REPOSITORY } from '../../../local/world.ts';
import type { Scene } from '../../support/e2e/scene.ts';

/** A number that no pull request of these tests has. */
const NUMBER = 990_001;
const SHA = 'ab'.repeat(20);

/** What the webhook's URL answers to deliveries that are not GitHub's. */
export function webhookSuite(scene: () => Scene): void {
  describe('the webhook refuses', () => {
    test('truncated JSON, the wrong shape, a wrong signature, an oversized body and another installation, and starts nothing', async () => {
      const { webhookSecret } = scene().world;
      const good = delivery();
      const huge = JSON.stringify({ ...JSON.parse(good), padding: 'x'.repeat(26 * 1024 * 1024) });

      const answers = {
        truncated: await post(scene(), good.slice(0, -20), webhookSecret),
        wrongShape: await post(scene(), JSON.stringify({ ...JSON.parse(good), pull_request: 'none' }), webhookSecret),
        wrongSignature: await post(scene(), good, 'another secret'),
        oversized: await post(scene(), huge, webhookSecret),
        otherInstallation: await post(scene(), good, webhookSecret),
      };

      expect(answers).toEqual({ truncated: 400, wrongShape: 400, wrongSignature: 401, oversized: 413, otherInstallation: 401 });
      const executions = await readAudit(scene().world.hub.stepFunctions, scene().startedAt);
      expect(executions).not.toEqual([]);
      expect(executions.filter(({ subject }) => subject === `#${NUMBER}`)).toEqual([]);
    });
  });
}

/** A delivery that is right but for its installation. */
function delivery(): string {
  return JSON.stringify({
    action: 'opened',
    number: NUMBER,
    pull_request: { head: { sha: SHA }, base: { sha: SHA, ref: 'dev' } },
    repository: { name: REPOSITORY.name, owner: { login: REPOSITORY.owner } },
    installation: { id: 1 },
  });
}

async function post({ world }: Scene, body: string, secret: string): Promise<number> {
  const answer = await fetch(world.webhookUrl, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-delivery': randomUUID(),
      'x-github-event': 'pull_request',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
  });
  await answer.text();
  return answer.status;
}
