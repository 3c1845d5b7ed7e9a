import { describe, expect, it } from 'vitest';
import { resolveResources } from '#domain/plan-template.ts';
import { render } from '#domain/render.ts';
import { parseTemplate } from '#domain/template.ts';
import { templateRuleFindings } from '#domain/template-rules.ts';
import { MAX_USER_DATA_BYTES } from '#domain/template-user-data.ts';
import { clusterRef } from '#domain/waves.ts';
import { clusterEntry } from '../../support/fleet.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';

function told(userData: string): string[] {
  const text = `Resources:\n  A:\n    Type: AWS::EC2::LaunchTemplate\n    Properties:\n      LaunchTemplateData:\n        UserData:\n          ${userData}\n`;
  const template = parseTemplate('a.yaml', text).value ?? expect.fail();
  return templateRuleFindings(template).map(({ rule, level, line, column, message }) => `${level} ${rule} ${line}:${column} ${message}`);
}

describe('user data of a launch template', () => {
  it('is under 2 KB, however it is put together', () => {
    const half = 'é'.repeat(512);

    expect(told(`Fn::Base64: ${'x'.repeat(2047)}`)).toEqual([]);
    expect(told(`Fn::Base64: ${'x'.repeat(2048)}`)).toEqual([
      'failure user-data-size 6:9 The user data has 2048 bytes; it must be under 2048. Write what instances need into user-data/, and let the user data point to it by ${IgnitionUrl} and ${IgnitionHash}.',
    ]);
    expect(told(`Fn::Base64: !Join ['', [!Sub '${half}', '${half}']]`)).toHaveLength(1);
    expect(told(`Fn::Base64: !Join ['', [!Sub '${half}', x]]`)).toEqual([]);
  });

  it('is under 2 KB in each stack of the reference configuration, with its parameters', () => {
    const cluster = { ...clusterRef(clusterEntry('a-name-as-long-as-one-may-be-abcd'), { channel: 'dev' }), region: 'ap-southeast-2' };
    const rendered = render(referenceConfiguration(), cluster);
    const found = rendered.stacks.flatMap(({ role, template, parameters }) => {
      const parsed = parseTemplate(`${role}.yaml`, template).value ?? expect.fail();
      const launchTemplates = [...resolveResources(parsed, parameters).values()].filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate');
      return launchTemplates.map((one) => [role, userDataOf(one.Properties)] as const);
    });

    expect(found.map(([role]) => role)).toEqual(['etcd', 'control-plane', 'pool-general', 'pool-batch']);
    for (const [role, text] of found) {
      const { ignitionHash } = rendered.stacks.find((stack) => stack.role === role) ?? {};
      expect(text).toContain(`"hash":"sha256-${ignitionHash}"`);
      expect(Buffer.byteLength(text)).toBeLessThan(MAX_USER_DATA_BYTES);
    }
  });
});

function userDataOf(properties: unknown): string {
  const { LaunchTemplateData } = properties as { LaunchTemplateData: { UserData: { 'Fn::Base64': string } } };
  const text = LaunchTemplateData.UserData['Fn::Base64'];
  expect(text).toBeTypeOf('string');
  return text;
}
