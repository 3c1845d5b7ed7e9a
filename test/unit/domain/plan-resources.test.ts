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

describe('sizes', () => {
  const group = (size: string): string =>
    `  G${size}: { Type: AWS::AutoScaling::AutoScalingGroup, Properties: { MinSize: '${size}', MaxSize: '9' } }\n`;

  it('adds the sizes of all groups', () => {
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
