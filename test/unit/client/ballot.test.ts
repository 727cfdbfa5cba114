// Sealed ballots: who can open them, who cannot, and that only the ballot that was sealed comes out.
// Never a fixed key beside the vector that holds the form still.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { split } from "shamir-secret-sharing";
import { describe, expect, test } from "vitest";
import { sha256 } from "#sha256";
import {
  type BallotKey,
  CHOICES,
  commitmentOf,
  type KeyHolder,
  keysNeeded,
  newBallotKey,
  openBallot,
  sealBallot,
} from "../../../src/client/ballot.ts";
import { toHex } from "../../../src/ledger/hash.ts";

const OF = { motion: "lifts-1", head: "h1" };

function organisations(count: number): readonly BallotKey[] {
  return Array.from({ length: count }, () => newBallotKey());
}

const publics = (keys: readonly BallotKey[]) => keys.map(({ publicKey }) => publicKey);

function publishedBy(keys: readonly BallotKey[], who: (index: number) => boolean): readonly KeyHolder[] {
  return keys.map(({ publicKey, secret }, index) => ({ publicKey, secret: who(index) ? secret : undefined }));
}

describe("sealed ballots", () => {
  test("L200: any organisations that are more than half open a ballot, and no fewer", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 9 }),
        fc.constantFrom(...CHOICES),
        fc.integer({ min: 0, max: 511 }),
        async (count, choice, subset) => {
          const keys = organisations(count);
          const ballot = await sealBallot(OF, choice, publics(keys));
          const isIn = (index: number) => ((subset >> index) & 1) === 1;
          const published = keys.filter((_, index) => isIn(index)).length;
          const opening = await openBallot(OF, ballot, publishedBy(keys, isIn));
          expect(opening).toEqual(published >= keysNeeded(count) ? ballot.opening : undefined);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("L201: more than half is the count of the contract: 2 of 2, 2 of 3, 3 of 4, 3 of 5, 5 of 9", () => {
    expect([2, 3, 4, 5, 9].map(keysNeeded)).toEqual([2, 2, 3, 3, 5]);
  });

  test("L202: a ballot of one head opens for no other head and no other motion", async () => {
    const keys = organisations(3);
    const ballot = await sealBallot(OF, "for", publics(keys));
    const all = publishedBy(keys, () => true);
    expect(await openBallot({ ...OF, head: "h2" }, ballot, all)).toBeUndefined();
    expect(await openBallot({ ...OF, motion: "lifts-2" }, ballot, all)).toBeUndefined();
    // The words are never read two ways: what ends the motion begins no head.
    const { opening } = ballot;
    expect(commitmentOf({ motion: "a:b", head: "c" }, opening)).not.toEqual(
      commitmentOf({ motion: "a", head: "b:c" }, opening),
    );
  });

  test("L203: spoilt or foreign bytes never open as another choice, and never throw", async () => {
    const keys = organisations(3);
    const all = publishedBy(keys, () => true);
    const ballot = await sealBallot(OF, "against", publics(keys));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 178 }), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
        const sealed = ballot.sealed.slice();
        sealed[place] = sealed[place]! ^ flip;
        const opening = await openBallot(OF, { ...ballot, sealed }, all);
        if (opening !== undefined) expect(opening).toEqual(ballot.opening);
      }),
      { numRuns: 60 },
    );
    for (const length of [0, 31, 178, 180]) {
      const sealed = new Uint8Array(length);
      expect(await openBallot(OF, { ...ballot, sealed }, all)).toBeUndefined();
    }
  });

  test("L204: one spoilt share, or an organisation whose public key is none, costs the voter nothing", async () => {
    const keys = organisations(3);
    const ballot = await sealBallot(OF, "abstain", publics(keys));
    const sealed = ballot.sealed.slice();
    sealed.fill(7, 32, 32 + 49);
    expect(
      await openBallot(
        OF,
        { ...ballot, sealed },
        publishedBy(keys, () => true),
      ),
    ).toEqual(ballot.opening);

    const bad = await sealBallot(OF, "for", [new Uint8Array(32), ...publics(keys).slice(1)]);
    expect(
      await openBallot(
        OF,
        bad,
        publishedBy(keys, (index) => index > 0),
      ),
    ).toEqual(bad.opening);
  });

  test("L320: a voter whose shares repeat one another spoils his own ballot: opening it throws nothing", async () => {
    const keys = organisations(3);
    const all = publishedBy(keys, () => true);
    const honest = await sealBallot(OF, "for", publics(keys));
    const sealedFor = (shares: readonly Uint8Array[]) => {
      const own = newBallotKey();
      const parts = shares.map((share, index) => {
        const { publicKey } = keys[index]!;
        const shared = x25519.getSharedSecret(own.secret, publicKey);
        const tag = new TextEncoder().encode("linli-ballot-key:1\0");
        const key = sha256(Uint8Array.from([...tag, ...shared, ...own.publicKey, ...publicKey, ...honest.commitment]));
        return chacha20poly1305(key, new Uint8Array(12)).encrypt(share);
      });
      return Uint8Array.from([...own.publicKey, ...parts.flatMap((part) => [...part])]);
    };
    const share = new Uint8Array(33).fill(5);
    const other = new Uint8Array(33).fill(6);
    for (const shares of [
      [share, share, share],
      [share, share, other],
      [new Uint8Array(33), share, other],
    ])
      expect(await openBallot(OF, { ...honest, sealed: sealedFor(shares) }, all)).toBeUndefined();
    // Two that are the same do not hide two that are right.
    const [first, second] = await split(honest.opening.salt, 3, 2);
    expect(await openBallot(OF, { ...honest, sealed: sealedFor([first!, first!, second!]) }, all)).toEqual(
      honest.opening,
    );
  });

  test("L205: two ballots of the same choice have nothing in common", async () => {
    const keys = organisations(3);
    const [one, other] = await Promise.all([0, 1].map(() => sealBallot(OF, "for", publics(keys))));
    expect(one?.commitment).not.toEqual(other?.commitment);
    expect(one?.sealed.subarray(0, 32)).not.toEqual(other?.sealed.subarray(0, 32));
  });

  test.each([0, 1, 10])("L206: %i organisations are refused", async (count) => {
    const keys = Array.from({ length: count }, () => new Uint8Array(32).fill(9));
    await expect(sealBallot(OF, "for", keys)).rejects.toMatchObject({ code: "BALLOT_HOLDERS" });
  });

  test("L207: the digest is the one that the contract's author tests write down", () => {
    const salt = sha256(new TextEncoder().encode("h1"));
    expect(toHex(commitmentOf({ motion: "m", head: "h1" }, { choice: "for", salt }))).toBe(
      toHex(sha256(new Uint8Array([...new TextEncoder().encode("linli-ballot:1:m:h1:for"), ...salt]))),
    );
    const key = newBallotKey(salt);
    expect(key.secretHash).toEqual(sha256(salt));
  });
});
