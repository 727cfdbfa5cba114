// Which transactions are committed and could still be repeated: exactly-once rests on this set.
// It holds the ids of every block whose time is within the replay window of the head, and is rebuilt on start.

import { bytesKey, type Hash } from "../ledger/hash.ts";

interface BlockIds {
  /** block time plus the window in force then: after it none of these transactions can be valid any more */
  readonly endMs: number;
  readonly ids: readonly string[];
}

/** In the place of a block that is forgotten, until the list is cut: its ids are the larger part of what a window takes. */
const FORGOTTEN: BlockIds = { endMs: 0, ids: [] };

export class ReplayWindow {
  private readonly committed = new Set<string>();
  private blocks: BlockIds[] = [];
  private firstBlock = 0;

  has(id: Hash): boolean {
    return this.committed.has(bytesKey(id));
  }

  /**
   * Adds a committed block and forgets those whose transactions have all expired.
   * @param block.windowMs replay window in force at the block: a later change by governance shortens no memory
   */
  add(block: { readonly timeMs: number; readonly windowMs: number; readonly ids: readonly Hash[] }): void {
    const ids = block.ids.map(bytesKey);
    for (const id of ids) this.committed.add(id);
    this.blocks.push({ endMs: block.timeMs + block.windowMs, ids });
    for (
      let first = this.blocks[this.firstBlock];
      first !== undefined && first.endMs < block.timeMs;
      first = this.blocks[this.firstBlock]
    ) {
      for (const id of first.ids) this.committed.delete(id);
      this.blocks[this.firstBlock] = FORGOTTEN;
      this.firstBlock += 1;
    }
    if (this.firstBlock > 1024 && this.firstBlock * 2 > this.blocks.length) {
      this.blocks = this.blocks.slice(this.firstBlock);
      this.firstBlock = 0;
    }
  }
}
