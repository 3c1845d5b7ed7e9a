import { keys } from './names.ts';

/** Where plans are kept, and from where people see them. */
interface PlanPlaces {
  /** Address under which browsers reach the page; undefined when none is set: its own function answers signed requests only. */
  readonly pageUrl: string | undefined;
  readonly bucket: string;
  readonly region: string;
}

/** Where people read a whole plan: on the page where browsers reach it, else in the console of S3. @param hash the plan's */
export function planAddress(hash: string, { pageUrl, bucket, region }: PlanPlaces): string {
  if (pageUrl !== undefined) return `${pageUrl.replace(/\/$/, '')}${planPath(hash)}`;
  return `https://${region}.console.aws.amazon.com/s3/object/${bucket}?region=${region}&prefix=${encodeURIComponent(keys.plan(hash))}`;
}

/** Path of a plan on the page. */
export function planPath(hash: string): string {
  return `/plans/${hash}`;
}

/** Hash of the plan that a path of the page names, or undefined. */
export function planOfPath(path: string): string | undefined {
  return /^\/plans\/([0-9a-f]{64})$/.exec(path)?.[1];
}

/** A plan's text with where the whole of it is, after its first line, where no cut loses it. @param hash the plan's */
export function withAddress(text: string, hash: string, address: string): string {
  const end = text.indexOf('\n');
  const [first, rest] = end < 0 ? [text, '\n'] : [text.slice(0, end), text.slice(end)];
  return `${first}\n\n[The whole plan](${address}), kept as \`${keys.plan(hash)}\`.${rest}`;
}
