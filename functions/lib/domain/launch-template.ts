import { hashOf } from './hash.ts';
import { conditionsOf, referencesOf, type Template, walk } from './template.ts';

/** What the instances of a template's stacks are made from. */
export interface LaunchTemplates {
  /** Hash of the launch templates with the conditions and mappings that they use. */
  readonly hash: string;
  /** Parameters that they use. When one changes, CloudFormation makes a new version and every instance is old. */
  readonly parameters: readonly string[];
}

/** The launch templates of a template, so that two can be compared. */
export function launchTemplatesOf(template: Template): LaunchTemplates {
  const launchTemplates = Object.entries(template.body.Resources).filter(([, resource]) => resource.Type === 'AWS::EC2::LaunchTemplate');
  const parameters = new Set<string>();
  const conditions = new Map<string, unknown>();
  let mappings = false;
  const read = (value: unknown): void =>
    walk(value, [], (part, path) => {
      if (part !== null && typeof part === 'object' && 'Fn::FindInMap' in part) mappings = true;
      for (const name of referencesOf(part)) if (template.parameters.includes(name)) parameters.add(name);
      for (const name of conditionsOf(part, path)) {
        const condition = template.body.Conditions?.[name];
        if (conditions.has(name) || condition === undefined) continue;
        conditions.set(name, condition);
        read(condition);
      }
    });
  for (const [, resource] of launchTemplates) read(resource);
  return {
    hash: hashOf({
      launchTemplates: Object.fromEntries(launchTemplates),
      conditions: Object.fromEntries(conditions),
      mappings: mappings ? template.body.Mappings : undefined,
    }),
    parameters: [...parameters].sort(),
  };
}
