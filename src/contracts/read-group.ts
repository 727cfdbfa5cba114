// Reads all rows of a group of an index for one run, and gives the index rows a store whose every use is paid.
// It refuses a group that is larger than the action allows; it never gives a part of one.

import { invariant } from "../assert.ts";
import type { Value } from "../ledger/codec.ts";
import type { StateOverlay } from "../ledger/types.ts";
import type { CompiledScan } from "./compiled.ts";
import { charge, type Frame, type Row } from "./frame.ts";
import { byteUnits, GAS, writeUnits } from "./gas.ts";
import { type IndexStore, rowsOfGroup } from "./index-rows.ts";
import { type Refusal, refused } from "./refusal.ts";
import type { RowLayout } from "./row-layout.ts";
import { decodeKey } from "./state-keys.ts";

/** Pays before the work: a read and its bytes, a write and its bytes. */
export class PaidStore implements IndexStore {
  private readonly frame: Frame;
  private readonly overlay: Pick<StateOverlay, "get" | "put" | "delete">;

  constructor(frame: Frame, overlay: Pick<StateOverlay, "get" | "put" | "delete">) {
    this.frame = frame;
    this.overlay = overlay;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    charge(this.frame, GAS.read);
    const value = this.overlay.get(key)?.value;
    if (value !== undefined) charge(this.frame, byteUnits(value.length));
    return value;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    charge(this.frame, GAS.write + writeUnits(value.length));
    this.overlay.put(key, value);
  }

  delete(key: Uint8Array): void {
    charge(this.frame, GAS.write);
    this.overlay.delete(key);
  }
}

/** The rows in key order, with the columns that the action sees. */
export function readGroup(
  store: IndexStore,
  read: { readonly layout: RowLayout; readonly scan: CompiledScan; readonly ruleId: string },
  values: readonly Value[],
): { readonly rows: readonly Row[] } | { readonly refusal: Refusal } {
  const { layout, scan, ruleId } = read;
  const keys = rowsOfGroup(store, { table: layout, index: scan.index, values }, scan.max);
  if (typeof keys === "number")
    return {
      refusal: refused(`${ruleId}.max`, [
        ["rows", keys],
        ["max", scan.max],
      ]),
    };
  const rows = keys.map((key) => {
    const parts = decodeKey(key, layout.prefix.length, layout.keyColumns);
    const bytes = store.get(key);
    invariant(parts.ok && bytes !== undefined, "R134: what stands in an index is a row");
    const row = layout.decode(parts.value, bytes);
    return scan.positions === undefined ? row : scan.positions.map((position) => row[position] ?? null);
  });
  return { rows };
}
