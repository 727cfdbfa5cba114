// The rule of ledger/state-proof.ts written down once more, as naively as possible, to compare the tree with.

import { createHash } from "node:crypto";
import { toHex } from "../../../src/ledger/hash.ts";
import type { StateLeaf } from "../../../src/ledger/state-proof.ts";

const BITS = 16;

export class ModelTree {
  readonly #leaves = new Map<string, { readonly key: Uint8Array } & StateLeaf>();

  get size(): number {
    return this.#leaves.size;
  }

  apply(changes: readonly { readonly key: Uint8Array; readonly leaf: StateLeaf | undefined }[]): void {
    for (const { key, leaf } of changes) {
      if (leaf === undefined) this.#leaves.delete(toHex(key));
      else this.#leaves.set(toHex(key), { key, ...leaf });
    }
  }

  leaves(): readonly ({ readonly key: Uint8Array } & StateLeaf)[] {
    return [...this.#leaves.values()];
  }

  root(): Uint8Array {
    const placed = this.leaves().map((leaf) => {
      const keyHash = sha(Buffer.concat([Buffer.from("linli:STATE:1\0"), leaf.key]));
      const mark = Buffer.alloc(32);
      mark.write("linli:LEAF:1\0");
      mark.writeBigUInt64BE(BigInt(leaf.lastHeight), 24);
      const hash = sha(Buffer.concat([sha(Buffer.concat([keyHash, leaf.valueHash])), mark]));
      return { bits: [...keyHash].map((byte) => byte.toString(2).padStart(8, "0")).join(""), hash };
    });
    return new Uint8Array(nodeHash(placed, 0));
  }
}

function nodeHash(leaves: readonly { readonly bits: string; readonly hash: Buffer }[], depth: number): Buffer {
  if (leaves.length === 0) return emptyHash(depth);
  if (depth >= BITS && leaves.length === 1 && leaves[0] !== undefined) return leaves[0].hash;
  const left = leaves.filter(({ bits }) => bits[depth] === "0");
  const right = leaves.filter(({ bits }) => bits[depth] === "1");
  return sha(Buffer.concat([nodeHash(left, depth + 1), nodeHash(right, depth + 1)]));
}

const EMPTY: Buffer[] = [Buffer.alloc(32)];
while (EMPTY.length <= BITS) {
  const below = EMPTY[EMPTY.length - 1] ?? Buffer.alloc(32);
  EMPTY.push(sha(Buffer.concat([below, below])));
}

function emptyHash(depth: number): Buffer {
  return EMPTY[Math.max(0, BITS - depth)] ?? Buffer.alloc(32);
}

function sha(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
