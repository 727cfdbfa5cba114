// One proved row: which key it is asked by, and what the node shows of it beside the proof.

import { LedgerError } from "../errors.ts";
import { decode, type Value } from "../ledger/codec.ts";
import type { ProvenState } from "../ledger/proofs.ts";
import { type ValueJson, valueToJson } from "../ledger/value-json.ts";
import type { Fields } from "./fields.ts";

export interface ProvedRow {
  /** values of the fields, in the order of the table's declaration: read from the proved bytes */
  readonly values: readonly Value[];
  /** the same by name; the names are the node's word, the values are not */
  readonly fields: Readonly<Record<string, ValueJson>>;
  /** height of the block that wrote it */
  readonly lastHeight: number;
}

/** @throws LedgerError `PROOF_REFUSED`: what the node shows is not what it proved */
export function readRow(answer: Fields, { value, lastHeight }: ProvenState): ProvedRow | undefined {
  const shown = answer.raw("row") ?? undefined;
  if (value === undefined || lastHeight === undefined) {
    if (shown !== undefined) throw proofRefused("PROOF_ROW_ABSENT");
    return undefined;
  }
  const values = decode(value);
  if (!values.ok || !Array.isArray(values.value)) throw proofRefused("PROOF_ROW_SHAPE");
  // The node names the fields; what it says stands in them must be what is proved. Fields that an upgrade added since
  // have no bytes yet and are left out.
  const named = Object.entries(answer.object("row").object("fields").json).slice(0, values.value.length);
  const proved = values.value.map(valueToJson);
  const isSame = isShown(
    named.map(([, field]) => field),
    proved,
  );
  if (!isSame) throw proofRefused("PROOF_ROW_RENDERING");
  const fields = Object.fromEntries(named.map(([name], index) => [name, proved[index] ?? null]));
  return { values: values.value, fields, lastHeight };
}

/** Whether what a node shows is exactly this value. It goes no deeper than the proved one does, whatever the node nests. */
function isShown(shown: unknown, proved: unknown): boolean {
  if (typeof proved !== "object" || proved === null) return shown === proved;
  if (typeof shown !== "object" || shown === null || Array.isArray(shown) !== Array.isArray(proved)) return false;
  const items = Object.entries(proved);
  const shownItems = new Map(Object.entries(shown));
  return items.length === shownItems.size && items.every(([name, item]) => isShown(shownItems.get(name), item));
}

/**
 * Names and texts in a state key end with a NUL: one that holds any would name another row. So would a number that is not whole or has
 * more than 64 bits, half a character, and what a key has no form for.
 */
export function refuseNoKey(parts: readonly Value[]): void {
  if (!parts.every(isKeyPart)) throw new LedgerError("KEY_INVALID", { reason: "text with NUL, or no part of a key" });
}

function isKeyPart(part: Value): boolean {
  if (typeof part === "string") return part.isWellFormed() && !part.includes("\0");
  if (typeof part === "number") return Number.isSafeInteger(part);
  if (typeof part === "bigint") return BigInt.asIntN(64, part) === part;
  return typeof part === "boolean" || part instanceof Uint8Array;
}

export function proofRefused(reason: string): LedgerError {
  return new LedgerError(
    "PROOF_REFUSED",
    { reason },
    { remedy: "do not trust this node's answer; ask another node, and tell both operators" },
  );
}
