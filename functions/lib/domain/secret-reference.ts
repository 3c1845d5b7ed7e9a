export const SECRET_PREFIX = 'SECRET:';

/** `${SECRET:name}` or `${SECRET:name@version}`: a value in the account's Secrets Manager. */
export interface SecretReference {
  readonly name: string;
  /** Staging label of the version; absent: the current one when it is applied. */
  readonly version?: string;
}

/** The whole text must be one reference, so that nothing of a secret stands beside it. */
const REFERENCE = /^\$\{SECRET:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,62}))?\}$/;

/** undefined when the text is no reference. */
export function parseSecretReference(text: string): SecretReference | undefined {
  const [whole, name, version] = REFERENCE.exec(text) ?? [];
  if (whole === undefined || name === undefined) return undefined;
  return { name, ...(version === undefined ? {} : { version }) };
}

/** `db-password@v3`, or `db-password` of the current version. */
export function formatReference({ name, version }: SecretReference): string {
  return version === undefined ? name : `${name}@${version}`;
}
