const POWERS_OF_TEN: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const POWERS_OF_TWO: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const QUANTITY = /^([+-]?)(\d{0,30})(?:\.(\d{0,30}))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,2}))?$/;
/** The API server keeps no more than nano; twice that, so that longer fractions stay apart. */
const FRACTION_DIGITS = 40;

/**
 * Whether both are quantities (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/) of the same
 * value, exactly: the API server stores `1000m` and the number 1 as `1`.
 */
export function sameQuantity(left: unknown, right: unknown): boolean {
  const value = exact(left);
  return value !== undefined && value === exact(right);
}

/** As a whole number of 10^-40; undefined when it is no quantity, or one too long to tell. */
function exact(value: unknown): bigint | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const match = QUANTITY.exec(String(value));
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', two, ten = '', exponent] = match;
  const digits = `${whole}${fraction}`;
  if (digits === '') return undefined;
  const power = exponent === undefined ? (POWERS_OF_TEN[ten] ?? 0) : Number(exponent);
  const shift = FRACTION_DIGITS + power - fraction.length;
  if (shift < 0) return undefined;
  const factor = two === undefined ? 1n : 2n ** BigInt(POWERS_OF_TWO[two] ?? 0);
  const size = BigInt(digits) * factor * 10n ** BigInt(shift);
  return sign === '-' ? -size : size;
}
