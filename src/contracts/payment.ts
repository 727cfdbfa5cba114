// Moves fen from one account to another, at once: later statements see the balances. The sum over all accounts never changes.
// Which accounts a contract may debit is decided before, in accounts.ts.

import type { StateOverlay } from "../ledger/types.ts";
import { charge, type Frame } from "./frame.ts";
import { GAS, writeUnits } from "./gas.ts";
import { type Refusal, refused } from "./refusal.ts";
import { OUTSIDE_PREFIX } from "./system.ts";
import { MONEY } from "./system-layouts.ts";

export interface Payment {
  readonly from: string;
  readonly to: string;
  /** fen, not negative */
  readonly amount: number;
  readonly ruleId: string;
}

type Balances = Pick<StateOverlay, "get" | "put">;

/** @throws OutOfGas, LimitReached */
export function payMoney(frame: Frame, overlay: Balances, payment: Payment): Refusal | undefined {
  const { from, to, amount, ruleId } = payment;
  charge(frame, GAS.read + GAS.read);
  const [fromKey, toKey] = [MONEY.stateKey([from]), MONEY.stateKey([to])];
  const [fromFen, toFen] = [balance(overlay, from, fromKey), balance(overlay, to, toKey)];
  if (fromFen < amount && !from.startsWith(OUTSIDE_PREFIX))
    return refused(`${ruleId}.balance`, [
      ["from", from],
      ["balance", fromFen],
      ["amount", amount],
    ]);
  if (amount === 0 || from === to) return undefined;
  const [less, more] = [fromFen - amount, toFen + amount];
  if (!Number.isSafeInteger(less) || !Number.isSafeInteger(more))
    return refused(`${ruleId}.range`, [
      ["from", from],
      ["to", to],
      ["amount", amount],
    ]);
  charge(frame, GAS.write + GAS.write);
  put(frame, overlay, { key: fromKey, value: MONEY.encode([from, less]) });
  put(frame, overlay, { key: toKey, value: MONEY.encode([to, more]) });
  return undefined;
}

function put(frame: Frame, overlay: Balances, { key, value }: Record<"key" | "value", Uint8Array>): void {
  charge(frame, writeUnits(value.length));
  overlay.put(key, value);
}

function balance(overlay: Balances, account: string, key: Uint8Array): number {
  const entry = overlay.get(key);
  const fen = entry === undefined ? 0 : MONEY.decode([account], entry.value)[1];
  return typeof fen === "number" ? fen : 0;
}
