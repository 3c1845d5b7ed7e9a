import { verify } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Signer } from '#ports/signer.ts';

/** The behaviour that every implementation of port Signer has. */
export function signerContract(make: () => Signer): void {
  const fits = (text: string, value: string, key: string): boolean =>
    verify('sha256', Buffer.from(text), { key, dsaEncoding: 'der' }, Buffer.from(value, 'base64'));

  it.each([
    ['short', 'a text'],
    ['with what is no ASCII', 'é 日本 🙂'],
    ['longer than KMS takes', 'x'.repeat(100_000)],
  ])('signs a text that is %s so that the public key alone checks it', async (_, text) => {
    const signer = make();

    const [value, { pem }] = [await signer.sign(text), await signer.publicKey()];

    expect(fits(text, value, pem)).toBe(true);
    expect(fits(`${text} `, value, pem)).toBe(false);
  });

  it('has one key, which has a name', async () => {
    const signer = make();

    const first = await signer.publicKey();

    expect(first.key).not.toBe('');
    expect(first.pem).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect(await signer.publicKey()).toEqual(first);
  });
}
