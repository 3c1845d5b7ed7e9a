import type { Machine, Selector } from './types.ts';

/** Failures that tests ask for. */
export interface Injection {
  setBootDelay(selector: Selector, seconds: number): void;
  setUnitsWithheld(selector: Selector, withheld: boolean): void;
  /** Seconds after its launch until which a machine's boot is held; 0 when nothing holds it. */
  bootDelay(machine: Readonly<Machine>): number;
  unitsWithheld(machine: Readonly<Machine>): boolean;
}

export function createInjection(): Injection {
  const delays = new Map<string, { selector: Selector; seconds: number }>();
  const withheld = new Map<string, Selector>();
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
    bootDelay: (machine) =>
      Math.max(0, ...[...delays.values()].filter(({ selector }) => matches(selector, machine)).map(({ seconds }) => seconds)),
    unitsWithheld: (machine) => [...withheld.values()].some((selector) => matches(selector, machine)),
  };
}

function matches(selector: Selector, machine: Readonly<Machine>): boolean {
  return (selector.cluster ?? machine.cluster) === machine.cluster && (selector.role ?? machine.role) === machine.role;
}
