import type { Layer } from '#domain/backup.ts';
import { macOf, type Proof, proofOf } from '#domain/backup-proof.ts';
import type { SignatureChecker } from '#ports/signer.ts';

/**
 * What a stored manifest proves (`proofOf`), its signature checked by the account's keys: by the public half here, or by KMS where it
 * is a MAC. @throws TransientError, RefusedError when KMS can't be asked: then nothing is known
 */
export async function askProof(text: string, required: readonly Layer[], checker: SignatureChecker): Promise<Proof> {
  const mac = macOf(text);
  if (mac !== undefined) return proofOf(text, required, { macFits: await checker.macFits(mac.text, mac.value) });
  return proofOf(text, required, (await checker.publicKey()).pem);
}
