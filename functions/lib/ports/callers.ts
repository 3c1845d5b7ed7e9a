/** Headers of a request `GetCallerIdentity` as somebody signed it; `bound` are those that the signature covers besides AWS' own. */
export interface SignedRequest {
  readonly authorization: string;
  readonly date: string;
  readonly token: string;
  readonly bound: Readonly<Record<string, string>>;
}

export interface Caller {
  readonly account: string;
  /** Of a role's session: `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
  readonly arn: string;
}

/** STS, asked with a request that somebody else has signed. */
export interface Callers {
  /** Who signed the request. @throws RefusedError when the signature is not valid (any more), TransientError */
  identify(request: SignedRequest): Promise<Caller>;
}
