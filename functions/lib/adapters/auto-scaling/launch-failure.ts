import { type Activity, type AutoScalingClient, DescribeScalingActivitiesCommand } from '@aws-sdk/client-auto-scaling';
import type { Instances } from '#ports/instances.ts';

/** The newest come first; terminations lie between launches. */
const LOOKED_AT = 20;
/** How AWS begins the description of a launch (https://docs.aws.amazon.com/autoscaling/ec2/userguide/CHAP_Troubleshooting.html). */
const LAUNCH = 'Launching';

/** Why the newest launch failed, by the group's scaling activities. That it can't be had stops nobody: it is only told. */
export function createLaunchFailure(client: AutoScalingClient): Instances['launchFailure'] {
  return async (group) => {
    const command = new DescribeScalingActivitiesCommand({ AutoScalingGroupName: group, MaxRecords: LOOKED_AT });
    const answer = await client.send(command).catch(() => undefined);
    const newest = answer?.Activities?.find((activity) => activity.Description?.startsWith(LAUNCH) === true && isOver(activity));
    if (newest?.StatusCode !== 'Failed') return undefined;
    const at = newest.EndTime ?? newest.StartTime;
    return at === undefined ? undefined : { message: newest.StatusMessage ?? newest.Description ?? '', at };
  };
}

function isOver({ StatusCode: code }: Activity): boolean {
  return code === 'Failed' || code === 'Successful';
}
