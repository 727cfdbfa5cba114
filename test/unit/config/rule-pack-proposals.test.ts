// What is next for a rule pack's number on a ledger, from rows as governance writes them.

import { describe, expect, it } from "vitest";
import type { Value } from "../../../src/ledger/codec.ts";
import type { RulePack, RulePackNumber } from "../../../src/node/rule-pack.ts";
import { approvalsNeeded, stepFor, type Voice, voiceOf } from "../../../src/node/rule-pack-proposals.ts";
import { type ReadRow, standingOf } from "../../../src/node/rule-pack-standing.ts";

type Rows = Readonly<Record<string, readonly Value[]>>;
const reading =
  (rows: Rows): ReadRow =>
  async (contract, table, ...key) =>
    rows[
      [
        contract,
        table,
        ...key.map((part) => (part instanceof Uint8Array ? `${part.length} bytes` : String(part))),
      ].join(" ")
    ];

const number = (value: number, setting = "days", contract = "fees"): RulePackNumber => ({
  contract,
  setting,
  value,
  mark: "L",
  source: { zh: "第1条", en: "art. 1" },
});
const VOICE: Voice = { organisation: "street", seat: 2, isIndependent: true, seats: 4, changes: 1, nowMs: 1_000 };
const actions = async (rows: Rows, voice = VOICE) => {
  const step = await stepFor(number(7), voice, reading(rows));
  return [step?.proposal.slice(-2), step?.deed, ...(step?.calls.map(({ action }) => action) ?? [])];
};

/** Rows of the first proposals of that number, whatever their ids are. */
async function idOf(attempt: number): Promise<string> {
  const { proposal } = (await stepFor(number(7), VOICE, reading({}))) ?? { proposal: "" };
  return `${proposal.slice(0, -1)}${attempt}`;
}
const proposed = (
  id: string,
  change: Partial<Record<"expires" | "changes" | "approvals" | "independent", number>> = {},
) => {
  const { expires = 2_000, changes = 1, approvals = 1, independent = 0 } = change;
  return { [`governance proposal ${id}`]: ["setting", "property", expires, changes, approvals, independent, "open"] };
};
const said = (id: string, value = 7) => ({ [`governance number_change ${id}`]: ["fees", "days", value] });

describe("a number of a rule pack", () => {
  it("L220: is proposed once, approved by each once, and enacted by the one who completes what governance asks for", async () => {
    const id = await idOf(1);
    expect(await actions({})).toEqual(["-1", "proposed", "propose_setting", "approve"]);
    expect(await actions({ ...proposed(id), ...said(id) })).toEqual(["-1", "approved", "approve"]);
    const own = { [`governance approval ${id} street`]: ["street-admin", 900] };
    expect(await actions({ ...proposed(id), ...said(id), ...own })).toEqual(["-1", "waits"]);
    const two = { ...proposed(id, { approvals: 2 }), ...said(id) };
    expect(await actions(two)).toEqual(["-1", "enacted", "approve", "enact_setting"]);
    expect(await actions(two, { ...VOICE, isIndependent: false }), "no independent one").toEqual([
      "-1",
      "approved",
      "approve",
    ]);
    expect([4, 5, 6, 7].map((seats) => approvalsNeeded({ seats }))).toEqual([3, 4, 5, 5]);
  });

  it("L221: passes over what says something else, is expired, enacted, or from before a change of seats", async () => {
    const id = await idOf(1);
    const anew = ["-2", "proposed", "propose_setting", "approve"];
    expect(await actions({ ...proposed(id), ...said(id, 700) }), "another number under this id").toEqual(anew);
    expect(await actions({ ...proposed(id, { expires: 1_000 }), ...said(id) })).toEqual(anew);
    expect(await actions({ ...proposed(id, { changes: 0 }), ...said(id) })).toEqual(anew);
    const enacted = { [`governance proposal ${id}`]: ["setting", "property", 2_000, 1, 3, 1, "enacted"] };
    expect(await actions({ ...enacted, ...said(id) }), "set otherwise since").toEqual(anew);
    const other = { [`governance proposal ${id}`]: ["parameter", "property", 2_000, 1, 3, 1, "open"] };
    expect(await actions({ ...other, ...said(id) })).toEqual(anew);
  });

  it("L221: who has no seat has no voice", async () => {
    const rows: Rows = {
      "governance roster main": [2, 5, 0],
      "governance seat 0": ["property"],
      "governance seat 1": ["street"],
      "governance organisation street": ["街道", "street"],
      "governance organisation property": ["物业", "property"],
      "registry account ann": ["street"],
      "registry account bob": ["property"],
      "registry account cat": ["bank"],
    };
    const voice = (account: string) => voiceOf(account, 1, reading(rows));
    expect(await voice("ann")).toEqual({
      organisation: "street",
      seat: 1,
      isIndependent: true,
      seats: 2,
      changes: 5,
      nowMs: 1,
    });
    expect(await voice("bob")).toMatchObject({ seat: 0, isIndependent: false });
    expect([await voice("cat"), await voice("dan")]).toEqual([undefined, undefined]);
  });
});

describe("a rule pack on a ledger", () => {
  const SOURCE = `rules: 1
contract: fees
title: {zh: 费用, en: Fees}
settings:
  days: {title: {zh: 宽限期, en: grace}, type: int(1..30), value: 5, unit: {zh: 天, en: days}}
actions:
  go: {by: [anyone], do: [{emit: {gone: {d: settings.days}}}]}
`;
  const HASH = new Uint8Array(32);
  const IN_FORCE: Rows = {
    "governance contract fees": [1, HASH, 3, new Uint8Array(0)],
    "governance source 32 bytes": [SOURCE],
  };
  const standings = async (rows: Rows, numbers: readonly RulePackNumber[], nextHeight = 10) => {
    const pack: RulePack = { id: "p", version: 1, title: { zh: "某市", en: "A city" }, numbers };
    return (await standingOf(pack, reading(rows), nextHeight)).map(({ standing }) => standing);
  };

  it("L220: a number in force is the ledger's setting, or else that of the document", async () => {
    expect(await standings(IN_FORCE, [number(5), number(7)])).toEqual(["same", "differs"]);
    const set = { ...IN_FORCE, "governance setting fees days": [7] };
    expect(await standings(set, [number(5), number(7)])).toEqual(["differs", "same"]);
  });

  it("L222: what no contract in force has, or cannot be, is missing", async () => {
    const numbers = [number(31), number(5, "hours"), number(5, "days", "polls")];
    expect(await standings(IN_FORCE, numbers)).toEqual(["missing", "missing", "missing"]);
    expect(await standings(IN_FORCE, [number(5)], 2), "not in force yet").toEqual(["missing"]);
  });
});
