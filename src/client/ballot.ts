// Sealed ballots of the contract owners-vote: sealing for the key organisations of a motion, and opening with their published keys.
// Runs in browsers. Never keeps a choice: what a voter seals can be opened by more than half of the key organisations together.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { combine, split } from "shamir-secret-sharing";
import { sha256 } from "#sha256";
import { LedgerError } from "../errors.ts";
import { bytesEqual, joinBytes } from "../ledger/hash.ts";

export const CHOICES = ["for", "against", "abstain"] as const;
export type Choice = (typeof CHOICES)[number];

/** Which ballot: nothing that is sealed for one can be used for another. */
export interface BallotOf {
  readonly motion: string;
  readonly head: string;
}

/** What the action `vote` takes beside the motion and its text. */
export interface SealedBallot {
  /** 32 bytes: SHA-256 of the words that say motion, head and choice, and of the salt */
  readonly commitment: Uint8Array;
  /** 32 + 49 × key organisations bytes: a key of this ballot alone, then for each organisation its share of the salt, encrypted */
  readonly sealed: Uint8Array;
}

export interface Opening {
  readonly choice: Choice;
  /** 32 bytes */
  readonly salt: Uint8Array;
}

/** A key organisation's key of one motion. `secretHash` goes onto the ledger with `publicKey`, `secret` only after voting has closed. */
export interface BallotKey {
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly secretHash: Uint8Array;
}

/** A key organisation as the ledger shows it: `secret` is undefined until it is published. */
export interface KeyHolder {
  readonly publicKey: Uint8Array;
  readonly secret: Uint8Array | undefined;
}

const HOLDERS_MIN = 2;
const HOLDERS_MAX = 9;
const KEY_BYTES = 32;
const SALT_BYTES = 32;
/** a share has one byte more than the salt, its cipher text the 16 of Poly1305 more */
const SHARE_BYTES = SALT_BYTES + 1 + 16;
/** every key encrypts a single share, so that no nonce is ever used twice */
const NONCE = new Uint8Array(12);
const KEY_TAG = "linli-ballot-key:1\0";
const ENCODER = new TextEncoder();

/** How many of `holders` key organisations open a ballot: more than half, as the contract counts them. */
export function keysNeeded(holders: number): number {
  return Math.floor(holders / 2) + 1;
}

/** A new key for one motion; from 32 bytes of the caller where keys are derived. */
export function newBallotKey(secret: Uint8Array = randomBytes(KEY_BYTES)): BallotKey {
  return { secret, publicKey: x25519.getPublicKey(secret), secretHash: sha256(secret) };
}

/** The digest that stands for a ballot on the ledger: `open_ballot` computes the same. */
export function commitmentOf({ motion, head }: BallotOf, { choice, salt }: Opening): Uint8Array {
  const words = `linli-ballot:${[...motion].length}:${motion}:${head}:${choice}`;
  return sha256(joinBytes([ENCODER.encode(words), salt]));
}

/**
 * Seals a choice for the organisations whose public keys stand in the motion, in the order of its list of key organisations.
 * A public key that is none takes its organisation out of the number, not the ballot: the others open it.
 * @throws LedgerError `BALLOT_HOLDERS` unless they are 2 to 9
 */
export async function sealBallot(
  of: BallotOf,
  choice: Choice,
  holders: readonly Uint8Array[],
): Promise<SealedBallot & { readonly opening: Opening }> {
  if (holders.length < HOLDERS_MIN || holders.length > HOLDERS_MAX) {
    throw new LedgerError(
      "BALLOT_HOLDERS",
      { holders: holders.length },
      { remedy: `a motion has ${HOLDERS_MIN} to ${HOLDERS_MAX} key organisations` },
    );
  }
  const opening: Opening = { choice, salt: randomBytes(SALT_BYTES) };
  const commitment = commitmentOf(of, opening);
  const own = newBallotKey();
  const shares = await split(opening.salt, holders.length, keysNeeded(holders.length));
  const encrypted = shares.map((share, index) => {
    const key = sharedKey(own, holders[index]!, { ephemeral: own.publicKey, holder: holders[index]!, commitment });
    return key === undefined ? randomBytes(SHARE_BYTES) : chacha20poly1305(key, NONCE).encrypt(share);
  });
  return { commitment, sealed: joinBytes([own.publicKey, ...encrypted]), opening };
}

/**
 * Opens a ballot with the keys that are published. The holders stand in the order of the motion's list.
 * @returns undefined when too few keys are there, or when what was sealed is no ballot: it counts as taking part without consent
 */
export async function openBallot(
  of: BallotOf,
  { commitment, sealed }: SealedBallot,
  holders: readonly KeyHolder[],
): Promise<Opening | undefined> {
  if (sealed.length !== KEY_BYTES + SHARE_BYTES * holders.length) return undefined;
  const shares = holders.flatMap((holder, index) => {
    const share = decryptShare(sealed, { commitment, index, holder });
    return share === undefined ? [] : [share];
  });
  for (const chosen of subsets(shares, keysNeeded(holders.length))) {
    const salt = await combined(chosen);
    if (salt === undefined) continue;
    const choice = CHOICES.find((one) => bytesEqual(commitmentOf(of, { choice: one, salt }), commitment));
    if (choice !== undefined) return { choice, salt };
  }
  return undefined;
}

/** L320: undefined for shares that repeat one another: the voter chose them so, and spoils no ballot but his own. */
async function combined(shares: Uint8Array[]): Promise<Uint8Array | undefined> {
  try {
    return await combine(shares);
  } catch {
    return undefined;
  }
}

function decryptShare(
  sealed: Uint8Array,
  {
    commitment,
    index,
    holder,
  }: { readonly commitment: Uint8Array; readonly index: number; readonly holder: KeyHolder },
): Uint8Array | undefined {
  if (holder.secret === undefined) return undefined;
  const ephemeral = sealed.subarray(0, KEY_BYTES);
  const start = KEY_BYTES + SHARE_BYTES * index;
  const key = sharedKey({ secret: holder.secret }, ephemeral, { ephemeral, holder: holder.publicKey, commitment });
  if (key === undefined) return undefined;
  try {
    return chacha20poly1305(key, NONCE).decrypt(sealed.subarray(start, start + SHARE_BYTES));
  } catch {
    // Not meant for this key, or spoilt: the other shares decide.
    return undefined;
  }
}

/** One key for each share: bound to both sides and to the ballot. undefined: the other side's key is no key. */
function sharedKey(
  own: Pick<BallotKey, "secret">,
  other: Uint8Array,
  context: { readonly ephemeral: Uint8Array; readonly holder: Uint8Array; readonly commitment: Uint8Array },
): Uint8Array | undefined {
  try {
    const shared = x25519.getSharedSecret(own.secret, other);
    return sha256(joinBytes([ENCODER.encode(KEY_TAG), shared, context.ephemeral, context.holder, context.commitment]));
  } catch {
    return undefined;
  }
}

/** All choices of `size` out of the items, in order: the first is right for every ballot that was sealed as it should be. */
function* subsets<T>(items: readonly T[], size: number): Generator<T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (const [index, item] of items.entries()) {
    for (const rest of subsets(items.slice(index + 1), size - 1)) yield [item, ...rest];
  }
}

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
