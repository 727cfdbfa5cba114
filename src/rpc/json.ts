// Reads JSON of strangers within limits on depth and items, before anything is built from it.
// Never throws, and never recurses over the input.

import { accept, refuse, type Verdict } from "../errors.ts";

export interface JsonLimits {
  readonly depthMax: number;
  readonly itemsMax: number;
}

/** A call of ours is at most 6 deep; 100 transactions and a batch of requests stay far below the items. */
export const JSON_LIMITS: JsonLimits = { depthMax: 16, itemsMax: 20_000 };

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** @returns the parsed JSON, or RPC_JSON_INVALID, RPC_JSON_TOO_DEEP, RPC_JSON_TOO_MANY_ITEMS */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): Verdict<unknown> {
  const measured = measure(bytes, limits);
  if (!measured.ok) return measured;
  try {
    return accept(JSON.parse(TEXT.decode(bytes)));
  } catch {
    return refuse("RPC_JSON_INVALID", "not JSON, or not UTF-8");
  }
}

// Brackets and commas outside strings bound depth and number of items; bytes of UTF-8 above ASCII never look like them.
function measure(bytes: Uint8Array, limits: JsonLimits): Verdict<true> {
  let depth = 0;
  let items = 1;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) index = endOfString(bytes, index + 1);
    else if (byte === 0x5b || byte === 0x7b) depth += 1;
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    else if (byte === COMMA) items += 1;
    if (depth > limits.depthMax) return refuse("RPC_JSON_TOO_DEEP", `deeper than ${limits.depthMax}`);
    if (items > limits.itemsMax) return refuse("RPC_JSON_TOO_MANY_ITEMS", `more than ${limits.itemsMax} items`);
  }
  return accept(true);
}

/** @returns the place of the quote that ends a string, or beyond the bytes: nearly all of a call is one long string */
function endOfString(bytes: Uint8Array, start: number): number {
  let index = start;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}
