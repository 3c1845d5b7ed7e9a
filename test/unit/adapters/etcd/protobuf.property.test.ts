import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#adapters/etcd/protobuf.ts';

const NUMBER = fc.integer({ min: 1, max: 2 ** 29 - 1 });
const FIELD = fc.tuple(NUMBER, fc.oneof(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), fc.uint8Array({ minLength: 1, maxLength: 300 })));

describe('protobuf', () => {
  it('reads what it has written', () => {
    fc.assert(
      fc.property(fc.array(FIELD, { maxLength: 20 }), (fields) => {
        const read = [...decode(encode(fields))];

        expect(read).toEqual(
          fields.map(([number, value]) => (value instanceof Uint8Array ? { number, bytes: value } : { number, varint: value })),
        );
      }),
    );
  });

  it('reads any bytes to their end or throws a RangeError, never more than there is', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          for (const field of decode(bytes)) if ('bytes' in field) expect(field.bytes.length).toBeLessThan(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          refused += 1;
        }
      }),
    );
    expect(refused).toBeGreaterThan(0);
  });

  it('refuses a message that is cut inside a field', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (value, cut) => {
        const whole = encode([[1, value]]);
        const part = whole.subarray(0, 1 + (cut % (whole.length - 1)));

        expect(() => [...decode(part)]).toThrow(RangeError);
      }),
    );
  });

  it('skips fields of fixed length and leaves zero values out', () => {
    const fixed = Uint8Array.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4, 0x18, 5]);

    const fields = [...decode(fixed)];
    const nothing = encode([
      [1, 0],
      [2, ''],
      [3, false],
    ]);

    expect(fields).toEqual([{ number: 3, varint: 5n }]);
    expect(nothing).toHaveLength(0);
  });

  it('refuses negative numbers, groups and varints without end', () => {
    expect(() => encode([[1, -1]])).toThrow(RangeError);
    expect(() => [...decode(Uint8Array.from([0x0b]))]).toThrow(RangeError);
    expect(() => [...decode(new Uint8Array(11).fill(0xff))]).toThrow(RangeError);
  });
});
