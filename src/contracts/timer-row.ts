// The keys of timers' rows: of which contract a timer is, and how it is called there.

import { invariant } from "../assert.ts";
import { decodeKey } from "./state-keys.ts";
import { TIMERS } from "./system-layouts.ts";

export function timerOf(key: Uint8Array): { readonly contract: string; readonly key: string } {
  const decoded = decodeKey(key, TIMERS.prefix.length, TIMERS.keyColumns);
  const [contract, name] = decoded.ok ? decoded.value : [];
  invariant(typeof contract === "string" && typeof name === "string", "R10: a timer's key names contract and timer");
  return { contract, key: name };
}
