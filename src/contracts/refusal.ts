// Why an action did not happen: status, rule and the values that were compared. Becomes the receipt; sentences are rendered later.

import { utf8Length, type Value } from "../ledger/codec.ts";
import type { ReceiptStatus } from "../ledger/types.ts";
import type { ExpressionError } from "./outcome.ts";

export type RefusalValues = readonly (readonly [name: string, value: Value])[];

export interface Refusal {
  readonly status: Exclude<ReceiptStatus, "ok">;
  readonly ruleId: string;
  readonly values: RefusalValues;
}

/** Values that a receipt carries at most, and the size of each: receipts are kept for ever. */
export const REFUSAL_VALUES_MAX = 24;
const VALUE_BYTES_MAX = 512;

export function refused(ruleId: string, values: RefusalValues): Refusal {
  return {
    status: "refused",
    ruleId,
    values: values.filter(([, value]) => isSmall(value)).slice(0, REFUSAL_VALUES_MAX),
  };
}

/** An expression gave an error value where a value was needed. */
export function failed(ruleId: string, error: ExpressionError, values: RefusalValues = []): Refusal {
  return { ...refused(ruleId, [["error", error.code], ...values]), status: "failed" };
}

function isSmall(value: Value): boolean {
  if (typeof value === "string") return value.isWellFormed() && utf8Length(value) <= VALUE_BYTES_MAX;
  if (value instanceof Uint8Array) return value.length <= VALUE_BYTES_MAX;
  return !Array.isArray(value) || (value.length <= 16 && value.every((item) => !Array.isArray(item) && isSmall(item)));
}
