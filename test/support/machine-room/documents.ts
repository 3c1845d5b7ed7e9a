import { createHash } from 'node:crypto';

/** An Ignition document of files and units, and its hash. */
export function ignitionDocument(
  files: Readonly<Record<string, string>>,
  units: Readonly<Record<string, string>>,
): { text: string; sha256: string } {
  const text = JSON.stringify({
    ignition: { version: '3.4.0' },
    storage: {
      files: Object.entries(files).map(([path, content]) => ({
        path,
        mode: 0o644,
        contents: { source: `data:;base64,${Buffer.from(content).toString('base64')}` },
      })),
    },
    systemd: { units: Object.entries(units).map(([name, contents]) => ({ name, enabled: true, contents })) },
  });
  return { text, sha256: createHash('sha256').update(text).digest('hex') };
}

/** A service that runs a command line with the instance's facts. */
export function service(commandLine: readonly string[]): string {
  return `[Unit]
After=sluice-identity.service sluice-binaries.service
[Service]
EnvironmentFile=/etc/sluice/instance.env
ExecStart=${commandLine.join(' \\\n  ')}
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
`;
}

const BOOT_UNITS = {
  'sluice-identity.service': '[Service]\nType=oneshot\nExecStart=/opt/sluice/identity\n',
  'sluice-binaries.service': '[Service]\nType=oneshot\nExecStart=/opt/sluice/binaries\n',
};

function identityFile(cluster: string, part: string): string {
  return JSON.stringify({ secret: `sluice/${cluster}/${part}`, directory: '/etc/sluice/pki' });
}

export function etcdDocument(cluster: string, member: string): { text: string; sha256: string } {
  const pki = '/etc/sluice/pki';
  return ignitionDocument(
    {
      '/etc/sluice/identity.json': identityFile(cluster, 'etcd'),
      '/etc/sluice/binaries.json': JSON.stringify([{ name: 'etcd', version: '3.6.16' }]),
      '/etc/sluice/address': JSON.stringify({ a: member }),
      '/etc/sluice/volume.json': JSON.stringify({ mount: '/var/lib/etcd' }),
    },
    {
      ...BOOT_UNITS,
      'etcd.service': service([
        '/opt/bin/etcd',
        '--name=a',
        '--data-dir=/var/lib/etcd',
        '--listen-client-urls=https://${INSTANCE_ADDRESS}:2379',
        `--advertise-client-urls=https://${member}:2379`,
        `--listen-peer-urls=https://${member}:2380`,
        `--initial-advertise-peer-urls=https://${member}:2380`,
        `--initial-cluster=a=https://${member}:2380`,
        `--cert-file=${pki}/member.crt --key-file=${pki}/member.key --trusted-ca-file=${pki}/ca.crt --client-cert-auth`,
        `--peer-cert-file=${pki}/member.crt --peer-key-file=${pki}/member.key --peer-trusted-ca-file=${pki}/ca.crt --peer-client-cert-auth`,
      ]),
    },
  );
}

function kubeconfig(api: string, user: string): string {
  return `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://${api}:6443", tls-server-name: kubernetes, certificate-authority: /etc/sluice/pki/ca.crt}}]
users: [{name: u, user: {client-certificate: /etc/sluice/pki/${user}.crt, client-key: /etc/sluice/pki/${user}.key}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
`;
}

const WEBHOOK = `apiVersion: v1
kind: Config
current-context: default
contexts: [{ name: default, context: { cluster: default, user: default } }]
clusters: [{ name: default, cluster: { server: 'http://\${INSTANCE_ADDRESS}:8444/' } }]
users: [{ name: default }]
`;

/** @param login people log in by the function sluice-token-review */
export function controlPlaneDocument(
  cluster: string,
  api: string,
  etcd: string,
  version: string,
  login = false,
): { text: string; sha256: string } {
  const pki = '/etc/sluice/pki';
  const shared = (name: string): string[] =>
    ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((flag) => `--${flag}=/etc/kubernetes/${name}.kubeconfig`);
  return ignitionDocument(
    {
      '/etc/sluice/identity.json': identityFile(cluster, 'control-plane'),
      '/etc/sluice/binaries.json': JSON.stringify(
        ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => ({ name, version })),
      ),
      '/etc/kubernetes/controller-manager.kubeconfig': kubeconfig(api, 'controller-manager'),
      '/etc/kubernetes/scheduler.kubeconfig': kubeconfig(api, 'scheduler'),
      ...(login
        ? {
            '/etc/sluice/login.json': JSON.stringify({ cluster, function: 'sluice-token-review' }),
            '/etc/kubernetes/authentication-webhook.yaml': WEBHOOK,
            '/etc/sluice/expand.json': JSON.stringify(['/etc/kubernetes/authentication-webhook.yaml']),
          }
        : {}),
    },
    {
      ...BOOT_UNITS,
      ...(login
        ? { 'sluice-login.service': service(['/usr/bin/systemd-socket-activate --listen=${INSTANCE_ADDRESS}:8444 /opt/sluice/login']) }
        : {}),
      'kube-apiserver.service': service([
        '/opt/bin/kube-apiserver',
        '--bind-address=${INSTANCE_ADDRESS} --advertise-address=${INSTANCE_ADDRESS} --endpoint-reconciler-type=none --secure-port=6443',
        `--etcd-servers=https://${etcd}:2379 --etcd-cafile=${pki}/etcd-ca.crt --etcd-certfile=${pki}/etcd-client.crt --etcd-keyfile=${pki}/etcd-client.key`,
        `--tls-cert-file=${pki}/apiserver.crt --tls-private-key-file=${pki}/apiserver.key --client-ca-file=${pki}/ca.crt`,
        `--service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file=${pki}/sa.pub --service-account-signing-key-file=${pki}/sa.key`,
        '--service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true',
        ...(login
          ? [
              '--authentication-token-webhook-config-file=/etc/kubernetes/authentication-webhook.yaml --authentication-token-webhook-version=v1',
            ]
          : []),
      ]),
      'kube-controller-manager.service': service([
        '/opt/bin/kube-controller-manager',
        '--bind-address=${INSTANCE_ADDRESS} --use-service-account-credentials=true --leader-elect=false --node-monitor-grace-period=20s',
        `--service-account-private-key-file=${pki}/sa.key --root-ca-file=${pki}/ca.crt`,
        ...shared('controller-manager'),
      ]),
      'kube-scheduler.service': service([
        '/opt/bin/kube-scheduler',
        '--bind-address=${INSTANCE_ADDRESS} --leader-elect=false',
        ...shared('scheduler'),
      ]),
    },
  );
}

/** @param renewSeconds between two certificates of a node */
export function nodeDocument(cluster: string, version: string, renewSeconds = 10_800): { text: string; sha256: string } {
  return ignitionDocument(
    {
      '/etc/sluice/join.json': JSON.stringify({ cluster, function: 'sluice-join', directory: '/etc/sluice/pki' }),
      '/etc/sluice/binaries.json': JSON.stringify([{ name: 'kubelet', version }]),
    },
    {
      ...BOOT_UNITS,
      'sluice-renew.timer': `[Timer]\nOnUnitInactiveSec=${renewSeconds}s\n`,
      'kubelet.service': service(['/opt/bin/kubelet', '--config=/etc/kubernetes/kubelet.yaml']),
    },
  );
}

const EC2_TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/** A stack of one launch template and one group; zone names as the region's. */
export function groupTemplate(cluster: string, role: string, size: { min: number; max: number; zones: readonly string[] }): string {
  const tags = [
    { Key: 'sluice:cluster', Value: cluster, PropagateAtLaunch: true },
    { Key: 'sluice:role', Value: role, PropagateAtLaunch: true },
  ];
  return JSON.stringify({
    Parameters: {
      ApiAddress: { Type: 'String', Default: '' },
      Network: { Type: 'String', Default: '' },
      Bucket: { Type: 'String' },
      IgnitionHash: { Type: 'String' },
    },
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: EC2_TRUST } },
      Profile: { Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [{ Ref: 'Role' }] } },
      Template: {
        Type: 'AWS::EC2::LaunchTemplate',
        Properties: {
          LaunchTemplateData: {
            InstanceType: 'm7i.large',
            IamInstanceProfile: { Arn: { 'Fn::GetAtt': ['Profile', 'Arn'] } },
            UserData: {
              'Fn::Base64': {
                'Fn::Sub':
                  '{"ignition":{"version":"3.4.0","config":{"replace":{"source":"s3://${Bucket}/ignition/${IgnitionHash}.json","verification":{"hash":"sha256-${IgnitionHash}"}}}}}',
              },
            },
          },
        },
      },
      Group: {
        Type: 'AWS::AutoScaling::AutoScalingGroup',
        Properties: {
          MinSize: String(size.min),
          MaxSize: String(size.max),
          AvailabilityZones: size.zones,
          LaunchTemplate: { LaunchTemplateId: { Ref: 'Template' }, Version: { 'Fn::GetAtt': ['Template', 'LatestVersionNumber'] } },
          Tags: tags,
        },
      },
    },
    Outputs: { GroupName: { Value: { Ref: 'Group' } } },
  });
}
