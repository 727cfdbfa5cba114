// The time of the synthetic year: a file of eight bytes that the year writes and every node process reads as its ledger time.
// Timeouts, patience and round trips stay on the machine's own clock: only what stands in blocks follows the file.
//
// Why not a fast clock: with a year in ten minutes thirty ledger minutes are 35 ms of the wall, less than it takes to commit one
// transaction, and what a check expects would hang on how busy the machine is. Here time stands still while anything is on its
// way, and moves on when all of it has its receipt: a slow machine makes the run longer and never its outcome another one.

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { systemClock } from "../../src/node/clock.ts";
import type { Clock } from "../../src/ports.ts";

export const CLOCK_FILE = "ledger-time";
const BYTES = 8;

/** Sets the time of all nodes of one network. */
export class ClockHand {
  private readonly file: number;
  private timeMs: number;

  constructor(path: string, timeMs: number) {
    this.file = openSync(path, "w");
    this.timeMs = timeMs;
    this.set(timeMs);
  }

  get nowMs(): number {
    return this.timeMs;
  }

  set(timeMs: number): void {
    this.timeMs = timeMs;
    const bytes = new DataView(new ArrayBuffer(BYTES));
    bytes.setFloat64(0, timeMs);
    // One write of eight bytes: no reader sees half of it.
    writeSync(this.file, bytes, 0, BYTES, 0);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** The clock of a node whose ledger time stands in that file. */
export function clockFrom(path: string): Clock {
  const file = openSync(path, "r");
  const bytes = new DataView(new ArrayBuffer(BYTES));
  return {
    ...systemClock({ timeMs: 0, timeScale: 1 }),
    nowMs: () => {
      readSync(file, bytes, 0, BYTES, 0);
      return bytes.getFloat64(0);
    },
  };
}
