// Makes functions/lib/domain/aws-resource-types.ts from AWS' resource provider schemas as cfn-lint carries them:
// `node cli/aws-resource-types.ts`. With `--check` it only tells whether the file is fresh.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { REPLACING } from '#domain/aws-replacing-properties.ts';
import { openToolchain } from '../local/toolchain/open.ts';
import { CFN_LINT_VERSION } from '../local/toolchain/versions.ts';

const FILE = join(import.meta.dirname, '../functions/lib/domain/aws-resource-types.ts');
/** The region that has the most types. What a type's properties are is the same everywhere. */
const REGION = 'us-east-1';

/** Types that fleets use, beyond those whose replacements are known. */
const BESIDES: Readonly<Record<string, string>> = {
  AutoScaling: 'ScalingPolicy WarmPool',
  DynamoDB: 'Table',
  EC2: `DHCPOptions EIPAssociation FlowLog Instance KeyPair NetworkAcl NetworkAclEntry PlacementGroup PrefixList
    SubnetNetworkAclAssociation TransitGatewayAttachment VPCCidrBlock VPCDHCPOptionsAssociation VPCPeeringConnection VolumeAttachment`,
  ECR: 'Repository',
  EFS: 'FileSystem MountTarget',
  ElasticLoadBalancingV2: 'ListenerCertificate ListenerRule',
  IAM: 'User',
  Lambda: 'Function Permission',
  Logs: 'MetricFilter SubscriptionFilter',
  RDS: 'DBInstance DBSubnetGroup',
  SNS: 'Subscription TopicPolicy',
  SSM: 'Parameter',
  SecretsManager: 'ResourcePolicy RotationSchedule',
};

const Types = z.record(z.string(), z.string());
const Node = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  patternProperties: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
  oneOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
});
type Node = z.infer<typeof Node>;

/** Properties with those inside; undefined: a value, or anything. */
type Tree = ReadonlyMap<string, Tree | undefined> | undefined;

function treeOf(schema: Node, node: Node, above: readonly string[] = []): Tree {
  const reference = node.$ref;
  // What holds itself is open from there on.
  if (reference !== undefined) return above.includes(reference) ? undefined : treeOf(schema, at(schema, reference), [...above, reference]);
  if (node.items !== undefined) return treeOf(schema, Node.parse(node.items), above);
  if (Array.isArray(node.type) && node.type.includes('string')) return undefined;
  if (node.patternProperties !== undefined || (node.additionalProperties ?? false) !== false) return undefined;
  const parts = [node.oneOf, node.anyOf, node.allOf].flatMap((list) => list ?? []).map((part) => Node.parse(part));
  if (parts.some(({ $ref, type }) => $ref !== undefined || (type !== undefined && type !== 'object'))) return undefined;
  const properties = new Map([...parts, node].flatMap((part) => Object.entries(part.properties ?? {})));
  if (properties.size === 0) return undefined;
  const sorted = [...properties].sort(([left], [right]) => (left < right ? -1 : 1));
  return new Map(sorted.map(([name, value]) => [name, treeOf(schema, Node.parse(value), above)]));
}

function at(schema: Node, reference: string): Node {
  let node: unknown = schema;
  for (const key of reference.slice(2).split('/')) node = z.record(z.string(), z.unknown()).parse(node)[key];
  return Node.parse(node);
}

function textOf(tree: Tree): string {
  return [...(tree ?? [])].map(([name, inside]) => (inside === undefined ? name : `${name}(${textOf(inside)})`)).join(' ');
}

/** @param folder `data/schemas` of cfn-lint */
function contentOf(folder: string): string {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(folder, path), 'utf8'));
  const { schema_date: date } = z.object({ schema_date: z.string() }).parse(read('version.json'));
  const regions = readdirSync(join(folder, 'providers')).filter((name) => name.endsWith('.json'));
  const names = new Set(regions.flatMap((name) => Object.keys(Types.parse(read(`providers/${name}`)))));
  const files = Types.parse(read(`providers/${REGION}.json`));
  const besides = Object.entries(BESIDES).flatMap(([service, list]) => list.split(/\s+/).map((name) => `AWS::${service}::${name}`));
  const checked = [...new Set([...Object.keys(REPLACING), ...besides])].sort();
  const properties = checked.map((type) => {
    const schema = Node.parse(read(`resources/${files[type]}.json`));
    return `${type} ${textOf(treeOf(schema, schema))}`.trim();
  });
  const services = [...new Set(checked.map((type) => type.split('::')[1] ?? ''))];
  const types = services.map((service) => {
    const prefix = `AWS::${service}::`;
    return [prefix, ...[...names].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))].sort().join(' ');
  });
  return `// Made by cli/aws-resource-types.ts from AWS' resource provider schemas, as cfn-lint ${CFN_LINT_VERSION} carries them; do not edit.

/** Day of the schemas. */
export const SCHEMA_DATE = '${date.slice(0, 10)}';

/** A service a line, and the names of all its resource types. */
export const SERVICES = \`
${types.join('\n')}
\`;

/** A resource type a line, and its properties; in parentheses those inside, where not anything may be. */
export const PROPERTIES = \`
${properties.join('\n')}
\`;
`;
}

const toolchain = openToolchain({ log: (line) => void process.stdout.write(`${line}\n`) });
const packages = join(await toolchain.ensure('cfn-lint'), 'lib');
const python = readdirSync(packages).find((name) => existsSync(join(packages, name, 'site-packages/cfnlint')));
if (python === undefined) throw new Error(`there is no cfnlint below ${packages}`);
const content = contentOf(join(packages, python, 'site-packages/cfnlint/data/schemas'));
if (process.argv.includes('--check')) {
  const fresh = existsSync(FILE) && readFileSync(FILE, 'utf8') === content;
  if (!fresh) process.stderr.write('functions/lib/domain/aws-resource-types.ts is stale: run node cli/aws-resource-types.ts\n');
  process.exitCode = fresh ? 0 : 1;
} else writeFileSync(FILE, content);
