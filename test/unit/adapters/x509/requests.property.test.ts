import { createPublicKey, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestedKey } from '#adapters/x509/requests.ts';
import { InputError } from '#model/errors.ts';
import { certificateRequest } from '../../../../local/machine-room/join.ts';

function pem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
}

function derOf(text: string): Buffer {
  return Buffer.from(text.replace(/-----.*-----|\n/g, ''), 'base64');
}

/** The key, or the error of ours that says why there is none; any other error is the test's failure. */
function outcome(der: Uint8Array): KeyObject | InputError {
  try {
    return requestedKey(pem(der));
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

describe('a certificate request', () => {
  it('gives its key', () => {
    const { csr, key } = certificateRequest('somebody');

    expect(requestedKey(csr).equals(createPublicKey(key))).toBe(true);
  });

  it('gives no other key when any byte of it is another', () => {
    const { csr, key } = certificateRequest('somebody');
    const der = derOf(csr);
    const change = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }));

    fc.assert(
      fc.property(change, ([at, by]) => {
        const bytes = Buffer.from(der);
        bytes[at] = (bytes[at] ?? 0) ^ by;

        const read = outcome(bytes);

        // Tags that nobody looks at may differ; what is signed may not.
        expect(read instanceof InputError || read.equals(createPublicKey(key))).toBe(true);
      }),
    );
  });

  it('is refused when it ends early or is something else', () => {
    const der = derOf(certificateRequest('somebody').csr);
    const early = fc.nat(der.length - 1).map((length) => der.subarray(0, length));

    fc.assert(
      fc.property(fc.oneof(early, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        expect(outcome(bytes)).toBeInstanceOf(InputError);
      }),
    );
  });

  it('is refused at once when it says that it is longer than all memory', () => {
    const endless = Buffer.from([0x30, 0x86, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x30, 0x00]);

    expect(outcome(endless)).toBeInstanceOf(InputError);
  });
});
