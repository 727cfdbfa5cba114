// The clocks of a running node: ledger time (possibly scaled in a devnet) and monotonic time for timeouts.
// The only place of the node that reads the machine's clocks.

import { performance } from "node:perf_hooks";
import type { Clock } from "../ports.ts";

/**
 * Ledger time starts at the genesis time and runs `timeScale` times faster than the wall since then.
 * With timeScale 1 it is the wall clock. Every process of a devnet computes the same time from the same genesis.
 */
export function systemClock(genesis: { readonly timeMs: number; readonly timeScale: number }): Clock {
  return {
    nowMs: () => genesis.timeMs + (Date.now() - genesis.timeMs) * genesis.timeScale,
    monotonicMs: () => performance.now(),
    setTimer: (delayMs, run) => {
      if (delayMs === 0) {
        const turn = setImmediate(run);
        return () => clearImmediate(turn);
      }
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
