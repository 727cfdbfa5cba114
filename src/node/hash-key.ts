// Hashes as keys of this node's maps: one character a byte, an eighth of the cost of hexadecimal and half its memory.
// Never shown, stored or sent: people and peers get toHex.

export function hashKey(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString("latin1");
}
