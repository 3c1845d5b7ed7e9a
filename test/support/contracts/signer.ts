import { verify } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Signer } from '#ports/signer.ts';

/** The behaviour that every implementation of port Signer has. @param algorithm by which this one signs */
export function signerContract(make: () => Signer, algorithm: 'ECDSA_SHA_256' | 'HMAC_SHA_256' = 'ECDSA_SHA_256'): void {
  const fits = async (signer: Signer, text: string, value: string): Promise<boolean> => {
    if (algorithm === 'HMAC_SHA_256') return signer.macFits(text, value);
    const { pem } = await signer.publicKey();
    return verify('sha256', Buffer.from(text), { key: pem, dsaEncoding: 'der' }, Buffer.from(value, 'base64'));
  };

  it.each([
    ['short', 'a text'],
    ['with what is no ASCII', 'é 日本 🙂'],
    ['longer than KMS takes', 'x'.repeat(100_000)],
  ])('signs a text that is %s so that it can be checked', async (_, text) => {
    const signer = make();

    const value = await signer.sign(text);

    expect(await fits(signer, text, value)).toBe(true);
    expect(await fits(signer, `${text} `, value)).toBe(false);
  });

  it('says how it signs, by a key that has a name', async () => {
    const { algorithm: by, key } = await make().signs();

    expect(by).toBe(algorithm);
    expect(key).not.toBe('');
  });

  it('has one public key, whichever way it signs', async () => {
    const signer = make();

    const first = await signer.publicKey();

    expect(first.key).not.toBe('');
    expect(first.pem).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect(await signer.publicKey()).toEqual(first);
  });

  it('takes nothing for a MAC that is none of its own', async () => {
    const signer = make();

    expect(await signer.macFits('a text', Buffer.alloc(32, 7).toString('base64'))).toBe(false);
  });
}
