// What governance's rows say and which of them are refused: parameters, seats and protocols at the exact edge of what is allowed.
// How proposals come to write them is the contract's business.

import { describe, expect, it } from "vitest";
import type { Row } from "../../../src/contracts/frame.ts";
import { governanceRefusal, parametersIn, validatorsIn } from "../../../src/contracts/governance-rows.ts";
import type { RowLayout } from "../../../src/contracts/row-layout.ts";
import { PARAMETER_NAMES, PROTOCOL_LEAD_HEIGHTS, PROTOCOL_ROWS, ROSTER_KEY } from "../../../src/contracts/system.ts";
import { PARAMETERS, ROSTER, SEATS } from "../../../src/contracts/system-layouts.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { LIMITS } from "../../../src/ledger/limits.ts";
import { Overlay } from "../../../src/state/overlay.ts";
import { genesisWith, keyOf, TestChain } from "./support.ts";

describe("rows of governance", () => {
  const chain = new TestChain(genesisWith([]));
  const state = () => new Overlay({ base: chain, height: 1 });
  const { transactionBytesMax } = LIMITS;
  function change(
    overlay: Overlay,
    layout: RowLayout,
    key: readonly Value[],
    make: (old: readonly Value[]) => Row,
  ): Uint8Array {
    const row = make(layout.read(overlay, key) ?? []);
    overlay.put(layout.stateKeyOf(row), layout.encode(row));
    return layout.stateKeyOf(row);
  }
  const seat = (index: number, key: number, peer = `peer-${key}`): Row => [index, "property", 1, keyOf(key), peer];
  const roster = (overlay: Overlay, count: number) =>
    change(overlay, ROSTER, [ROSTER_KEY], (old) => old.with(1, count));
  function refusalOf(overlay: Overlay, written: readonly Uint8Array[], height = 1) {
    const validators = validatorsIn(chain);
    const parameters = parametersIn(chain, 1);
    if (!validators.ok || !parameters.ok) throw new Error("the genesis is unusable");
    const given = { validators: validators.value, parameters: parameters.value, engine: chain.engine, height };
    return governanceRefusal({ written, state: overlay, ...given });
  }

  it.each<readonly [Readonly<Record<string, Value>>, boolean, string]>([
    [{ batchBytesMax: transactionBytesMax, blockBytesMax: transactionBytesMax }, true, ""],
    [{ batchBytesMax: transactionBytesMax - 1 }, false, "batchBytesMax"],
    [{ batchBytesMax: 500_000, blockBytesMax: 500_000 }, true, ""],
    [{ batchBytesMax: 500_000, blockBytesMax: 499_999 }, false, "blockBytesMax"],
    [{ blockGasMax: 2_000_000, timerGasMax: 2_000_000 }, true, ""],
    [{ blockGasMax: 2_000_000, timerGasMax: 2_000_001 }, false, "blockGasMax"],
    [{ rotationHeights: 0 }, false, "rotationHeights"],
    [{ rotationHeights: 1 }, true, ""],
    [{ clockSkewMsMax: "1000" }, false, "clockSkewMsMax"],
  ])("R286: parameters %j are usable: %s", (changed, isUsable, named) => {
    const overlay = state();
    for (const [name, value] of Object.entries(changed)) {
      const row = PARAMETER_NAMES[name as keyof typeof PARAMETER_NAMES];
      change(overlay, PARAMETERS, [row], (old) => old.with(1, value));
    }
    const read = parametersIn(overlay, 1);
    const expected = isUsable ? [true] : [false, PARAMETER_NAMES[named as keyof typeof PARAMETER_NAMES]];
    expect(read.ok ? [true] : [false, read.detail]).toEqual(expected);
  });

  it("R286: no parameter is above the limit of the format, whoever decides it", () => {
    const names = ["blockBytesMax", "blockTransactionsMax", "batchBytesMax"] as const;
    for (const name of names)
      for (const over of [0, 1]) {
        const overlay = state();
        change(overlay, PARAMETERS, [PARAMETER_NAMES.blockBytesMax], (old) => old.with(1, LIMITS.blockBytesMax));
        change(overlay, PARAMETERS, [PARAMETER_NAMES[name]], (old) => old.with(1, LIMITS[name] + over));
        expect([name, parametersIn(overlay, 1).ok]).toEqual([name, over === 0]);
      }
  });

  it("R286: at most as many seats change in one height as may be faulty, and none stands beyond the roster", () => {
    const seated = (rows: readonly Row[], count: number) => {
      const overlay = state();
      const written = rows.map((row) => change(overlay, SEATS, [row[0] ?? null], () => row));
      return refusalOf(overlay, [...written, roster(overlay, count)]);
    };
    expect(seated([seat(3, 9)], 4)).toBe(undefined);
    expect(seated([seat(4, 9)], 5)).toBe(undefined);
    expect(
      [seated([seat(2, 8), seat(3, 9)], 4), seated([seat(4, 8), seat(5, 9)], 6)].map((each) => each?.values),
    ).toEqual(
      [2, 2].map((changed) => [
        ["problem", "SEATS_CHANGED"],
        ["changed", changed],
        ["allowed", 1],
      ]),
    );
    expect([seated([seat(99, 9)], 4), seated([seat(4, 9)], 4)].map((refusal) => refusal?.values)).toEqual(
      [99, 4].map((index) => [
        ["problem", "SEAT_BEYOND_ROSTER"],
        ["seat", index],
      ]),
    );
    expect(seated([seat(100, 9)], 4)).toBe(undefined);
    expect(seated([], 5)?.values).toEqual([["problem", "SEAT_MISSING seat 4"]]);
    expect(seated([seat(3, 9, "peer-street")], 4)?.values[0]?.[1]).toContain("VALIDATOR_PEER_TWICE");
  });

  it("R286: without a roster there are no validators; a parameter may not fall where that would forget", () => {
    const nothing = new Overlay({ base: { get: () => undefined }, height: 1 });
    expect(validatorsIn(nothing)).toMatchObject({ ok: false, code: "ROSTER_MISSING" });
    expect(parametersIn(nothing, 1)).toMatchObject({ ok: false, code: "PARAMETER_INVALID" });
    const set = (name: string, value: number) => {
      const overlay = state();
      const written = change(overlay, PARAMETERS, [name], (old) => old.with(1, value));
      return refusalOf(overlay, [written])?.values;
    };
    expect(set("replay_window_ms", 600_000)).toBe(undefined);
    expect(set("replay_window_ms", 600_001)).toBe(undefined);
    expect(set("replay_window_ms", 599_999)).toEqual([["problem", "replay_window_ms"]]);
    expect(set("batch_bytes_max", 1)).toEqual([["problem", "batch_bytes_max"]]);
  });

  it("R338: another protocol is the next number, from no height that is near; whatever else is written with it", () => {
    const height = 10;
    const decided = (next: number, from: number, more: readonly Uint8Array[] = []) => {
      const overlay = state();
      const set = (row: string, value: number) => change(overlay, PARAMETERS, [row], (old) => old.with(1, value));
      const written = [...more, set(PROTOCOL_ROWS.next, next), set(PROTOCOL_ROWS.height, from)];
      return refusalOf(overlay, written, height);
    };
    const refusal = (problem: string, next: number, from: number) => [
      ["problem", problem],
      ["protocol", 1],
      ["next", next],
      ["height", from],
      ["earliest", height + PROTOCOL_LEAD_HEIGHTS],
    ];
    const earliest = height + PROTOCOL_LEAD_HEIGHTS;
    expect(decided(2, earliest)).toBe(undefined);
    expect(decided(2, earliest - 1)?.values).toEqual(refusal("TOO_SOON", 2, earliest - 1));
    expect(decided(2, height + 2)?.values).toEqual(refusal("TOO_SOON", 2, height + 2));
    expect(decided(2, height + 1)?.values).toEqual(refusal("AT_ONCE", 2, height + 1));
    expect(decided(3, earliest)?.values).toEqual(refusal("NOT_THE_NEXT", 3, earliest));
    expect(decided(1, height + 1), "nothing else is decided").toBe(undefined);
    const other = PARAMETERS.stateKey([PARAMETER_NAMES.blockGasMax]);
    expect(decided(2, earliest - 1, [other])?.values).toEqual(refusal("TOO_SOON", 2, earliest - 1));
  });
});
