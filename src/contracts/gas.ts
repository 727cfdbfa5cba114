// The price table: one unit is roughly 5 ns on the machine of docs/gas.md. Part of the language version: a change is a new version.
// Prices are charged before the work they pay for; `npm run bench:gas` measures whether they are right.

import type { Value } from "../ledger/codec.ts";

export const GAS = Object.freeze({
  /** each node of an expression that is evaluated */
  node: 1,
  /** each / and %, beside its node */
  division: 2,
  /** each function, beside its node and what is its own */
  apply: 3,
  /** each round of a macro, beside the nodes of its body */
  iteration: 1,
  /** each part that `split` weighs, and each `mulDiv` */
  wideArithmetic: 30,
  /** between numbers and texts */
  conversion: 4,
  /** from texts to bytes, beside their bytes */
  encode: 30,
  /** sha256 and opens, beside their bytes */
  hash: 100,
  /** calendar functions */
  calendar: 10,
  /** each signer of a transaction: one row of the registry */
  signer: 300,
  /** each call, and each run of a timer */
  call: 150,
  /** a row read by key, beside its bytes */
  read: 250,
  /** a row written or deleted, beside its bytes: encoded, hashed, in the state tree and in the store */
  write: 1000,
  /** each byte of a row written */
  writeByte: 2,
  event: 100,
  /** each statement of `do` and each condition of `require`, `always` and `flow` */
  statement: 5,
  /** each byte of a contract's source that `deploy` parses, checks and compiles */
  sourceByte: 80,
});

/** Worst case of one action that may be deployed, beside the sources that it deploys itself. */
export const ACTION_GAS_MAX = 5_000_000;

/** Bytes of a computed value, roughly: what carrying it costs. At most `sizeMax` of its type. */
export function valueSize(value: Value): number {
  if (typeof value === "string" || value instanceof Uint8Array) return value.length;
  return Array.isArray(value) ? value.reduce((bytes: number, item: Value) => bytes + valueSize(item), 1) : 1;
}

/** Units for work on `bytes` bytes of text: one for each 8 that are read, compared or made. */
export function byteUnits(bytes: number): number {
  return (bytes + 7) >>> 3;
}

/** Units for writing a value of so many bytes, beside the row. */
export function writeUnits(bytes: number): number {
  return bytes * GAS.writeByte;
}
