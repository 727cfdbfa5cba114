// What two nodes tell each other first on every connection, and when they agree to go on.
// Different configuration forks or stalls a ledger, so it ends the connection instead (pitfall 31).

import { accept, refuse, type Verdict } from "../errors.ts";

/** The wire format of frames, gossip and requests. A change that old nodes cannot read raises it. */
export const PEER_PROTOCOL_VERSION = 1;

const HASH_BYTES = 32;
const FIXED_BYTES = 4 + HASH_BYTES + HASH_BYTES;
const SOFTWARE_BYTES_MAX = 64;
const SOFTWARE_PATTERN = /^[\x21-\x7e]*$/;

export interface Hello {
  readonly protocol: number;
  /** 32 bytes */
  readonly chainId: Uint8Array;
  /** 32 bytes: everything of the configuration that consensus depends on */
  readonly configHash: Uint8Array;
  /** name and version of the program, printable ASCII without spaces, at most 64 characters; never decides anything */
  readonly software: string;
}

/** `protocol (4, big endian) chainId (32) configHash (32) software (0..64)` */
export function encodeHello(hello: Hello): Uint8Array {
  const software = new TextEncoder().encode(hello.software);
  const bytes = new Uint8Array(FIXED_BYTES + software.length);
  new DataView(bytes.buffer).setUint32(0, hello.protocol);
  bytes.set(hello.chainId, 4);
  bytes.set(hello.configHash, 4 + HASH_BYTES);
  bytes.set(software, FIXED_BYTES);
  return bytes;
}

export function isHello(hello: Hello): boolean {
  return (
    hello.chainId.length === HASH_BYTES &&
    hello.configHash.length === HASH_BYTES &&
    hello.software.length <= SOFTWARE_BYTES_MAX &&
    SOFTWARE_PATTERN.test(hello.software)
  );
}

/**
 * Whether a peer's HELLO agrees with our own. Both sides come to the same verdict.
 * Codes: HELLO_MALFORMED, HELLO_PROTOCOL_DIFFERS, HELLO_CHAIN_DIFFERS, HELLO_CONFIG_DIFFERS.
 */
export function judgeHello(own: Hello, bytes: Uint8Array): Verdict<{ readonly software: string }> {
  if (bytes.length < 4) return refuse("HELLO_MALFORMED");
  const protocol = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  // Another version may lay out the rest in another way, so nothing after the number is read.
  if (protocol !== own.protocol) return refuse("HELLO_PROTOCOL_DIFFERS", `theirs ${protocol}, ours ${own.protocol}`);
  if (bytes.length < FIXED_BYTES || bytes.length > FIXED_BYTES + SOFTWARE_BYTES_MAX) return refuse("HELLO_MALFORMED");
  const chainId = bytes.subarray(4, 4 + HASH_BYTES);
  if (!sameBytes(chainId, own.chainId)) return refuse("HELLO_CHAIN_DIFFERS", differs(chainId, own.chainId));
  const configHash = bytes.subarray(4 + HASH_BYTES, FIXED_BYTES);
  if (!sameBytes(configHash, own.configHash))
    return refuse("HELLO_CONFIG_DIFFERS", differs(configHash, own.configHash));
  const software = Buffer.from(bytes.subarray(FIXED_BYTES)).toString("latin1");
  if (!SOFTWARE_PATTERN.test(software)) return refuse("HELLO_MALFORMED");
  return accept({ software });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function differs(theirs: Uint8Array, ours: Uint8Array): string {
  return `theirs ${Buffer.from(theirs).toString("hex")}, ours ${Buffer.from(ours).toString("hex")}`;
}
