// Which transactions are committed and could still be repeated: exactly-once rests on this set.
// It holds the ids of every block whose time is within the replay window of the head, and is rebuilt on start.

import { type Hash, toHex } from "../ledger/hash.ts";

interface BlockIds {
  readonly timeMs: number;
  readonly ids: readonly string[];
}

export class ReplayWindow {
  private readonly committed = new Set<string>();
  private readonly blocks: BlockIds[] = [];
  private firstBlock = 0;
  private readonly windowMs: number;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  has(id: Hash): boolean {
    return this.committed.has(toHex(id));
  }

  /** Adds a committed block; forgets blocks older than the window. A transaction of those can no longer be valid. */
  add(block: { readonly timeMs: number; readonly ids: readonly Hash[] }): void {
    const ids = block.ids.map(toHex);
    for (const id of ids) this.committed.add(id);
    this.blocks.push({ timeMs: block.timeMs, ids });
    while (
      this.firstBlock < this.blocks.length &&
      this.blocks[this.firstBlock]!.timeMs < block.timeMs - this.windowMs
    ) {
      for (const id of this.blocks[this.firstBlock]!.ids) this.committed.delete(id);
      this.firstBlock += 1;
    }
    if (this.firstBlock > 1024 && this.firstBlock * 2 > this.blocks.length) {
      this.blocks.splice(0, this.firstBlock);
      this.firstBlock = 0;
    }
  }
}
