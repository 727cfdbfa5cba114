// Waiting on the ledger's clock and for what the ledger does by itself.
// Gives up when what is due does not come: the day never hangs.

import { LedgerError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import type { DayContext } from "./day.ts";

const POLL_MS = 100;
/** wall time that something due may be late before the day gives up */
const LATE_MS_MAX = 60_000;

/** Wall time. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}

/** Until the ledger's clock has come so far. */
export async function untilLedgerTime({ clock, genesis }: Pick<DayContext, "clock" | "genesis">, timeMs: number) {
  for (let leftMs = timeMs - clock.nowMs(); leftMs > 0; leftMs = timeMs - clock.nowMs()) {
    await pause(clock, Math.max(1, Math.floor(leftMs / genesis.timeScale)));
  }
}

/**
 * Asks until there is an answer.
 * @param dueMs ledger time from which on it is late
 * @throws LedgerError `DAY_STALLED` a minute after that
 */
export async function untilFound<T>(
  { clock, genesis }: Pick<DayContext, "clock" | "genesis">,
  { what, dueMs }: { readonly what: string; readonly dueMs: number },
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const lastMs = Math.max(clock.nowMs(), dueMs) + LATE_MS_MAX * genesis.timeScale;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (clock.nowMs() > lastMs) {
      throw new LedgerError(
        "DAY_STALLED",
        { what, waitedMs: LATE_MS_MAX },
        { remedy: "look into the nodes' logs and at consensus_status" },
      );
    }
    await pause(clock, POLL_MS);
  }
}

/** @returns false where it was refused and its time is over: the ledger itself goes on, and so does the day */
export async function unlessLate(
  { clock }: Pick<DayContext, "clock">,
  lateMs: number,
  act: () => Promise<void>,
): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== "DAY_REFUSED" || clock.nowMs() < lateMs) throw error;
    return false;
  }
}
