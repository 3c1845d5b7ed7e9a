/** Properties whose change makes CloudFormation replace a resource: always, or depending on more than the property. */
export interface Replacing {
  readonly always: readonly string[];
  readonly may: readonly string[];
}

/**
 * By resource type: `createOnlyProperties` and `conditionalCreateOnlyProperties` of AWS' resource provider schemas, as
 * cfn-lint 1.58.0 carries them (schemas of 2026-10-20). An EBS volume has none there, but its documentation says
 * "updates are not supported" for these. Auto Scaling groups are replaced for their launch template only under an
 * UpdatePolicy, which Sluice's rules leave out. A type that is not here is told as unknown.
 */
export const REPLACING: Readonly<Record<string, Replacing>> = {
  'AWS::EC2::VPC': { always: ['CidrBlock', 'Ipv4IpamPoolId', 'Ipv4NetmaskLength', 'VpcEncryptionControl'], may: ['InstanceTenancy'] },
  'AWS::EC2::Subnet': {
    always: [
      'AvailabilityZone',
      'AvailabilityZoneId',
      'CidrBlock',
      'Ipv4IpamPoolId',
      'Ipv4NetmaskLength',
      'Ipv6IpamPoolId',
      'Ipv6Native',
      'Ipv6NetmaskLength',
      'OutpostArn',
      'VpcId',
    ],
    may: ['Ipv6CidrBlock'],
  },
  'AWS::EC2::RouteTable': { always: ['VpcId'], may: [] },
  'AWS::EC2::Route': { always: ['DestinationCidrBlock', 'DestinationIpv6CidrBlock', 'DestinationPrefixListId', 'RouteTableId'], may: [] },
  'AWS::EC2::SubnetRouteTableAssociation': { always: ['RouteTableId', 'SubnetId'], may: [] },
  'AWS::EC2::InternetGateway': { always: [], may: [] },
  'AWS::EC2::VPCGatewayAttachment': { always: ['VpcId'], may: [] },
  'AWS::EC2::NatGateway': {
    always: ['AllocationId', 'AvailabilityMode', 'ConnectivityType', 'PrivateIpAddress', 'SubnetId', 'VpcId'],
    may: [],
  },
  'AWS::EC2::EIP': { always: ['Address', 'IpamPoolId', 'NetworkBorderGroup', 'TransferAddress'], may: [] },
  'AWS::EC2::VPCEndpoint': {
    always: [
      'DnsOptions/PrivateDnsPreference',
      'DnsOptions/PrivateDnsSpecifiedDomains',
      'ResourceConfigurationArn',
      'ServiceName',
      'ServiceNetworkArn',
      'ServiceRegion',
      'VpcEndpointType',
      'VpcId',
    ],
    may: [],
  },
  'AWS::EC2::SecurityGroup': { always: ['GroupDescription', 'GroupName', 'VpcId'], may: [] },
  'AWS::EC2::SecurityGroupIngress': {
    always: [
      'CidrIp',
      'CidrIpv6',
      'FromPort',
      'GroupId',
      'GroupName',
      'IpProtocol',
      'SourcePrefixListId',
      'SourceSecurityGroupId',
      'SourceSecurityGroupName',
      'SourceSecurityGroupOwnerId',
      'ToPort',
    ],
    may: [],
  },
  'AWS::EC2::SecurityGroupEgress': {
    always: ['CidrIp', 'CidrIpv6', 'DestinationPrefixListId', 'DestinationSecurityGroupId', 'FromPort', 'GroupId', 'IpProtocol', 'ToPort'],
    may: [],
  },
  'AWS::EC2::LaunchTemplate': { always: ['LaunchTemplateName'], may: [] },
  'AWS::EC2::NetworkInterface': {
    always: ['InterfaceType', 'PrivateIpAddress', 'SubnetId'],
    may: ['ConnectionTrackingSpecification', 'EnablePrimaryIpv6', 'PrivateIpAddresses'],
  },
  'AWS::EC2::Volume': { always: [], may: ['AvailabilityZone', 'Encrypted', 'KmsKeyId', 'OutpostArn', 'SnapshotId'] },
  'AWS::IAM::Role': { always: ['Path', 'RoleName'], may: [] },
  'AWS::IAM::InstanceProfile': { always: ['InstanceProfileName', 'Path'], may: [] },
  'AWS::IAM::Policy': { always: [], may: [] },
  'AWS::IAM::RolePolicy': { always: ['PolicyName', 'RoleName'], may: [] },
  'AWS::IAM::ManagedPolicy': { always: ['Description', 'ManagedPolicyName', 'Path'], may: [] },
  'AWS::IAM::OIDCProvider': { always: ['Url'], may: [] },
  'AWS::ElasticLoadBalancingV2::LoadBalancer': { always: ['Name', 'Scheme', 'Type'], may: [] },
  'AWS::ElasticLoadBalancingV2::TargetGroup': {
    always: ['IpAddressType', 'Name', 'Port', 'Protocol', 'ProtocolVersion', 'TargetType', 'VpcId'],
    may: [],
  },
  'AWS::ElasticLoadBalancingV2::Listener': { always: ['LoadBalancerArn'], may: [] },
  'AWS::AutoScaling::AutoScalingGroup': { always: ['AutoScalingGroupName', 'InstanceId'], may: ['VPCZoneIdentifier'] },
  'AWS::AutoScaling::LifecycleHook': { always: ['AutoScalingGroupName', 'LifecycleHookName'], may: [] },
  'AWS::AutoScaling::ScheduledAction': { always: ['AutoScalingGroupName'], may: [] },
  'AWS::KMS::Key': { always: [], may: [] },
  'AWS::KMS::Alias': { always: ['AliasName'], may: [] },
  'AWS::S3::Bucket': { always: ['BucketName', 'BucketNamePrefix', 'BucketNamespace'], may: [] },
  'AWS::S3::BucketPolicy': { always: ['Bucket'], may: [] },
  'AWS::SQS::Queue': { always: ['FifoQueue', 'QueueName'], may: [] },
  'AWS::SQS::QueuePolicy': { always: [], may: [] },
  'AWS::SNS::Topic': { always: ['FifoTopic', 'TopicName'], may: [] },
  'AWS::Logs::LogGroup': { always: ['LogGroupName'], may: [] },
  'AWS::Route53::HostedZone': { always: ['DelegationSetId', 'Name'], may: [] },
  'AWS::Route53::RecordSet': { always: ['HostedZoneId', 'HostedZoneName'], may: [] },
  'AWS::CertificateManager::Certificate': {
    always: [
      'CertificateAuthorityArn',
      'CertificateExport',
      'DomainName',
      'DomainValidationOptions',
      'KeyAlgorithm',
      'SubjectAlternativeNames',
    ],
    may: [],
  },
  'AWS::CloudWatch::Alarm': { always: ['AlarmName'], may: [] },
  'AWS::Events::Rule': { always: ['Name'], may: ['EventBusName'] },
  'AWS::SecretsManager::Secret': { always: ['Name'], may: [] },
};
