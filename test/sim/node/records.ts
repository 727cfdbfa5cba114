// The vote record's disk of one simulated machine.

import { emptyVoteRecord, encodeVoteRecord } from "../../../src/consensus/vote-record.ts";
import type { VoteRecordStore } from "../../../src/ports.ts";
import type { DiskPace } from "./disk.ts";
import type { Life } from "./life.ts";

export class RecordDisk {
  isFull = false;
  private bytes: Uint8Array;

  constructor(identity: { readonly chainId: Uint8Array; readonly publicKey: Uint8Array }) {
    this.bytes = encodeVoteRecord(emptyVoteRecord(identity));
  }

  async open(life: Life, pace: DiskPace): Promise<VoteRecordStore> {
    return {
      load: async () => ({ kind: "found", bytes: this.bytes.slice() }),
      save: (bytes) => {
        const copy = bytes.slice();
        return life.answer(pace.syncMs(), () => {
          this.bytes = copy;
        });
      },
      close: async () => undefined,
    };
  }

  losePower(_below: (count: number) => number): void {}

  /** What would be found now. */
  current(): Uint8Array {
    return this.bytes;
  }
}
