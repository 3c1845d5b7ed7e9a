/** Tokens of OpenID Connect issuers. */
export interface Tokens {
  /**
   * The claims of a token that the issuer signed for the audience and that is valid now.
   * @throws RefusedError when it is not, TransientError when the issuer's keys can't be got
   */
  verify(token: string, issuer: string, audience: string): Promise<Readonly<Record<string, unknown>>>;
}
