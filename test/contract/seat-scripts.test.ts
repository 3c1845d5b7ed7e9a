import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingTools, runBootScript, type ScriptRun } from '../support/machine-room/boot-script.ts';

const ADDRESSES = {
  ETCD_ADDRESS_A: '10.1.0.11',
  ETCD_ADDRESS_B: '10.1.16.11',
  ETCD_ADDRESS_C: '10.1.32.11',
  ETCD_ADDRESS_D: '10.1.0.12',
  ETCD_ADDRESS_E: '10.1.16.12',
};
/** Calls of EC2 are noted and answered with nothing; all else is the real program. */
const CURL = `#!/bin/bash
for word in "$@"; do
  case $word in
    *Action=*) action=$word ;;
    https://ec2.*) echo "$action" >> "$(dirname "$0")/calls" && exit 0 ;;
  esac
done
exec "$REAL_CURL" "$@"
`;
const IP = `#!/bin/bash
echo "ip $*" >> "$(dirname "$0")/calls"
echo '169.254.169.254 via 10.1.0.1 dev eth0 src 10.1.0.99'
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-seat-'));
  for (const [name, text] of Object.entries({ curl: CURL, ip: IP })) {
    mkdirSync(join(root, 'programs'), { recursive: true });
    writeFileSync(join(root, 'programs', name), text);
    chmodSync(join(root, 'programs', name), 0o755);
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function run(files: readonly string[], seat: string, zone: string, role: string | null = `etcd-${seat}`): Promise<ScriptRun> {
  return runBootScript(root, files, {
    ...{ id: 'i-1', region: 'eu-central-1', cluster: 'beta-1', awsEndpoint: 'http://127.0.0.1:9' },
    session: { accessKeyId: '111111111111', secretAccessKey: 'local', sessionToken: 'none' },
    variables: ADDRESSES,
    facts: { INSTANCE_ZONE: `eu-central-1${zone}`, INSTANCE_SEAT: seat },
    programs: join(root, 'programs'),
    metadata: {
      'placement/availability-zone': `eu-central-1${zone}`,
      'local-ipv4': '10.1.0.99',
      mac: '02:00',
      'network/interfaces/macs/02:00/interface-id': 'eni-1',
      ...(role === null ? {} : { 'tags/instance/sluice:role': role }),
    },
  });
}

function calls(): string[] {
  return readFileSync(join(root, 'programs/calls'), 'utf8').trim().split('\n');
}

describe.skipIf(missingTools().length > 0)("an etcd instance's own scripts", () => {
  it.each([
    ['a', 'a', '10.1.0.11'],
    ['b', 'b', '10.1.16.11'],
    ['c', 'c', '10.1.32.11'],
    ['d', 'a', '10.1.0.12'],
    ['e', 'b', '10.1.16.12'],
  ])('claim the address of seat %s, in zone %s', async (seat, zone, address) => {
    const { code, errors } = await run(['/opt/sluice/address', '/opt/sluice/aws.sh', '/etc/sluice/address'], seat, zone);

    expect([code, errors]).toEqual([0, '']);
    expect(calls()[0]).toContain(`NetworkInterfaceId=eni-1&PrivateIpAddress.1=${address}`);
    expect(readFileSync(join(root, 'etc/sluice/instance.env'), 'utf8')).toBe(
      `INSTANCE_ADDRESS=${address}\nINSTANCE_ZONE=eu-central-1${zone}\nINSTANCE_SEAT=${seat}\nINSTANCE_ID=i-1\nNODE_NAME=i-1\n`,
    );
  });

  it('claim none while the tag is not to be seen, or names no seat', async () => {
    const files = ['/opt/sluice/address', '/opt/sluice/aws.sh', '/etc/sluice/address'];

    expect((await run(files, 'd', 'a', null)).code).not.toBe(0);
    expect((await run(files, 'd', 'a', 'etcd-x')).code).not.toBe(0);
    expect(() => calls()).toThrow(/ENOENT/);
  });

  it.each([
    ['a', 'a', 'etcd'],
    ['b', 'b', 'etcd'],
    ['d', 'a', 'etcd-d'],
    ['e', 'b', 'etcd-e'],
  ])('look for the volume of seat %s, in zone %s, by the tag %s, and make it so', async (seat, zone, tag) => {
    const { code, errors } = await run(['/opt/sluice/volume', '/opt/sluice/aws.sh', '/etc/sluice/volume.json'], seat, zone);

    expect(code).toBe(1);
    expect(errors).toContain('made the data volume');
    expect(calls()).toEqual([
      expect.stringMatching(new RegExp(`Action=DescribeVolumes&.*Filter.2.Value.1=${tag}&.*Filter.3.Value.1=eu-central-1${zone}$`)),
      expect.stringMatching(new RegExp(`Action=CreateVolume&.*AvailabilityZone=eu-central-1${zone}&.*Tag.2.Value=${tag}$`)),
    ]);
  });
});
