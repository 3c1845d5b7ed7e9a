import {
  DescribeVolumesCommand,
  type DescribeVolumesCommandOutput,
  EC2Client,
  type EC2ClientConfig,
  type Volume,
} from '@aws-sdk/client-ec2';
import { ETCD_SEATS, zoneOfSeat } from '#domain/network.ts';
import type { DataVolume, EtcdVolumes } from '#ports/volumes.ts';
import { mapAwsError } from '../aws/errors.ts';

/** Seats whose zone has a member already: their volumes are told apart by the tag's value, `etcd-<seat>`. */
const SECOND_IN_ZONE = ETCD_SEATS.filter((seat) => zoneOfSeat(seat) !== seat);

/** Volumes by EC2 of the function's own account. */
export function createEtcdVolumes(config: EC2ClientConfig = {}): EtcdVolumes {
  const client = new EC2Client(config);
  return async (cluster) => {
    const Filters = [
      { Name: 'tag:sluice:cluster', Values: [cluster] },
      { Name: 'tag:sluice:volume', Values: ['etcd', ...SECOND_IN_ZONE.map((seat) => `etcd-${seat}`)] },
    ];
    const found: DataVolume[] = [];
    let token: string | undefined;
    do {
      const command = new DescribeVolumesCommand({ Filters, ...(token === undefined ? {} : { NextToken: token }) });
      const page: DescribeVolumesCommandOutput = await client.send(command).catch((error: unknown) => {
        throw mapAwsError(error, `list the data volumes of ${cluster}`);
      });
      for (const volume of page.Volumes ?? [])
        found.push({
          id: volume.VolumeId ?? '',
          zone: volume.AvailabilityZone ?? '',
          seat: seatOf(volume),
          createdAt: volume.CreateTime ?? new Date(0),
          instance: volume.Attachments?.find(({ State }) => State === 'attached')?.InstanceId,
        });
      token = page.NextToken;
    } while (token !== undefined && token !== '');
    return found;
  };
}

function seatOf({ Tags, AvailabilityZone = '' }: Volume): string {
  const value = Tags?.find(({ Key }) => Key === 'sluice:volume')?.Value ?? '';
  return SECOND_IN_ZONE.find((seat) => value === `etcd-${seat}`) ?? AvailabilityZone.slice(-1);
}
