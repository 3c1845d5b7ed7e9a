import type { Machine, Selector } from './types.ts';

/** Failures that people and tests ask for and that last until they are taken back. */
export interface Injection {
  setBootDelay(selector: Selector, seconds: number): void;
  setUnitsWithheld(selector: Selector, withheld: boolean): void;
  /** A zone by its letter, of one cluster or of all. */
  setZoneDown(zone: string, cluster: string | undefined, down: boolean): void;
  /** Seconds after its launch until which a machine's boot is held; 0 when nothing holds it. */
  bootDelay(machine: Readonly<Machine>): number;
  unitsWithheld(machine: Readonly<Machine>): boolean;
  /** @param zone name or letter, for example `eu-central-1b` */
  zoneDown(cluster: string, zone: string): boolean;
  /** Zones that are down, in words. */
  zones(): { readonly cluster: string | undefined; readonly zone: string }[];
}

export function createInjection(): Injection {
  const delays = new Map<string, { selector: Selector; seconds: number }>();
  const withheld = new Map<string, Selector>();
  const down = new Map<string, { cluster: string | undefined; zone: string }>();
  const key = (selector: Selector): string => `${selector.cluster ?? ''}/${selector.role ?? ''}`;
  return {
    setBootDelay: (selector, seconds) => {
      if (seconds > 0) delays.set(key(selector), { selector, seconds });
      else delays.delete(key(selector));
    },
    setUnitsWithheld: (selector, on) => {
      if (on) withheld.set(key(selector), selector);
      else withheld.delete(key(selector));
    },
    setZoneDown: (zone, cluster, on) => {
      const letter = letterOf(zone);
      if (on) down.set(`${cluster ?? ''}/${letter}`, { cluster, zone: letter });
      else down.delete(`${cluster ?? ''}/${letter}`);
    },
    bootDelay: (machine) =>
      Math.max(0, ...[...delays.values()].filter(({ selector }) => matches(selector, machine)).map(({ seconds }) => seconds)),
    unitsWithheld: (machine) => [...withheld.values()].some((selector) => matches(selector, machine)),
    zoneDown: (cluster, zone) =>
      [...down.values()].some((entry) => entry.zone === letterOf(zone) && (entry.cluster ?? cluster) === cluster),
    zones: () => [...down.values()],
  };
}

/** Letter of a zone by its name or letter. */
export function letterOf(zone: string): string {
  return zone.slice(-1);
}

function matches(selector: Selector, machine: Readonly<Machine>): boolean {
  return (selector.cluster ?? machine.cluster) === machine.cluster && (selector.role ?? machine.role) === machine.role;
}
