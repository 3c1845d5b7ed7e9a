/**
 * CRC-32C (Castagnoli) of parts that are met in any order: `raw` takes a part alone, `multiply` and `power` put parts
 * together as zlib's crc32_combine does. All values are 32-bit registers in reflected bit order, x^0 is the top bit.
 */

const POLYNOMIAL = 0x82f63b78;
/** Bytes taken at once; each has a table of its own. */
const SLICES = 16;

/** DataViews, for they are read without a question whether a value is there. */
const TABLE = buildTable();

function buildTable(): DataView {
  const table = new DataView(new ArrayBuffer(SLICES * 256 * 4));
  for (let index = 0; index < 256; index += 1) {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL;
    table.setInt32(index * 4, value, true);
  }
  for (let index = 256; index < SLICES * 256; index += 1) {
    const before = table.getInt32((index - 256) * 4, true);
    table.setInt32(index * 4, (before >>> 8) ^ table.getInt32((before & 0xff) * 4, true), true);
  }
  return table;
}

/** The register after the bytes from `start` to `end`, begun at 0 and not inverted. */
export function raw(bytes: DataView, start: number, end: number): number {
  const table = TABLE;
  let crc = 0;
  let place = start;
  for (const last = end - SLICES; place <= last; place += SLICES) {
    const first = crc ^ bytes.getInt32(place, true);
    const second = bytes.getInt32(place + 4, true);
    const third = bytes.getInt32(place + 8, true);
    const fourth = bytes.getInt32(place + 12, true);
    // Those that wait for the register come last: the others are ready by then, and the chain from round to round is short.
    crc =
      table.getInt32(11264 + ((second << 2) & 0x3fc), true) ^
      table.getInt32(10240 + ((second >>> 6) & 0x3fc), true) ^
      table.getInt32(9216 + ((second >>> 14) & 0x3fc), true) ^
      table.getInt32(8192 + ((second >>> 22) & 0x3fc), true) ^
      table.getInt32(7168 + ((third << 2) & 0x3fc), true) ^
      table.getInt32(6144 + ((third >>> 6) & 0x3fc), true) ^
      table.getInt32(5120 + ((third >>> 14) & 0x3fc), true) ^
      table.getInt32(4096 + ((third >>> 22) & 0x3fc), true) ^
      table.getInt32(3072 + ((fourth << 2) & 0x3fc), true) ^
      table.getInt32(2048 + ((fourth >>> 6) & 0x3fc), true) ^
      table.getInt32(1024 + ((fourth >>> 14) & 0x3fc), true) ^
      table.getInt32((fourth >>> 22) & 0x3fc, true) ^
      table.getInt32(15360 + ((first << 2) & 0x3fc), true) ^
      table.getInt32(14336 + ((first >>> 6) & 0x3fc), true) ^
      table.getInt32(13312 + ((first >>> 14) & 0x3fc), true) ^
      table.getInt32(12288 + ((first >>> 22) & 0x3fc), true);
  }
  for (; place < end; place += 1) crc = (crc >>> 8) ^ table.getInt32(((crc ^ bytes.getUint8(place)) & 0xff) * 4, true);
  return crc >>> 0;
}

/** Product of two registers as polynomials modulo the CRC's. */
export function multiply(left: number, right: number): number {
  let product = 0;
  let factor = right | 0;
  for (let bits = left | 0; bits !== 0; bits <<= 1) {
    product ^= factor & (bits >> 31);
    factor = (factor >>> 1) ^ (POLYNOMIAL & -(factor & 1));
  }
  return product >>> 0;
}

/** x^0. */
const ONE = 0x8000_0000;
/** x^8, x^16, x^32 and so on: each the square of the one before. */
const SQUARES = Array.from({ length: 40 }, (_, index) => {
  let square = ONE >>> 8;
  for (let times = 0; times < index; times += 1) square = multiply(square, square);
  return square;
});

/** x^(8 n): multiplied with a register, it stands as if n bytes of 0 had followed. */
export function power(bytes: number): number {
  let product = ONE;
  let rest = bytes;
  for (const square of SQUARES) {
    if (rest % 2 === 1) product = multiply(product, square);
    rest = Math.floor(rest / 2);
    if (rest === 0) break;
  }
  return product;
}

/** The CRC of a whole message from the register of its bytes begun at 0. @param length of the message in bytes */
export function finish(register: number, length: number): number {
  return (multiply(power(length), 0xffff_ffff) ^ register ^ 0xffff_ffff) >>> 0;
}
