import { describe, expect, it } from 'vitest';
import { replacementOf } from '#domain/plan-replacements.ts';
import { instancesOf, resourceChanges } from '#domain/plan-resources.ts';
import { type ResolvedResource, resolveResources } from '#domain/plan-template.ts';
import { parseTemplate } from '#domain/template.ts';

function resources(text: string, parameters: Readonly<Record<string, string>> = {}): Map<string, ResolvedResource> {
  const { value, findings } = parseTemplate('channels/cluster/network.yaml', text);
  if (value === undefined) throw new Error(JSON.stringify(findings));
  return resolveResources(value, parameters);
}

const NETWORK = `Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: { CidrBlock: 10.0.0.0/16, EnableDnsSupport: true }
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: { VpcId: !Ref Vpc, AvailabilityZone: !Sub '\${AWS::Region}a', MapPublicIpOnLaunch: true }
  Routes:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: { SubnetId: !Ref Subnet, RouteTableId: rtb-1 }
  Queue:
    Type: AWS::SQS::Queue
    Properties: { DelaySeconds: 1, Tags: [{ Key: vpc, Value: !Ref Vpc }] }
`;

function changed(part: string, replacement: string): ReturnType<typeof resourceChanges> {
  if (!NETWORK.includes(part)) throw new Error(`there is no ${part}`);
  return resourceChanges('network', resources(NETWORK), resources(NETWORK.replace(part, replacement)));
}

describe('what changes of resources', () => {
  it('is nothing for the same', () => {
    expect(resourceChanges('network', resources(NETWORK), resources(NETWORK))).toEqual([]);
  });

  it('is in place for a property that needs no replacement', () => {
    expect(changed('EnableDnsSupport: true', 'EnableDnsSupport: false')).toEqual([
      { role: 'network', resource: 'Vpc', type: 'AWS::EC2::VPC', action: 'modify', replacement: 'never', properties: ['EnableDnsSupport'] },
    ]);
  });

  it('is a replacement for a property that is set at creation only, and of all that stands on it', () => {
    expect(
      changed('10.0.0.0/16', '10.1.0.0/16').map(({ resource, replacement, properties }) => [resource, replacement, properties]),
    ).toEqual([
      ['Vpc', 'always', ['CidrBlock']],
      ['Subnet', 'always', ['VpcId (Vpc is replaced)']],
      ['Routes', 'always', ['SubnetId (Subnet is replaced)']],
    ]);
  });

  it('tells the properties that replace first', () => {
    const [vpc] = changed(
      'CidrBlock: 10.0.0.0/16, EnableDnsSupport: true',
      'CidrBlock: 10.1.0.0/16, EnableDnsSupport: false, InstanceTenancy: dedicated',
    );

    expect(vpc).toMatchObject({ replacement: 'always', properties: ['CidrBlock', 'InstanceTenancy', 'EnableDnsSupport'] });
  });

  it('may be a replacement where it depends on more', () => {
    expect(changed('EnableDnsSupport: true', 'EnableDnsSupport: true, InstanceTenancy: dedicated')).toMatchObject([{ replacement: 'may' }]);
  });

  it('is unknown for a type that nobody wrote down', () => {
    const before = NETWORK.replace('AWS::SQS::Queue', 'AWS::New::Thing');

    const changes = resourceChanges('network', resources(before), resources(before.replace('DelaySeconds: 1', 'DelaySeconds: 2')));

    expect(changes).toMatchObject([{ type: 'AWS::New::Thing', replacement: 'unknown', properties: ['DelaySeconds'] }]);
  });

  it('is a new resource for another type of the same name', () => {
    expect(changed('Type: AWS::SQS::Queue', 'Type: AWS::SNS::Topic')).toMatchObject([
      { resource: 'Queue', type: 'AWS::SNS::Topic', action: 'modify', replacement: 'always', properties: ['Type'] },
    ]);
  });

  it('names what is added and what goes', () => {
    expect(changed('  Queue:', '  Other:').map(({ resource, action, type, replacement }) => [resource, action, type, replacement])).toEqual(
      [
        ['Other', 'add', 'AWS::SQS::Queue', 'never'],
        ['Queue', 'remove', 'AWS::SQS::Queue', 'never'],
      ],
    );
  });

  it('tells attributes beside the properties', () => {
    expect(changed('    Type: AWS::SQS::Queue\n', '    Type: AWS::SQS::Queue\n    DeletionPolicy: Retain\n')).toMatchObject([
      { resource: 'Queue', replacement: 'never', properties: ['DeletionPolicy'] },
    ]);
  });

  it('tells properties that come as a whole', () => {
    const bare = 'Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n';

    expect(resourceChanges('network', resources(bare), resources(`${bare}    Properties: { DelaySeconds: 1 }\n`))).toMatchObject([
      { properties: ['Properties'], replacement: 'never' },
    ]);
  });

  it('does not replace what only names a replaced resource in a property that can change', () => {
    expect(changed('10.0.0.0/16', '10.1.0.0/16').map(({ resource }) => resource)).not.toContain('Queue');
  });

  it('leaves a new resource new, though it stands on a replaced one', () => {
    const added = `${NETWORK}  More:\n    Type: AWS::EC2::Subnet\n    Properties: { VpcId: !Ref Vpc }\n`.replace(
      '10.0.0.0/16',
      '10.1.0.0/16',
    );

    const more = resourceChanges('network', resources(NETWORK), resources(added)).filter(({ resource }) => resource === 'More');

    expect(more).toEqual([
      { role: 'network', resource: 'More', type: 'AWS::EC2::Subnet', action: 'add', replacement: 'never', properties: [] },
    ]);
  });

  it('adds the cause to a resource that changes itself', () => {
    const after = NETWORK.replace('10.0.0.0/16', '10.1.0.0/16').replace('MapPublicIpOnLaunch: true', 'MapPublicIpOnLaunch: false');

    const subnet = resourceChanges('network', resources(NETWORK), resources(after)).find(({ resource }) => resource === 'Subnet');

    expect(subnet).toMatchObject({ replacement: 'always', properties: ['VpcId (Vpc is replaced)', 'MapPublicIpOnLaunch'] });
  });
});

describe('replacementOf', () => {
  it.each([
    ['AWS::EC2::VPC', 'CidrBlock', 'always'],
    ['AWS::EC2::VPC', 'CidrBlock/Deeper', 'always'],
    ['AWS::EC2::VPC', 'InstanceTenancy', 'may'],
    ['AWS::EC2::VPC', 'Tags', 'never'],
    ['AWS::EC2::VPC', 'CidrBlockOther', 'never'],
    ['AWS::EC2::VPCEndpoint', 'DnsOptions', 'may'],
    ['AWS::EC2::VPCEndpoint', 'DnsOptions/PrivateDnsPreference', 'always'],
    ['AWS::EC2::VPCEndpoint', 'DnsOptions/DnsRecordIpType', 'never'],
    ['AWS::EC2::Volume', 'AvailabilityZone', 'may'],
    ['AWS::AutoScaling::AutoScalingGroup', 'LaunchTemplate/Version', 'never'],
    ['AWS::New::Thing', 'Any', 'unknown'],
    ['constructor', 'Any', 'unknown'],
  ])('says of %s %s: %s', (type, property, expected) => {
    expect(replacementOf(type, property)).toBe(expected);
  });
});

describe('resolveResources', () => {
  const TEMPLATE = `Parameters:
  Market: { Type: String }
  Name: { Type: String }
Mappings:
  Sizes: { small: { disk: 20 }, large: { disk: 80 } }
Conditions:
  Spot: !Equals [!Ref Market, spot]
  NotSpot: !Not [!Condition Spot]
  Both: !And [!Condition Spot, !Equals [!Ref Name, a]]
  Either: !Or [!Condition Spot, !Equals [!Ref Name, a]]
  Unknown: !Equals [!Ref 'AWS::Region', x]
  Perhaps: !And [!Condition Unknown, !Condition Spot]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      Name: !Ref Name
      Price: !If [Spot, low, !Ref 'AWS::NoValue']
      List: [!If [Spot, low, !Ref 'AWS::NoValue'], always]
      Text: !Sub 'is \${Name} in \${AWS::Region}, \${!Literal}'
      Plain: !Sub 'only \${Name}'
      Own: !Sub ['\${Name} \${Other} \${Third}', { Other: !Ref Market, Third: !Ref 'AWS::Region' }]
      Disk: !FindInMap [Sizes, large, disk]
      Absent: !FindInMap [Sizes, !Ref Name, disk]
      Left: !GetAtt Topic.Arn
      Open: !If [Unknown, one, two]
  Topic: { Type: AWS::SNS::Topic, Condition: NotSpot }
  Both: { Type: AWS::SNS::Topic, Condition: Both }
  Either: { Type: AWS::SNS::Topic, Condition: Either }
  Unknown: { Type: AWS::SNS::Topic, Condition: Unknown }
  Perhaps: { Type: AWS::SNS::Topic, Condition: Perhaps }
`;

  it('puts in what is known and leaves what only AWS knows', () => {
    const queue = resources(TEMPLATE, { Market: 'spot', Name: 'a' }).get('Queue');

    expect(queue?.Properties).toEqual({
      Name: 'a',
      Price: 'low',
      List: ['low', 'always'],
      Text: { 'Fn::Sub': 'is a in ${AWS::Region}, ${!Literal}' },
      Plain: 'only a',
      Own: { 'Fn::Sub': ['a spot ${Third}', { Other: 'spot', Third: { Ref: 'AWS::Region' } }] },
      Disk: 80,
      Absent: { 'Fn::FindInMap': ['Sizes', 'a', 'disk'] },
      Left: { 'Fn::GetAtt': ['Topic', 'Arn'] },
      Open: { 'Fn::If': ['Unknown', 'one', 'two'] },
    });
  });

  it('leaves out values and resources that their condition leaves out', () => {
    const found = resources(TEMPLATE, { Market: 'on-demand', Name: 'b' });

    expect(found.get('Queue')?.Properties).toMatchObject({ List: ['always'] });
    expect(found.get('Queue')?.Properties).not.toHaveProperty('Price');
  });

  it.each([
    ['spot', 'a', ['Both', 'Either', 'Unknown', 'Perhaps']],
    ['spot', 'b', ['Either', 'Unknown', 'Perhaps']],
    ['on-demand', 'a', ['Topic', 'Either', 'Unknown']],
    ['on-demand', 'b', ['Topic', 'Unknown']],
  ])('knows conditions of %s and %s', (market, name, expected) => {
    const found = resources(TEMPLATE, { Market: market, Name: name });

    expect([...found.keys()].filter((key) => key !== 'Queue')).toEqual(expected);
    expect(found.get('Unknown')).toEqual({ Type: 'AWS::SNS::Topic' });
  });
});

describe('a text of openings that nothing closes', () => {
  it('is put together in a moment, for each cluster of a fleet', () => {
    const text = `Resources: { Topic: { Type: AWS::SNS::Topic, Properties: { TopicName: !Sub '${'${a'.repeat(16_000)}' } } }`;
    const { value } = parseTemplate('channels/cluster/network.yaml', text);
    const template = value ?? expect.fail('the template was refused');
    const { user } = process.cpuUsage();

    for (let cluster = 0; cluster < 10; cluster += 1) expect(resolveResources(template, {}).size).toBe(1);

    expect(process.cpuUsage().user - user).toBeLessThan(1_000_000);
  });
});

describe('references of a template', () => {
  const bucket = (properties: string, more = ''): unknown =>
    resources(`Parameters: { Name: { Type: String } }\n${more}Resources: { B: { Type: AWS::S3::Bucket, Properties: ${properties} } }\n`, {
      Name: 'a',
      Size: '3',
    }).get('B')?.Properties;

  it.each([
    ['{ X: { Ref: Name } }', { X: 'a' }],
    ['{ X: { Ref: Name, More: 1 } }', { X: { Ref: 'Name', More: 1 } }],
    ['{ X: { Name: Name } }', { X: { Name: 'Name' } }],
    ["{ X: { Name: 'AWS::NoValue' } }", { X: { Name: 'AWS::NoValue' } }],
    ["{ X: { Ref: 'AWS::NoValue' }, Y: 1 }", { Y: 1 }],
    ['{ X: { Ref: toString } }', { X: { Ref: 'toString' } }],
    ['{ X: { Ref: 3 } }', { X: { Ref: 3 } }],
    ['{ X: {} }', { X: {} }],
    ["{ X: { 'Fn::If': Name } }", { X: { 'Fn::If': 'Name' } }],
    ["{ X: { 'Fn::FindInMap': Name } }", { X: { 'Fn::FindInMap': 'Name' } }],
    ["{ X: { 'Fn::FindInMap': [A, b, c] } }", { X: { 'Fn::FindInMap': ['A', 'b', 'c'] } }],
    ["{ X: { 'Fn::Join': ['-', [{ Ref: Name }, b]] } }", { X: { 'Fn::Join': ['-', ['a', 'b']] } }],
    ["{ X: { 'Fn::Sub': '${ Name }-${Size}' } }", { X: 'a-3' }],
    ["{ X: { 'Fn::Sub': '${Name}${!Name}' } }", { X: { 'Fn::Sub': 'a${!Name}' } }],
    ["{ X: { 'Fn::Sub': ['${Own}', { Own: { Ref: Name } }] } }", { X: 'a' }],
    ["{ X: { 'Fn::Sub': ['${Own}', Own] } }", { X: { 'Fn::Sub': '${Own}' } }],
    ["{ X: { 'Fn::Sub': { Ref: Name } } }", { X: { 'Fn::Sub': 'a' } }],
    ["{ X: { 'Fn::Sub': [{ Ref: Name }, { Own: 1 }] } }", { X: { 'Fn::Sub': ['a', { Own: 1 }] } }],
  ])('%s', (properties, expected) => expect(bucket(properties)).toEqual(expected));

  it.each([
    ['itself', 'A: !Condition A'],
    ['one another', 'A: !Condition B\n  B: !Condition A'],
    ['nothing', 'B: !Equals [a, a]'],
    ['a text', 'A: text'],
    ['no operator', 'A: { X: 1 }'],
    ['the negation of what is not known', "A: !Not [!Equals [!Ref 'AWS::Region', x]]"],
    ['what is not known, or what is not so', "A: !Or [!Equals [!Ref 'AWS::Region', x], !Equals [a, b]]"],
    ['what is not known, and what is so', "A: !And [!Equals [!Ref 'AWS::Region', x], !Equals [a, a]]"],
    ['values that are no texts', 'A: !Equals [[a], [a]]'],
  ])('a condition that rests on %s is not known', (_what, conditions) =>
    expect(bucket("{ X: { 'Fn::If': [A, 1, 2] } }", `Conditions:\n  ${conditions}\n`)).toEqual({ X: { 'Fn::If': ['A', 1, 2] } }),
  );

  it.each([
    ['!Equals [a, a]', 1],
    ['!Equals [a, b]', 2],
    ['!Not [!Equals [a, b]]', 1],
    ["!Or [!Equals [!Ref 'AWS::Region', x], !Equals [a, a]]", 1],
    ["!And [!Equals [!Ref 'AWS::Region', x], !Equals [a, b]]", 2],
    ['!Or [!Equals [a, b], !Equals [a, b]]', 2],
    ['!And [!Equals [a, a], !Equals [b, b]]', 1],
    ['!Equals [!Ref Name, a]', 1],
  ])('%s is known', (condition, expected) =>
    expect(bucket("{ X: { 'Fn::If': [A, 1, 2] } }", `Conditions: { A: ${condition} }\n`)).toEqual({ X: expected }),
  );
});

describe('the properties that change', () => {
  const queue = (rest: string) => resources(`Resources:\n  Q: { Type: AWS::SQS::Queue, ${rest} }\n`);
  const told = (before: string, after: string) =>
    resourceChanges('network', queue(before), queue(after)).map(({ properties }) => properties);

  it.each([
    ['Properties: { A: { B: 1, C: 2 } }', 'Properties: { A: { B: 1, C: 3 } }', ['A/C']],
    ['Properties: { A: { B: 1 } }', 'Properties: { A: { C: 1, B: 2 } }', ['A/B', 'A/C']],
    ['Properties: { A: { Ref: X } }', 'Properties: { A: { Ref: Y } }', ['A']],
    ["Properties: { A: { 'Fn::GetAtt': [X, Y] } }", "Properties: { A: { 'Fn::GetAtt': [X, Z] } }", ['A']],
    ['Properties: { A: { B: 1 } }', 'Properties: { A: { Ref: Y } }', ['A']],
    ['Properties: { A: [1, 2] }', 'Properties: { A: [1, 3] }', ['A']],
    ['Properties: { A: 1 }', 'Properties: { A: null }', ['A']],
    ['Properties: { Z: 1, A: 1 }', 'Properties: { Z: 2, A: 2 }', ['A', 'Z']],
    ['Metadata: 1, DependsOn: [a], Comment: 1', 'Metadata: 2, DependsOn: [b], Comment: 1', ['DependsOn', 'Metadata']],
    ['Properties: { A: 1 }, Metadata: 1', 'Properties: { A: 2 }, Metadata: 2', ['A', 'Metadata']],
  ])('from %s to %s are %j', (before, after, properties) => expect(told(before, after)).toEqual([properties]));
});

describe('sizes', () => {
  const group = (size: string): string =>
    `  G${size}: { Type: AWS::AutoScaling::AutoScalingGroup, Properties: { MinSize: '${size}', MaxSize: '9' } }\n`;

  it('adds the sizes of all groups, and of nothing else', () => {
    const other = "  T: { Type: AWS::EC2::LaunchTemplate, Properties: { MinSize: '5' } }\n";
    expect(instancesOf(resources(`Resources:\n${group('2')}${other}`))).toBe(2);
    expect(instancesOf(resources(`Resources:\n${group('1')}${group('3')}`))).toBe(4);
  });

  it('takes what is desired before the least', () => {
    expect(instancesOf(resources(`Resources:\n${group('1').replace('{ MinSize', '{ DesiredCapacity: 5, MinSize')}`))).toBe(5);
  });

  it('does not know without groups, or a size that AWS puts in', () => {
    expect(instancesOf(resources(NETWORK))).toBeUndefined();
    expect(
      instancesOf(
        resources(
          `Resources:\n${group('1')}  H: { Type: AWS::AutoScaling::AutoScalingGroup, Properties: { MinSize: !Ref 'AWS::Region' } }\n`,
        ),
      ),
    ).toBeUndefined();
    expect(instancesOf(resources(`Resources:\n  H: { Type: AWS::AutoScaling::AutoScalingGroup }\n`))).toBeUndefined();
  });
});
