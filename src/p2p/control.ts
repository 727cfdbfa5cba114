// The few messages of a connection about itself: HELLO, READY, PING, PONG.
// Formats only; who may say what and when is the link's business.

import { unreachable } from "../assert.ts";
import { accept, refuse, type Verdict } from "../errors.ts";

export type ControlMessage =
  | { readonly kind: "hello"; readonly bytes: Uint8Array }
  /** "your frames and your gossip reach me" */
  | { readonly kind: "ready" }
  | { readonly kind: "ping"; readonly beat: number }
  | { readonly kind: "pong"; readonly beat: number };

export const CONTROL_BYTES_MAX = 1_024;

const HELLO = 1;
const READY = 2;
const PING = 3;
const PONG = 4;

/** One byte of kind, then the bytes of HELLO or four bytes of beat. */
export function encodeControl(message: ControlMessage): Uint8Array {
  switch (message.kind) {
    case "hello": {
      const bytes = new Uint8Array(1 + message.bytes.length);
      bytes[0] = HELLO;
      bytes.set(message.bytes, 1);
      return bytes;
    }
    case "ready":
      return Uint8Array.of(READY);
    case "ping":
      return encodeBeat(PING, message.beat);
    case "pong":
      return encodeBeat(PONG, message.beat);
    default:
      return unreachable(message);
  }
}

/** Code: CONTROL_MALFORMED. */
export function decodeControl(bytes: Uint8Array): Verdict<ControlMessage> {
  const kind = bytes[0];
  if (kind === HELLO) return accept({ kind: "hello", bytes: bytes.subarray(1) });
  if (kind === READY && bytes.length === 1) return accept({ kind: "ready" });
  if ((kind === PING || kind === PONG) && bytes.length === 5) {
    const beat = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
    return accept({ kind: kind === PING ? "ping" : "pong", beat });
  }
  return refuse("CONTROL_MALFORMED");
}

function encodeBeat(kind: number, beat: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, beat);
  return bytes;
}
