// What a human may write of a peer: its id, and the multiaddr by which others reach it. Judges the text, asks nobody.

import { isIPv4, isIPv6 } from "node:net";

const DIALLABLE = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/([1-9][0-9]{0,4})$/;
const LISTENED = /^\/(ip4|ip6)\/([^/]+)\/tcp\/(0|[1-9][0-9]{0,4})$/;
const HOST_NAME = /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?$/i;
const PORT_MAX = 65_535;
/** Of an Ed25519 key: 38 bytes in base58btc. */
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/;

/** What others can dial: found out when it is written, rather than when nobody can reach the node. */
export function isDiallable(address: string): boolean {
  const [, kind, host = "", port] = DIALLABLE.exec(address) ?? [];
  if (kind === undefined || Number(port) > PORT_MAX) return false;
  if (kind === "ip4") return isIPv4(host);
  return kind === "ip6" ? isIPv6(host) : HOST_NAME.test(host);
}

/** An address of this machine and a port, 0 for any: names are for others. */
export function isListened(address: string): boolean {
  const [, kind, host = "", port] = LISTENED.exec(address) ?? [];
  if (kind === undefined || Number(port) > PORT_MAX) return false;
  return kind === "ip4" ? isIPv4(host) : isIPv6(host);
}

export function isPeerId(text: string): boolean {
  return PEER_ID.test(text);
}
