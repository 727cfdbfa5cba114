// How a key comes back that lost its record: every step, every crash between two of them, and everything others may say.

import { describe, expect, it } from "vitest";
import type { HeadFacts } from "../../../src/consensus/events.ts";
import { mayAnswerHead, Recovery, type RecoveryEffect, type RecoveryEvent } from "../../../src/consensus/recovery.ts";
import { emptyVoteRecord, lostVoteRecord, type VoteRecord } from "../../../src/consensus/vote-record.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { decodeHeadRequest, encodeHeadAnswer, headAnswerSigningBytes } from "../../../src/ledger/format-vote.ts";
import { type Hash, hashTagged, ZERO_HASH } from "../../../src/ledger/hash.ts";
import type { Validator } from "../../../src/ledger/types.ts";
import { inKeyOrder, type KeyPair, KeyRing, simParameters, simValidator } from "../../sim/chain.ts";

const CHAIN_ID = hashTagged("GENESIS", new Uint8Array([1]));
const OTHER_CHAIN = hashTagged("GENESIS", new Uint8Array([2]));

const blockAt = (height: number, branch = 0): Hash =>
  height === 0 ? CHAIN_ID : hashTagged("HEADER", new Uint8Array([height, branch]));
const nonceOf = (count: number): Uint8Array => hashTagged("DOCUMENT", new Uint8Array([count]));

/** A key that lost its record, its own chain, and the others as it hears them. */
class Patient {
  readonly ring = new KeyRing();
  readonly pairs: readonly KeyPair[];
  readonly others: readonly KeyPair[];
  height = 0;
  /** blocks below it are no longer kept */
  firstHeight = 1;
  /** what is durable */
  record: VoteRecord;
  machine: Recovery;
  nonces = 0;
  nonce: Uint8Array | undefined;
  /** saves that were not acknowledged yet */
  unsaved: VoteRecord | undefined;
  effects: RecoveryEffect[] = [];
  /** validators of a height, by the number of the first and the count of those in office */
  seatsAt: (height: number) => readonly KeyPair[];

  constructor(count = 4) {
    this.pairs = Array.from({ length: count + 2 }, (_, index) => this.ring.create(`patient ${index}`));
    this.others = this.pairs.slice(1, count);
    this.seatsAt = () => this.pairs.slice(0, count);
    this.record = lostVoteRecord({ chainId: CHAIN_ID, publicKey: this.own.publicKey }, 1);
    this.machine = this.open();
  }

  get own(): KeyPair {
    return this.pair(0);
  }

  pair(index: number): KeyPair {
    const found = this.pairs[index];
    if (found === undefined) throw new Error(`no key ${index}`);
    return found;
  }

  private validatorsAt(height: number): readonly Validator[] {
    return inKeyOrder(this.seatsAt(height).map(simValidator));
  }

  private keeps(height: number): boolean {
    return height >= this.firstHeight && height <= this.height;
  }

  private open(): Recovery {
    const patient = this;
    const chain = {
      get head(): HeadFacts {
        const { height } = patient;
        const common = { resultHash: ZERO_HASH, proposer: patient.own.publicKey, headerView: 0, certificateView: 0 };
        const validators = patient.validatorsAt(height + 1);
        return {
          height,
          blockHash: blockAt(height),
          timeMs: height,
          validators,
          parameters: simParameters(9),
          ...common,
        };
      },
      blockHashAt: (height: number) =>
        height === 0 || height === patient.height || patient.keeps(height) ? blockAt(height) : undefined,
      validatorsHashAt: (height: number) =>
        patient.keeps(height) ? validatorsHashOf(patient.validatorsAt(height)) : undefined,
    };
    return new Recovery({ chainId: CHAIN_ID, chain, record: this.record, verify: this.ring.verify });
  }

  /** The process ends: what is not durable is gone. */
  restart(): void {
    this.unsaved = undefined;
    this.nonce = undefined;
    this.machine = this.open();
  }

  step(event: RecoveryEvent): readonly RecoveryEffect[] {
    const effects = this.machine.step(event);
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.kind === "saveRecord") this.unsaved = effect.record;
      if (effect.kind === "ask") {
        const asked = decodeHeadRequest(effect.bytes);
        if (asked.ok) this.nonce = asked.value;
      }
    }
    if (effects.some(({ kind }) => kind === "drawNonce")) {
      this.nonces += 1;
      this.step({ kind: "nonceDrawn", nonce: nonceOf(this.nonces) });
    }
    return effects;
  }

  start(): void {
    this.step({ kind: "headMoved" });
  }

  saved(): void {
    if (this.unsaved === undefined) throw new Error("nothing to save");
    this.record = this.unsaved;
    this.unsaved = undefined;
    this.step({ kind: "recordSaved" });
  }

  answer(
    by: KeyPair,
    height: number,
    change: { nonce?: Uint8Array; chainId?: Hash; block?: Hash; key?: KeyPair } = {},
  ) {
    const statement = { height, blockHash: change.block ?? blockAt(height), resultHash: ZERO_HASH };
    const nonce = change.nonce ?? this.nonce ?? ZERO_HASH;
    const signer = change.key ?? by;
    const signed = headAnswerSigningBytes({ ...statement, chainId: change.chainId ?? CHAIN_ID, nonce });
    return encodeHeadAnswer({ ...statement, publicKey: signer.publicKey, signature: signer.sign(signed) });
  }

  hear(by: KeyPair, height: number, change: Parameters<Patient["answer"]>[2] = {}): readonly RecoveryEffect[] {
    return this.step({ kind: "answered", from: by.hex, bytes: this.answer(by, height, change) });
  }

  moveTo(height: number): readonly RecoveryEffect[] {
    this.height = height;
    return this.step({ kind: "headMoved" });
  }

  get savedFloor(): number {
    return this.record.floorHeight;
  }
}

function askedOf(patient: Patient): number {
  return patient.effects.filter(({ kind }) => kind === "ask").length;
}

describe("recovery of a lost vote record", () => {
  it.each([
    [4, 3],
    [5, 4],
    [7, 5],
  ])("S13: of %i validators %i distinct others must answer before there is a floor", (count, needed) => {
    const patient = new Patient(count);
    patient.height = 7;
    patient.start();
    for (const other of patient.others.slice(0, needed - 1)) {
      patient.hear(other, 5);
      patient.hear(other, 6);
    }
    expect(patient.unsaved, "one too few, each of them twice").toBeUndefined();
    expect(patient.machine.status()).toMatchObject({ answers: needed - 1, answersNeeded: needed, floorHeight: 0 });
    patient.hear(patient.pair(needed), 7);
    expect(patient.unsaved?.floorHeight).toBe(10);
    expect(patient.unsaved?.mustNotSign).toBe("RECORD_LOST");
    expect(patient.unsaved?.sequence).toBe(2);
    patient.effects = [];
    patient.moveTo(12);
    patient.step({ kind: "askAgain" });
    expect([patient.effects, patient.nonces], "nothing happens before it is durable").toEqual([[], 1]);
  });

  it("S13: nobody is asked without a fresh nonce, and only those again who have not answered", () => {
    const patient = new Patient();
    patient.start();
    expect([patient.nonces, askedOf(patient)]).toEqual([1, 3]);
    patient.hear(patient.pair(1), 0);
    patient.effects = [];
    patient.step({ kind: "askAgain" });
    expect(patient.effects.map((effect) => effect.kind === "ask" && effect.to).sort()).toEqual(
      [patient.pair(2).hex, patient.pair(3).hex].sort(),
    );
    expect(patient.machine.status().missing).toHaveLength(2);
  });

  it("S15: an answer to another question, of another chain, block or signer, or that is none, never counts", () => {
    const patient = new Patient();
    patient.height = 4;
    patient.start();
    const [liar, second, third] = patient.others as [KeyPair, KeyPair, KeyPair];
    patient.hear(second, 4);
    patient.hear(third, 4);
    const lies: readonly (readonly [code: string, bytes: Uint8Array])[] = [
      ["HEAD_ANSWER_SIGNATURE", patient.answer(liar, 4, { nonce: nonceOf(99) })],
      ["HEAD_ANSWER_SIGNATURE", patient.answer(liar, 4, { chainId: OTHER_CHAIN })],
      ["HEAD_ANSWER_BLOCK", patient.answer(liar, 3, { block: blockAt(3, 1) })],
      ["HEAD_ANSWER_SIGNER", patient.answer(second, 4)],
      ["HEAD_ANSWER_SIGNER", patient.answer(patient.pair(5), 4)],
      ["HEAD_ANSWER_SIGNER", patient.answer(patient.own, 4)],
      ["CBOR_TRUNCATED", patient.answer(liar, 4).slice(0, 50)],
    ];
    for (const [code, bytes] of lies) {
      const effects = patient.step({ kind: "answered", from: liar.hex, bytes });
      expect(effects, code).toEqual([{ kind: "badAnswer", from: liar.hex, code }]);
    }
    expect(patient.unsaved).toBeUndefined();
    patient.hear(liar, 1);
    expect(patient.unsaved?.floorHeight, "a low certified head lowers nothing").toBe(7);
  });

  it("S15: a height that this node cannot prove counts when its own chain is there, and an invented one never", () => {
    const patient = new Patient(7);
    patient.height = 2;
    patient.start();
    const [liar, ...honest] = patient.others;
    if (liar === undefined) throw new Error("nobody");
    expect(patient.hear(liar, 1_000_000_000)).toContainEqual({
      kind: "lookAhead",
      height: 1_000_000_000,
      from: liar.hex,
    });
    for (const other of honest.slice(0, 4)) patient.hear(other, 6);
    expect(patient.unsaved, "nothing is proved yet").toBeUndefined();
    patient.hear(honest[4] as KeyPair, 6);
    expect(patient.machine.status()).toMatchObject({ answers: 0, answersNeeded: 5 });
    patient.moveTo(5);
    expect(patient.unsaved).toBeUndefined();
    patient.moveTo(6);
    expect(patient.unsaved?.floorHeight).toBe(9);
  });

  it("S15: who named a block that turns out not to be the certified one is not counted, and may correct itself", () => {
    const patient = new Patient();
    patient.height = 2;
    patient.start();
    const [liar, second, third] = patient.others as [KeyPair, KeyPair, KeyPair];
    patient.hear(second, 2);
    patient.hear(third, 2);
    patient.hear(liar, 3, { block: blockAt(3, 1) });
    patient.moveTo(3);
    expect(patient.unsaved).toBeUndefined();
    patient.hear(liar, 2);
    expect(patient.unsaved?.floorHeight).toBe(6);
  });

  it("S15: an answer about a block that a snapshot skipped proves nothing, and a newer one takes its place", () => {
    const patient = new Patient();
    patient.start();
    for (const other of patient.others) patient.hear(other, 5);
    patient.firstHeight = 9;
    patient.moveTo(8);
    expect(patient.unsaved).toBeUndefined();
    for (const other of patient.others) patient.hear(other, 8);
    expect(patient.unsaved?.floorHeight).toBe(11);
    patient.saved();
    patient.firstHeight = 21;
    patient.moveTo(20);
    expect(patient.unsaved, "who decided the heights below the floor is not known any more").toBeUndefined();
    for (const other of patient.others) patient.hear(other, 20);
    expect(patient.unsaved?.floorHeight).toBe(23);
  });

  it("S14: it ends when the own certified head is below the floor by one, and not when the floor is merely known", () => {
    const patient = new Patient();
    patient.height = 4;
    patient.start();
    for (const other of patient.others) patient.hear(other, 4);
    patient.saved();
    expect([patient.savedFloor, patient.machine.isOver, patient.unsaved]).toEqual([7, false, undefined]);
    patient.moveTo(5);
    expect(patient.unsaved).toBeUndefined();
    patient.moveTo(6);
    expect(patient.machine.isOver, "not before it is durable").toBe(false);
    patient.saved();
    expect(patient.machine.isOver).toBe(true);
    expect(patient.record).toMatchObject({ mustNotSign: undefined, floorHeight: 7, sequence: 3 });
  });

  it("S14: when those in office changed below the floor, others are asked anew and the floor rises", () => {
    const patient = new Patient();
    patient.height = 4;
    patient.start();
    for (const other of patient.others) patient.hear(other, 4);
    patient.saved();
    // The fourth seat goes to another key from height 6 on.
    patient.seatsAt = (height) => (height < 6 ? patient.pairs.slice(0, 4) : [0, 1, 2, 4].map((at) => patient.pair(at)));
    patient.moveTo(5);
    patient.moveTo(6);
    expect(patient.unsaved, "the newcomer may have signed what nobody of those who were asked knew").toBeUndefined();
    expect(patient.nonces).toBe(2);
    patient.hear(patient.pair(1), 6);
    patient.hear(patient.pair(2), 6);
    patient.hear(patient.pair(3), 6);
    expect(patient.unsaved, "out of office").toBeUndefined();
    patient.hear(patient.pair(4), 6);
    patient.saved();
    expect(patient.savedFloor).toBe(9);
    patient.moveTo(8);
    patient.saved();
    expect(patient.machine.isOver).toBe(true);
  });

  it("S13: a crash at any step, before or after the record is durable, only repeats steps; the floor never falls", () => {
    const whole = playThrough(new Set());
    expect(whole.steps).toBeGreaterThan(8);
    for (let first = 0; first < whole.steps; first += 1) {
      for (let second = first; second < whole.steps; second += 1) {
        const { patient, floors } = playThrough(new Set([first, second]));
        expect(patient.machine.isOver, `crashes at ${first} and ${second}`).toBe(true);
        expect(floors).toEqual([...floors].sort((left, right) => left - right));
        expect(patient.savedFloor).toBeGreaterThanOrEqual(7);
        expect(patient.height).toBeGreaterThanOrEqual(patient.savedFloor - 1);
      }
    }
  });

  it("S13: a second loss in the middle starts again, and answers of the first round do not count in it", () => {
    const patient = new Patient();
    patient.height = 4;
    patient.start();
    const stale = patient.others.map((other) => [other, patient.answer(other, 0)] as const);
    for (const other of patient.others) patient.hear(other, 4);
    patient.saved();
    patient.record = lostVoteRecord({ chainId: CHAIN_ID, publicKey: patient.own.publicKey }, 9);
    patient.restart();
    patient.start();
    for (const [other, bytes] of stale) {
      const effects = patient.step({ kind: "answered", from: other.hex, bytes });
      expect(effects).toEqual([{ kind: "badAnswer", from: other.hex, code: "HEAD_ANSWER_SIGNATURE" }]);
    }
    for (const other of patient.others) patient.hear(other, 5);
    patient.moveTo(5);
    expect(patient.unsaved).toMatchObject({ floorHeight: 8, sequence: 10 });
  });

  it("S16: a key that recovers, or whose store is behind its record or its floor, says nothing about its head", () => {
    const record = emptyVoteRecord({ chainId: CHAIN_ID, publicKey: ZERO_HASH });
    const codeOf = (change: Partial<VoteRecord>, head: number): string => {
      const verdict = mayAnswerHead({ ...record, ...change }, head);
      return verdict.ok ? "answered" : verdict.code;
    };
    expect(codeOf({}, 0)).toBe("answered");
    expect(codeOf({ height: 8 }, 7)).toBe("answered");
    expect(codeOf({ height: 8 }, 6)).toBe("HEAD_BEHIND_RECORD");
    expect(codeOf({ floorHeight: 8 }, 6)).toBe("HEAD_BEHIND_RECORD");
    expect(codeOf({ floorHeight: 8 }, 7)).toBe("answered");
    expect(codeOf({ mustNotSign: "RECORD_LOST", floorHeight: 3 }, 9)).toBe("HEAD_UNKNOWN");
  });
});

/** A recovery from height 4 on in which the process ends before the steps of these numbers, and the others go on deciding. */
function playThrough(crashes: ReadonlySet<number>): { patient: Patient; steps: number; floors: readonly number[] } {
  const patient = new Patient();
  patient.height = 4;
  const floors: number[] = [];
  let steps = 0;
  const act = (run: () => void): void => {
    if (crashes.has(steps)) {
      // Half of the crashes come after the disk had the record, and before anybody heard of it.
      if (steps % 2 === 0 && patient.unsaved !== undefined) patient.record = patient.unsaved;
      patient.restart();
      patient.start();
    }
    steps += 1;
    run();
    floors.push(patient.savedFloor);
  };
  for (let round = 0; round < 8 && !patient.machine.isOver; round += 1) {
    act(() => patient.start());
    for (const other of patient.others) act(() => patient.hear(other, patient.height));
    act(() => patient.unsaved !== undefined && patient.saved());
    act(() => patient.moveTo(patient.height + 1));
    act(() => patient.unsaved !== undefined && patient.saved());
  }
  return { patient, steps, floors };
}
