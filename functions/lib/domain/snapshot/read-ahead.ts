import type { RandomAccess } from '../../ports/random-access.ts';

/** Read at once where neighbours are asked for one after the other, as pages are that were written in one go. */
const BLOCK_BYTES = 64 * 1024;
/** The branches above a leaf may lie elsewhere: a few blocks are kept, the one that was read first goes first. */
const BLOCKS = 8;
/** A block pays when a quarter of it was asked for: a call costs as much as copying some 16 KiB. */
const PAYS_BYTES = BLOCK_BYTES / 4;
/** Blocks that may disappoint before single reads are made again. */
const MAX_CREDIT = 8;
/** Of the single reads, each such one is tried with a block: a file may be scattered here and in order there. */
const TRY_EVERY = 64;

interface Block {
  readonly bytes: Uint8Array;
  /** Of the file, in blocks; -1 before it is used. */
  number: number;
  asked: number;
}

/**
 * The same file with fewer and larger reads, as long as they pay: a database of millions of pages of 4 KiB would spend
 * its time in calls, and one whose pages lie scattered would be read many times over if each call took a block.
 * Memory: `BLOCKS` x `BLOCK_BYTES`.
 */
export function readAhead(file: RandomAccess): RandomAccess {
  const blocks: Block[] = Array.from({ length: BLOCKS }, () => ({ bytes: new Uint8Array(BLOCK_BYTES), number: -1, asked: 0 }));
  let credit = MAX_CREDIT;
  let turn = 0;
  let single = 0;
  const load = (number: number): Block | undefined => {
    const block = blocks[turn];
    if (block === undefined) return undefined;
    turn = (turn + 1) % BLOCKS;
    if (block.number !== -1) credit = Math.max(0, Math.min(MAX_CREDIT, credit + (block.asked >= PAYS_BYTES ? 1 : -1)));
    // Should reading fail, the block holds nothing.
    block.number = -1;
    block.asked = 0;
    file.read(number * BLOCK_BYTES, block.bytes);
    block.number = number;
    return block;
  };
  const worthIt = (): boolean => {
    if (credit > 0) return true;
    single += 1;
    return single % TRY_EVERY === 0;
  };
  return {
    bytes: file.bytes,
    read(offset, target) {
      const number = Math.floor(offset / BLOCK_BYTES);
      const start = offset - number * BLOCK_BYTES;
      const whole = start + target.length <= BLOCK_BYTES && (number + 1) * BLOCK_BYTES <= file.bytes;
      let block = whole ? blocks.find((one) => one.number === number) : undefined;
      if (block === undefined && whole && worthIt()) block = load(number);
      if (block === undefined) {
        file.read(offset, target);
        return;
      }
      block.asked += target.length;
      target.set(block.bytes.subarray(start, start + target.length));
    },
  };
}
