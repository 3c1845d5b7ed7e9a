/** Types of a stack's resources that no update may replace or remove, by the stack's role. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  // A group that is replaced ends its member's instance at the time that CloudFormation likes, and two of them at once.
  etcd: ['AWS::AutoScaling::AutoScalingGroup'],
};

/** The stack policy of a role's stack as JSON; undefined where every update is allowed. */
export function stackPolicy(role: string): string | undefined {
  const types = KEPT[role];
  if (types === undefined) return undefined;
  const kept = {
    Effect: 'Deny',
    Principal: '*',
    Action: ['Update:Replace', 'Update:Delete'],
    Resource: '*',
    Condition: { StringEquals: { ResourceType: types } },
  };
  return JSON.stringify({ Statement: [kept, { Effect: 'Allow', Principal: '*', Action: 'Update:*', Resource: '*' }] });
}
