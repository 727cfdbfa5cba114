// Random histories of device faults and of repairs that people ask for, against the domain's rules written a second time: money, moves,
// clocks, counters. It knows nothing of the contracts' text; most of what it tries is refused, as it should be.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MONEY } from "../../../src/contracts/system-layouts.ts";
import { compileLibrary, type Fields, LibraryLedger } from "./library-ledger.ts";

const CONTRACTS = compileLibrary([
  "governance",
  "registry",
  "holders",
  "polls",
  "owners-vote",
  "maintenance-fund",
  "service-rating",
  "device-repair",
  "repair-orders",
]);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = 1_793_462_400_000;
const DIGEST = new Uint8Array(32).fill(7);
const CODE = new Uint8Array(32).fill(1);
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const pick = <T>(items: readonly T[], number: number): T => items[number % items.length] as T;

type Step = readonly [what: number, who: number, which: number, how: number];
type Moves = Readonly<Record<string, readonly string[]>>;
const steps = (length: number) =>
  fc.array(fc.tuple(fc.nat(997), fc.nat(997), fc.nat(997), fc.nat(997)), { minLength: length, maxLength: length });

function staffed(): LibraryLedger {
  const ledger = new LibraryLedger(CONTRACTS, START_MS);
  ledger.put("governance.organisation", { id: "gov", role: "government" });
  ledger.put("registry.community", { id: "linli", street: "st", firm: "pm", committee: "yw", bank: "bk" });
  for (const [id, org, role] of [
    ["fixer", "fix", "provider"],
    ["second", "two", "provider"],
    ["wang", "fix", "tech"],
    ["tina", "pm", "tech"],
  ] as const)
    ledger.put("registry.account", { id, org, roles: [role], suite: 1, status: "active" });
  return ledger;
}

const statesOf = (ledger: LibraryLedger, table: string, key: string): ReadonlyMap<string, string> =>
  new Map(ledger.rows(table).map((row) => [String(row[key]), String(row.state)]));

function reachable(moves: Moves, from: string): ReadonlySet<string> {
  const found = new Set([from]);
  for (const state of found) for (const next of moves[state] ?? []) found.add(next);
  return found;
}

/** Of one step with what was due before it: each state is one that the moves lead to. */
function checkMoves(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, moves: Moves): void {
  for (const [id, old] of before) expect([...reachable(moves, old)], `${id} was ${old}`).toContain(after.get(id));
}

function fitting(ledger: LibraryLedger, table: string, states: readonly string[], [, , which, how]: Step): string {
  const rows = ledger.rows(table);
  const fit = rows.filter(({ state }) => states.includes(String(state)));
  return String(pick(fit.length > 0 && how % 6 > 0 ? fit : [...rows, { id: "none" }], which).id);
}

describe("devices", () => {
  /** Domain table 4.3, row "Device to repair". */
  const CONDITION_MOVES: Moves = {
    normal: ["suspect", "fault", "stopped"],
    suspect: ["normal", "fault", "stopped"],
    fault: ["ordered"],
    ordered: ["arrived", "fault"],
    arrived: ["fixed", "fault"],
    fixed: ["tested", "ordered", "normal", "stopped"],
    tested: ["normal", "stopped"],
    stopped: ["normal", "fault"],
  };
  const DEVICES = ["lift", "pump", "gate"];
  const FUNDS_FEN = 40_000;
  const TO: Readonly<Record<string, readonly string[]>> = {
    assign: ["reported", "refunded"],
    arrive: ["assigned"],
    fix: ["arrived"],
    test: ["fixed"],
    accept: ["tested"],
    reject: ["fixed"],
    expire: ["assigned", "arrived"],
  };
  const ATTEMPTS = [
    ...["report", "report", "report", "report", "assign", "assign", "arrive", "arrive", "fix", "fix", "test", "test"],
    ...["accept", "accept", "reject", "expire", "stop", "resume", "raise", "pay_out", "wait"],
  ] as const;

  function attempt(ledger: LibraryLedger, step: Step): void {
    const [what, who, which, how] = step;
    const name = pick(ATTEMPTS, what);
    const device = pick(DEVICES, which);
    const order = fitting(ledger, "device-repair.order", TO[name] ?? [], step);
    const row = ledger.row("device-repair.order", order);
    const mine = `${String(row?.provider_org ?? "")}`;
    const condition = ledger.row("device-repair.condition", device);
    const act = (as: string, fields: Fields, cosigners: readonly string[] = []) =>
      ledger.act({ as, do: `device-repair.${name === "pay_out" ? "confirm_payout" : name}`, with: fields, cosigners });
    switch (name) {
      case "report": {
        const counter = Number(condition?.counter ?? 0) + (who % 9 === 0 ? 0 : 1);
        const code = who % 4 === 0 ? pick([110, 7], how) : 0;
        return void act("device/g1", { device, counter, at: ledger.ledger.nowMs, reading: pick([4, 9], how), code });
      }
      case "assign": {
        const fields = {
          order,
          provider: pick(["fixer", "second"], how),
          price: row?.warranty === true ? 0 : 700 * (1 + (how % 9)),
        };
        return void act("pm_manager/m@pm", { ...fields, hours: 1 + (how % 30) });
      }
      case "arrive":
        return void act(
          `provider/${String(row?.provider ?? "")}@${mine}`,
          { order, witness: "" },
          how % 9 === 0 ? [] : ["g1"],
        );
      case "fix":
        return void act(`provider/${String(row?.worker ?? "")}@${mine}`, { order, proof: DIGEST });
      case "test":
        return void act(how % 9 === 0 ? `inspector/x@${mine}` : "inspector/i@gov", { order, result: DIGEST });
      case "accept":
        return void act(how % 9 === 0 ? `inspector/x@${mine}` : "inspector/i@gov", { order });
      case "reject":
        return void act("inspector/i@gov", { order });
      case "expire":
        return void act("pm_manager/m@pm", { order });
      case "stop":
        return void act("pm_manager/m@pm", { device, cause: DIGEST });
      case "resume":
        return void act("inspector/i@gov", { device });
      case "raise":
        return void act("committee/c@yw", { device, evidence: DIGEST });
      case "pay_out": {
        const payment = { bank_ref: `R${how % 30}`, community: "linli", organisation: pick(["fix", "two"], who) };
        return void act("bank/b@bk", { ...payment, fen: 1 + (how % 5_000) });
      }
      default:
        return ledger.advance((how % 40) * HOUR_MS);
    }
  }

  function check(ledger: LibraryLedger): void {
    const orders = ledger.rows("device-repair.order");
    let held = 0;
    for (const { id, state, price, warranty, device } of orders) {
      const isHeld = ["assigned", "arrived", "fixed", "tested"].includes(String(state));
      expect(ledger.balance(`escrow:${String(id)}`)).toBe(isHeld ? Number(price) : 0);
      if (isHeld) held += Number(price);
      if (warranty === true) expect(price).toBe(0);
      const isOpen = ledger.row("device-repair.condition", String(device))?.open_order === id;
      expect(isOpen).toBe(state !== "paid");
    }
    const earned = orders.filter(({ state }) => state === "paid").reduce((sum, { price }) => sum + Number(price), 0);
    const out = ledger.rows("device-repair.payout").reduce((sum, { fen }) => sum + Number(fen), 0);
    const due = ["fix", "two"].reduce((sum, org) => sum + ledger.balance(`party:linli/${org}`), 0);
    expect(due + out).toBe(earned);
    expect(ledger.balance("operating:linli")).toBe(FUNDS_FEN - held - earned);
  }

  test("L303: in any history a repair is paid once, money is conserved, a device has one open order and no state is reached outside the flow", () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(steps(100), (history) => {
        const ledger = staffed();
        ledger.ledger.put(MONEY, ["operating:linli", FUNDS_FEN]);
        for (const [index, id] of DEVICES.entries())
          ledger.put("registry.device", {
            id,
            community: "linli",
            kind: id,
            gateway: "g1",
            limit: 5,
            warranty_until: index === 2 ? START_MS + 9 * DAY_MS : 0,
          });
        for (const step of history) {
          const before = statesOf(ledger, "device-repair.condition", "device");
          attempt(ledger, step);
          const after = statesOf(ledger, "device-repair.condition", "device");
          checkMoves(before, after, CONDITION_MOVES);
          for (const state of after.values()) reached.add(state);
          check(ledger);
        }
      }),
      { numRuns: 30, seed: 20_261_123 },
    );
    expect([...reached].sort()).toEqual(Object.keys(CONDITION_MOVES).sort());
  });
});

describe("repairs that people ask for", () => {
  /** Domain table 4.3, row "Repair order", with withdrawal by who reported. */
  const ORDER_MOVES: Moves = {
    submitted: ["triaged", "withdrawn"],
    triaged: ["assigned", "withdrawn"],
    assigned: ["accepted", "triaged", "withdrawn"],
    accepted: ["assigned", "on_site", "triaged", "withdrawn", "done"],
    on_site: ["assigned", "done"],
    done: ["confirmed", "rework", "closed"],
    rework: ["assigned", "on_site"],
    confirmed: ["closed", "rework"],
    closed: ["rework"],
  };
  const LIMIT_MS: Readonly<Record<string, number>> = {
    urgent: 30 * MINUTE_MS,
    ordinary: DAY_MS,
    complex: 2 * DAY_MS,
  };
  const IDS = ["o1", "o2", "o3", "o4", "o5", "o6"];
  const CATEGORIES = ["plumbing", "wiring", "fitting"];
  const URGENCIES = ["urgent", "ordinary", "complex"];
  const TO: Readonly<Record<string, readonly string[]>> = {
    triage: ["submitted"],
    assign: ["triaged"],
    take_on: ["assigned"],
    decline: ["accepted"],
    arrive: ["accepted", "rework"],
    finish: ["on_site"],
    confirm: ["done"],
    rework: ["done"],
    reopen: ["closed", "confirmed"],
    withdraw: ["triaged"],
    close: ["confirmed"],
    fund: ["assigned", "done", "confirmed"],
  };
  const ATTEMPTS = [
    ...["submit", "submit", "triage", "triage", "assign", "assign", "take_on", "take_on", "arrive", "arrive", "finish"],
    ...[
      "finish",
      "confirm",
      "confirm",
      "rework",
      "reopen",
      "withdraw",
      "decline",
      "close",
      "fund",
      "fund",
      "pay_out",
      "wait",
    ],
  ] as const;

  function attempt(ledger: LibraryLedger, step: Step): void {
    const [what, who, which, how] = step;
    const name = pick(ATTEMPTS, what);
    const order = fitting(ledger, "repair-orders.order", TO[name] ?? [], step);
    const row = ledger.row("repair-orders.order", order);
    const act = (as: string, fields: Fields) =>
      void ledger.act({ as, do: `repair-orders.${name === "pay_out" ? "confirm_payout" : name}`, with: fields });
    const reporter = `owner/${who % 9 === 0 ? "anna" : String(row?.reporter ?? "")}`;
    const worker = `tech/${String(row?.worker ?? "")}`;
    switch (name) {
      case "submit": {
        const fields = { order: pick(IDS, which), unit: pick(["u1", "u2"], how), common: how % 5 === 0 };
        const kind = { category: pick(CATEGORIES, who), claimed: pick(URGENCIES, how) };
        return act(how % 2 === 0 ? "owner/anna" : "owner/ben", {
          ...fields,
          ...kind,
          text: DIGEST,
          presence: sha256(CODE),
        });
      }
      case "triage": {
        const answers = { covered: how % 3 === 0, third_party: how % 3 === 1 ? "zhao" : "" };
        return act("pm_clerk/k@pm", { order, urgency: pick(URGENCIES, who), ...answers, basis: DIGEST });
      }
      case "assign":
        return act("pm_clerk/k@pm", { order, worker: pick(["wang", "tina"], how), price: pick([0, 300, 500], who) });
      case "take_on":
      case "decline":
        return act(worker, { order });
      case "arrive":
        return act(worker, { order, code: how % 9 === 0 ? DIGEST : CODE });
      case "finish":
        return act(worker, { order, proof: DIGEST });
      case "confirm":
      case "withdraw":
        return act(reporter, { order });
      case "rework":
      case "reopen":
        return act(reporter, { order, cause: DIGEST });
      case "close":
        return act("pm_clerk/k@pm", { order });
      case "fund": {
        const fields = {
          order,
          bank_ref: `R${how % 40}`,
          payer: String(row?.payer ?? ""),
          fen: Number(row?.price ?? 0),
        };
        return act("bank/b@bk", fields);
      }
      case "pay_out": {
        const fields = { bank_ref: `R${how % 40}`, community: "linli", purpose: "payout", organisation: "fix" };
        return act("bank/b@bk", { ...fields, fen: 1 + (how % 900) });
      }
      default:
        return ledger.advance(how % 3 === 0 ? (how % 9) * DAY_MS : (how % 50) * MINUTE_MS);
    }
  }

  function check(ledger: LibraryLedger, arrivedMs: Map<string, number>, dueMs: Map<string, number>): void {
    let cameIn = 0;
    let held = 0;
    const open = new Map<string, number>();
    for (const row of ledger.rows("repair-orders.order")) {
      const { id, state, funded, price, recorded, submitted, urgency, due, late, liability, reporter } = row;
      // Whoever was sent, the clock began with the report, and no triage without the reporter moves it back.
      const limits = [row.claimed, urgency].map((name) => LIMIT_MS[String(name)] ?? 0);
      const earliest = Math.min(...limits.map((limit) => Number(submitted) + limit), dueMs.get(String(id)) ?? Infinity);
      expect(due).toBe(earliest);
      dueMs.set(String(id), earliest);
      if (Number(row.arrived) > 0 && !arrivedMs.has(String(id))) arrivedMs.set(String(id), Number(row.arrived));
      if (Number(row.arrived) > 0) expect(row.arrived).toBe(arrivedMs.get(String(id)));
      if (Number(row.arrived) > Number(due)) expect(late).toBe(true);
      if (["open", "developer", "common_funds"].includes(String(liability))) expect(price).toBe(0);
      const isHeld = recorded !== true && state !== "withdrawn";
      expect(ledger.balance(`repair-escrow:${String(id)}`)).toBe(isHeld ? Number(funded) : 0);
      cameIn += Number(funded);
      held += isHeld ? Number(funded) : 0;
      const isOpen = !["confirmed", "closed", "withdrawn"].includes(String(state));
      open.set(String(reporter), (open.get(String(reporter)) ?? 0) + (isOpen ? 1 : 0));
      if (recorded === true) expect(ledger.row("service-rating.ended", "repair-orders", String(id))).toBeDefined();
    }
    for (const [account, count] of open) expect(ledger.row("repair-orders.load", account)?.open).toBe(count);
    const out = ledger
      .rows("repair-orders.transfer")
      .filter(({ purpose }) => purpose === "payout")
      .reduce((sum, { fen }) => sum + Number(fen), 0);
    const due = ["repair-pay:linli/fix", "repair-pay:linli/pm", "repair-refund:linli/zhao", "repair-refund:linli/pm"];
    const owed = [...due, "repair-refund:linli/anna", "repair-refund:linli/ben"].map((name) => ledger.balance(name));
    expect(owed.reduce((sum, fen) => sum + fen, 0) + held + out).toBe(cameIn);
  }

  test("L304: in any history the clock runs from the report, money is paid once and conserved, and no state is reached outside the flow", () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(steps(120), (history) => {
        const ledger = staffed();
        ledger.put("registry.unit", { id: "u1", community: "linli", building: "b1", head: "anna" });
        ledger.put("registry.unit", { id: "u2", community: "linli", building: "b1", head: "ben" });
        const [arrivedMs, dueMs] = [new Map<string, number>(), new Map<string, number>()];
        for (const step of history) {
          const before = statesOf(ledger, "repair-orders.order", "id");
          attempt(ledger, step);
          const after = statesOf(ledger, "repair-orders.order", "id");
          checkMoves(before, after, ORDER_MOVES);
          for (const state of after.values()) reached.add(state);
          check(ledger, arrivedMs, dueMs);
        }
      }),
      { numRuns: 30, seed: 20_261_123 },
    );
    expect([...reached].sort()).toEqual([...Object.keys(ORDER_MOVES), "withdrawn"].sort());
  });
});
