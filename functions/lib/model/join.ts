import * as z from 'zod';
import { ClusterName } from './primitives.ts';

/**
 * What an instance sends to become a node: a request for a certificate (PKCS #10), and the three headers of a request
 * `GetCallerIdentity` to STS that only the instance's role can sign. All else of that request is fixed, so whoever gets
 * hold of it can send nothing else by it.
 */
export const JoinRequest = z.strictObject({
  cluster: ClusterName,
  csr: z.string().startsWith('-----BEGIN CERTIFICATE REQUEST-----').max(4096),
  sts: z.strictObject({
    authorization: z.string().startsWith('AWS4-HMAC-SHA256 ').max(2048),
    /** `X-Amz-Date`, for example `20261127T041500Z`. */
    date: z.string().regex(/^\d{8}T\d{6}Z$/),
    /** `X-Amz-Security-Token`: an instance's role always has one. */
    token: z
      .string()
      .max(8192)
      .regex(/^[\x21-\x7e]+$/),
  }),
});
export type JoinRequest = z.infer<typeof JoinRequest>;

/** Certificate and authorities are PEM; `until` is the certificate's end. */
export const JoinAnswer = z.object({ certificate: z.string(), ca: z.string(), until: z.iso.datetime() });
export type JoinAnswer = z.infer<typeof JoinAnswer>;
