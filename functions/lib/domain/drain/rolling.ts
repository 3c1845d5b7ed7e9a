/** What a pool's roll must remember; it is a note at the group, so that it outlives every node. */
export interface Rolling {
  /** The group's desired capacity without what was added for the roll: that is what it ends with. */
  readonly base: number;
  /** How many instances the roll may add. */
  readonly surge: number;
  /** Whether the group balanced its zones by itself before the roll. */
  readonly rebalances: boolean;
  readonly since: Date;
}

export function noteOf({ base, surge, rebalances, since }: Rolling): string {
  return `${base} ${surge} ${rebalances ? 'rebalances' : 'as-it-was'} ${since.toISOString()}`;
}

/** undefined when there is no note, or one of another shape: then the roll begins anew with the size that it finds. */
export function rollingOf(note: string | undefined): Rolling | undefined {
  const match = /^(\d+) (\d+) (rebalances|as-it-was) (\S+)$/.exec(note ?? '');
  if (match === null) return undefined;
  const since = new Date(match[4] ?? '');
  if (Number.isNaN(since.getTime())) return undefined;
  return { base: Number(match[1]), surge: Number(match[2]), rebalances: match[3] === 'rebalances', since };
}
