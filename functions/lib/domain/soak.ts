/** How far a soak is: `healthySeconds` counted so far, `lastSeen` the time of the last look. */
export interface SoakState {
  readonly healthySeconds: number;
  readonly lastSeen: string;
  readonly wasHealthy: boolean;
}

/** Longest time between two looks at a soak: 5 min, for one of days up to half an hour, so that its history stays small. */
export function longestLookSeconds(soakSeconds: number): number {
  return Math.min(1800, Math.max(300, Math.ceil(soakSeconds / 200)));
}

/**
 * One look at a soak. The clock runs only while healthy: time counts from a healthy look to the next healthy look, and
 * never over a gap of more than two looks, since nobody knows what was in between. Repeating a look at the same time changes
 * nothing.
 */
export function soakLook(known: SoakState | undefined, healthy: boolean, now: Date, soakSeconds: number): SoakState {
  const lastSeen = now.toISOString();
  if (known === undefined) return { healthySeconds: 0, lastSeen, wasHealthy: healthy };
  const passed = Math.max(0, (now.getTime() - Date.parse(known.lastSeen)) / 1000);
  const counts = healthy && known.wasHealthy && passed <= 2 * longestLookSeconds(soakSeconds);
  return {
    healthySeconds: known.healthySeconds + (counts ? passed : 0),
    lastSeen: passed === 0 ? known.lastSeen : lastSeen,
    // Two looks at one time count as healthy only if both were.
    wasHealthy: passed === 0 ? healthy && known.wasHealthy : healthy,
  };
}

/**
 * Seconds until the next look: at the soak's end when that is within a minute, else a tenth of what is left, at most as
 * long as two looks may be apart. So the soaks of 30 days of a rollout stay below 25,000 history events.
 */
export function soakWaitSeconds(state: SoakState, soakSeconds: number): number {
  const left = Math.max(1, Math.ceil(soakSeconds - state.healthySeconds));
  return left <= 60 ? left : Math.min(longestLookSeconds(soakSeconds), Math.max(60, Math.ceil(left / 10)));
}
