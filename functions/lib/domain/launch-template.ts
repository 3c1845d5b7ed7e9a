import { hashOf } from './hash.ts';
import { conditionsOf, referencesOf, type Template, walk } from './template.ts';

/**
 * What the instances of a stack are made from: the launch templates' data with the parameters, conditions and mappings
 * that it uses. When it changes, CloudFormation makes a new launch template version and every instance is old.
 */
export function launchTemplateFingerprint(template: Template, parameters: Readonly<Record<string, string>>): string {
  const launchTemplates = Object.entries(template.body.Resources).filter(([, resource]) => resource.Type === 'AWS::EC2::LaunchTemplate');
  const used = { parameters: new Map<string, string>(), conditions: new Map<string, unknown>(), mappings: false };
  const read = (value: unknown): void =>
    walk(value, [], (part, path) => {
      if (part !== null && typeof part === 'object' && 'Fn::FindInMap' in part) used.mappings = true;
      for (const name of referencesOf(part)) {
        const parameter = parameters[name];
        if (parameter !== undefined) used.parameters.set(name, parameter);
      }
      for (const name of conditionsOf(part, path)) {
        const condition = template.body.Conditions?.[name];
        if (used.conditions.has(name) || condition === undefined) continue;
        used.conditions.set(name, condition);
        read(condition);
      }
    });
  for (const [, resource] of launchTemplates) read(resource);
  return hashOf({
    launchTemplates: Object.fromEntries(launchTemplates),
    parameters: Object.fromEntries(used.parameters),
    conditions: Object.fromEntries(used.conditions),
    mappings: used.mappings ? template.body.Mappings : undefined,
  });
}
