import { createHash } from 'node:crypto';
import type { Person } from '../git/run.ts';
import type { Settings } from '../options.ts';

/** Who does something: the operator, or the App as its bot user. */
export interface Actor {
  readonly login: string;
  readonly kind: 'User' | 'Bot';
}

export function operatorOf(settings: Settings): Actor {
  return { login: settings.operator.login, kind: 'User' };
}

export function botOf(settings: Settings): Actor {
  return { login: `${settings.app.slug}[bot]`, kind: 'Bot' };
}

/** The name and address under which GitHub commits for someone. */
export function personOf(actor: Actor): Person {
  return { name: actor.login, email: `${stableId(actor.login)}+${actor.login}@users.noreply.github.com` };
}

/** A number that a name always has. */
export function stableId(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) >>> 1;
}
