// A node's identity among its peers, made from a seed of its own: not the key that votes.
// Genesis and the membership on chain bind the two; nothing here does.

import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { LedgerError } from "../errors.ts";
import type { PeerId } from "../ports.ts";

const SEED_BYTES = 32;

type PrivateKey = Parameters<typeof peerIdFromPrivateKey>[0];

/** @throws LedgerError PEER_SEED_INVALID when the seed is not 32 bytes */
export async function peerIdOf(identitySeed: Uint8Array): Promise<PeerId> {
  return peerIdFromPrivateKey(await privateKeyOf(identitySeed)).toString();
}

/** Ed25519. @throws LedgerError PEER_SEED_INVALID */
export async function privateKeyOf(identitySeed: Uint8Array): Promise<PrivateKey> {
  if (identitySeed.length !== SEED_BYTES) {
    throw new LedgerError("PEER_SEED_INVALID", { bytes: identitySeed.length, bytesExpected: SEED_BYTES });
  }
  return generateKeyPairFromSeed("Ed25519", identitySeed);
}
