// What a node keeps in memory of the state's rows, because no key leads to it: timers by time, observers.
// Derived and rebuilt from the rows alone: on start, from a snapshot, with every block.

import type { StateWrite } from "../ledger/types.ts";
import { ObserverIndex } from "./observers.ts";
import { newTimerIndex } from "./timer-index.ts";

export class DerivedRows {
  readonly timers = newTimerIndex();
  readonly observers = new ObserverIndex();

  apply(writes: readonly StateWrite[]): void {
    this.timers.apply(writes);
    this.observers.apply(writes);
  }
}
