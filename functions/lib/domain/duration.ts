import { InputError } from '#model/errors.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of a duration of the settings, for example `90s`, `15m`, `1h`, `7d`. @throws InputError */
export function durationSeconds(duration: string): number {
  const parts = /^(?<count>\d+)(?<unit>[smhd])$/.exec(duration)?.groups;
  const unit = SECONDS[parts?.['unit'] ?? ''];
  if (parts === undefined || unit === undefined) {
    throw new InputError(`"${duration}" is no duration; write a number and s, m, h or d, for example 15m`);
  }
  return Number(parts['count']) * unit;
}

/** A length of time for people, two units at most: `45 s`, `4 min`, `1 h 20 min`, `3 d 2 h`. Under a second is `1 s`. */
export function durationText(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return twoUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** A point in time for people, to the minute: `2026-01-05 08:00 UTC`. */
export function timeText(time: string | Date): string {
  const iso = typeof time === 'string' ? new Date(time).toISOString() : time.toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
