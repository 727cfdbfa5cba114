// What validators say about their heads, as another node keeps it.

import { describe, expect, it } from "vitest";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { HEAD_INTERVAL_MS, HeadTracker } from "../../../src/node/heads.ts";
import { hashOf, makeSigners, validatorsOf } from "../ledger/samples.ts";
import { CHAIN_ID, StillClock, signerOf } from "./support.ts";

const SIGNERS = makeSigners(4);
const VALIDATORS = validatorsOf(SIGNERS);

function trackers(timeScale = 1) {
  const clock = new StillClock();
  clock.advance(1_000_000);
  const make = () => new HeadTracker({ clock, chainId: CHAIN_ID, timeScale, verify: verifyNative });
  return { clock, speaker: make(), listener: make() };
}

function head(height: number) {
  return { height, blockHash: hashOf(height), resultHash: hashOf(height + 1) };
}

function signer(index: number) {
  const found = SIGNERS[index];
  if (found === undefined) throw new Error("no such validator");
  return found;
}

describe("HEAD statements", () => {
  it("N91: one from the future is not taken, so it neither stays fresh for ever nor hides those that follow", () => {
    const { clock, speaker, listener } = trackers();
    const ahead = new StillClock();
    ahead.advance(clock.nowMs() + 3 * HEAD_INTERVAL_MS + 1);
    const liar = new HeadTracker({ clock: ahead, chainId: CHAIN_ID, timeScale: 1, verify: verifyNative });
    expect(listener.take(liar.sign(signer(0), head(9)), VALIDATORS)).toBeUndefined();
    expect(listener.take(speaker.sign(signer(0), head(1)), VALIDATORS)?.height).toBe(1);
    expect(listener.fresh(VALIDATORS).map(({ height }) => height)).toEqual([1]);
  });

  it("N91: the bound follows the time scale of a devnet", () => {
    const { clock, listener } = trackers(3_600);
    const ahead = new StillClock();
    ahead.advance(clock.nowMs() + 3 * HEAD_INTERVAL_MS * 3_600);
    const other = new HeadTracker({ clock: ahead, chainId: CHAIN_ID, timeScale: 3_600, verify: verifyNative });
    expect(listener.take(other.sign(signer(0), head(1)), VALIDATORS)?.height).toBe(1);
  });

  it("N92: only validators in office are heard, each by the newest that it signed, and not for longer than three intervals", () => {
    const { clock, speaker, listener } = trackers();
    const first = speaker.sign(signer(0), head(1));
    clock.advance(10);
    const second = speaker.sign(signer(0), head(2));
    expect(listener.take(second, VALIDATORS)?.height).toBe(2);
    expect(listener.take(first, VALIDATORS), "an older one").toBeUndefined();
    expect(listener.take(second, VALIDATORS), "the same again").toBeUndefined();
    expect(listener.take(speaker.sign(signerOf(77), head(2)), VALIDATORS), "a stranger").toBeUndefined();
    const forged = speaker.sign(signer(1), head(2));
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(listener.take(forged, VALIDATORS), "a wrong signature").toBeUndefined();
    expect(listener.fresh(VALIDATORS).map(({ height }) => height)).toEqual([2]);
    expect(listener.fresh(VALIDATORS.slice(1)), "out of office").toEqual([]);
    clock.advance(3 * HEAD_INTERVAL_MS + 1);
    expect(listener.fresh(VALIDATORS)).toEqual([]);
  });
});
