// Random histories of packages, ratings and matches against an independent computation: money, moves, visits, scores, places.
// It knows the domain's rules and nothing of the contracts' text; most of what it tries is refused, as it should be.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileLibrary, type Fields, LibraryLedger } from "./library-ledger.ts";

const CONTRACTS = compileLibrary([
  "governance",
  "registry",
  "holders",
  "service-rating",
  "service-directory",
  "home-service",
]);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = 1_793_462_400_000;
const FAR_MS = START_MS + 1_000 * DAY_MS;
const DIGEST = new Uint8Array(32).fill(7);
const ARRIVAL = new Uint8Array(32).fill(1);
const DEPARTURE = new Uint8Array(32).fill(2);
const sha256 = (bytes: Uint8Array | string) => new Uint8Array(createHash("sha256").update(bytes).digest());
const pick = <T>(items: readonly T[], number: number): T => items[number % items.length] as T;

type Step = readonly [what: number, who: number, which: number, how: number];
const steps = (length: number) =>
  fc.array(fc.tuple(fc.nat(997), fc.nat(997), fc.nat(997), fc.nat(997)), { minLength: length, maxLength: length });

/** Domain table 4.3, row "Packages, auto-pay": acceptance and settlement are one step here. */
const ORDER_MOVES: Readonly<Record<string, readonly string[]>> = {
  requested: ["quoted", "cancelled"],
  quoted: ["scheduled", "cancelled", "refunded"],
  scheduled: ["scheduled", "in_service", "refunded"],
  in_service: ["delivered", "disputed"],
  delivered: ["settled", "disputed"],
  disputed: ["settled", "refunded"],
};
const BUNDLE_MOVES: Readonly<Record<string, readonly string[]>> = {
  composing: ["agreed", "cancelled"],
  agreed: ["funded", "cancelled"],
  funded: ["closed"],
};
const OVER = ["settled", "cancelled", "refunded"];
const BUNDLES = ["b1", "b2", "b3"];
const ORDERS = ["o1", "o2", "o3", "o4", "o5"];
const WORKERS = ["wang", "li", "zhao"];

function market(): LibraryLedger {
  const ledger = new LibraryLedger(CONTRACTS, START_MS);
  ledger.put("registry.community", { id: "linli", street: "st", bank: "bk", committee: "yw" });
  ledger.put("registry.unit", { id: "u1", community: "linli", head: "anna" });
  const account = (id: string, org: string, role: string) =>
    ledger.put("registry.account", { id, org, roles: [role], suite: 1, status: "active" });
  account("teller", "bk", "bank");
  for (const [worker, org] of [
    ["wang", "fix"],
    ["li", "fix"],
    ["zhao", "two"],
  ] as const) {
    account(worker, org, "tech");
    const until = { organisation: org, until: FAR_MS, state: "valid" };
    ledger.put("service-directory.capability", { worker, kind: "cleaning", ...until });
  }
  for (const [id, organisation, hour_fen] of [
    ["f1", "fix", 5_001],
    ["f2", "two", 6_100],
  ] as const) {
    const place = { organisation, community: "linli", kind: "cleaning" };
    ledger.put("service-directory.offer", { id, ...place, hour_fen, capacity: 3, terms: DIGEST, state: "listed" });
    ledger.put("service-directory.licence", { organisation, kind: "cleaning", until: FAR_MS, state: "valid" });
  }
  return ledger;
}

/** One attempt, by somebody who may or may not be the right one. */
function attempt(ledger: LibraryLedger, [what, who, which, how]: Step): string | undefined {
  const name = pick(ATTEMPTS, what);
  const bundle = fitting(ledger, { table: "bundle", ids: BUNDLES, states: TO_BUNDLE[name] }, which, how);
  const order = fitting(ledger, { table: "order", ids: ORDERS, states: TO_ORDER[name] }, which, how);
  const row = ledger.row("home-service.order", order);
  const provider = row?.organisation === "two" || how % 23 === 0 ? "provider/x@two" : "provider/boss@fix";
  const resident = who % 17 === 0 ? "owner/ben" : "owner/anna";
  const act = (as: string, name: string, fields: Fields, cosigners: readonly string[] = []) =>
    ledger.act({ as, do: `home-service.${name}`, with: fields, cosigners });
  const worker = `tech/${who % 11 === 0 ? "li" : String(row?.worker ?? "")}@fix`;
  const resolution = { order, ground: "mediation", refund: (how % 3) * 1_250, document: DIGEST, witness: "" };
  switch (name) {
    case "compose":
      return act(resident, "compose", { bundle, unit: "u1" });
    case "add_item":
      return act(resident, "add_item", {
        bundle: pick(BUNDLES, who),
        order,
        offer: how % 2 === 0 ? "f1" : "f2",
        hour_fen: how % 2 === 0 ? 5_001 : 6_100,
        terms: DIGEST,
        starts: ledger.ledger.nowMs + (1 + (how % 40)) * HOUR_MS,
        minutes: 30 + (how % 4) * 30,
        in_person: who % 2 === 0,
        arrival: sha256(ARRIVAL),
        departure: sha256(DEPARTURE),
      });
    case "quote":
      return act(provider, "quote", { order });
    case "agree": {
      const of = ledger.row("home-service.bundle", bundle);
      return act(resident, "agree", { bundle, items: of?.items ?? 0, price: of?.price ?? 0 });
    }
    case "fund": {
      const fen = ledger.row("home-service.bundle", bundle)?.price ?? 0;
      return act("bank/teller@bk", "confirm_funding", { bundle, bank_ref: `R${how % 40}`, fen });
    }
    case "schedule":
      return act(provider, "schedule", { order, worker: pick(WORKERS, how) });
    case "to_visit":
      if (row !== undefined && row.state === "scheduled" && Number(row.starts) > ledger.ledger.nowMs)
        ledger.advance(Number(row.starts) - ledger.ledger.nowMs);
      return act(worker, "check_in", { order, code: how % 19 === 0 ? DEPARTURE : ARRIVAL });
    case "check_out":
      ledger.advance((20 + (how % 5) * 30) * 60_000);
      return act(worker, "check_out", { order, code: DEPARTURE, proof: DIGEST });
    case "accept":
      return act(how % 13 === 0 ? provider : resident, "accept", { order });
    case "cancel":
      return act(resident, "cancel", { order });
    case "give_up":
      return act(provider, "give_up", { order });
    case "dispute":
      return act(how % 2 === 0 ? resident : provider, "dispute", { order, cause: DIGEST });
    case "resolve":
      return act("street/s@st", "resolve", resolution, how % 7 === 0 ? ["anna"] : ["anna", String(row?.provider)]);
    case "remove_item":
      return act(resident, "remove_item", { order });
    case "drop":
      return act(resident, "drop", { bundle });
    case "pay_out": {
      const payee = how % 2 === 0 ? "fix" : "anna";
      const purpose = payee === "fix" ? "payout" : "refund";
      const payment = { bank_ref: `R${how % 40}`, community: "linli", purpose, payee, fen: 1 + (how % 9_000) };
      return act("bank/teller@bk", "confirm_payout", payment);
    }
    default:
      ledger.advance((how % 6) * HOUR_MS);
      return undefined;
  }
}

/** Mostly one for which the attempt makes sense, so that histories go far; now and then any. */
function fitting(
  ledger: LibraryLedger,
  { table, ids, states = [] }: { table: string; ids: readonly string[]; states?: readonly string[] | undefined },
  which: number,
  how: number,
): string {
  const fit = ids.filter((id) => states.includes(String(ledger.row(`home-service.${table}`, id)?.state)));
  return fit.length > 0 && how % 6 > 0 ? pick(fit, which) : pick(ids, which);
}

const TO_BUNDLE: Readonly<Record<string, readonly string[]>> = {
  agree: ["composing"],
  fund: ["agreed"],
  drop: ["agreed"],
};
const TO_ORDER: Readonly<Record<string, readonly string[]>> = {
  quote: ["requested"],
  remove_item: ["requested"],
  schedule: ["quoted"],
  to_visit: ["scheduled"],
  check_out: ["in_service"],
  accept: ["delivered"],
  cancel: ["scheduled"],
  give_up: ["scheduled"],
  dispute: ["in_service", "delivered"],
  resolve: ["disputed"],
};

const ATTEMPTS = [
  ...["compose", "add_item", "add_item", "quote", "quote", "quote", "quote", "agree", "agree", "agree", "fund", "fund"],
  ...["schedule", "schedule", "schedule", "to_visit", "to_visit", "check_out", "check_out", "accept", "accept"],
  ...["cancel", "give_up", "dispute", "resolve", "remove_item", "drop", "pay_out", "wait"],
] as const;

type States = ReadonlyMap<string, string>;
const statesOf = (ledger: LibraryLedger, table: string): States =>
  new Map(ledger.rows(table).map(({ id, state }) => [String(id), String(state)]));

/** A step may make several moves of one row only where a timer came first. */
function reachable(moves: Readonly<Record<string, readonly string[]>>, from: string): ReadonlySet<string> {
  const found = new Set([from]);
  for (const state of found) for (const next of moves[state] ?? []) found.add(next);
  return found;
}

function checkMoves(before: States, after: States, moves: Readonly<Record<string, readonly string[]>>): void {
  for (const [id, state] of after) {
    const old = before.get(id);
    if (old !== undefined) expect([...reachable(moves, old)], `${id}: ${old} to ${state}`).toContain(state);
  }
  for (const id of before.keys()) expect(after.has(id)).toBe(true);
}

function checkMoney(ledger: LibraryLedger): void {
  const orders = ledger.rows("home-service.order");
  for (const { id, price, paid_out, paid_back, visits, state } of ledger.rows("home-service.bundle")) {
    const isPaid = state === "funded" || state === "closed";
    const mine = orders.filter(({ bundle, state: of }) => bundle === id && of !== "cancelled");
    const over = mine.filter((order) => OVER.includes(String(order.state)));
    const released = over.reduce((sum, order) => sum + Number(order.price), 0);
    // Never more than came in, never twice: what left the escrow is the price of the orders that ended, each once.
    expect(ledger.balance(`service-escrow:${String(id)}`)).toBe(isPaid ? Number(price) - released : 0);
    if (!isPaid) continue;
    expect(Number(paid_out) + Number(paid_back)).toBe(released);
    expect(Number(paid_back)).toBe(over.reduce((sum, order) => sum + Number(order.refunded), 0));
    expect(Number(visits)).toBe(mine.length - over.length);
    expect(state === "closed").toBe(visits === 0);
  }
  for (const { id, open } of ledger.rows("service-directory.offer")) {
    const live = orders.filter(({ offer, state }) => offer === id && ![...OVER, "requested"].includes(String(state)));
    expect(open).toBe(live.length);
  }
}

function checkVisits(ledger: LibraryLedger): void {
  const bookings = ledger.rows("home-service.booking");
  for (const [index, one] of bookings.entries())
    for (const other of bookings.slice(index + 1))
      if (one.worker === other.worker)
        expect(Number(one.until) <= Number(other.starts) || Number(other.until) <= Number(one.starts)).toBe(true);
}

describe("packages", () => {
  test("L300: in any history no money is released twice, nothing is lost, no state is reached outside the flow, no visits overlap", () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(steps(120), (history) => {
        const ledger = market();
        for (const step of history) {
          const orders = statesOf(ledger, "home-service.order");
          const bundles = statesOf(ledger, "home-service.bundle");
          attempt(ledger, step);
          const after = [statesOf(ledger, "home-service.order"), statesOf(ledger, "home-service.bundle")] as const;
          checkMoves(orders, after[0], ORDER_MOVES);
          checkMoves(bundles, after[1], BUNDLE_MOVES);
          for (const states of after) for (const state of states.values()) reached.add(state);
          checkMoney(ledger);
          checkVisits(ledger);
        }
        expect(Number(ledger.ledger.money())).toBe(0);
      }),
      { numRuns: 60, seed: 20_261_123 },
    );
    // The histories go all the way: every state of an order and of a package is reached.
    expect([...reached].sort()).toEqual(
      [...new Set([...Object.keys(ORDER_MOVES), ...OVER, ...Object.keys(BUNDLE_MOVES), "closed"])].sort(),
    );
  });
});

describe("ratings", () => {
  const ORGANISATIONS = ["fix", "two"];

  test("L301: every score is that of the events: (20 x 6000 + stars x 2000) / (20 + n), and none below ten ratings", () => {
    let published = 0;
    fc.assert(
      fc.property(steps(70), (history) => {
        const ledger = new LibraryLedger(CONTRACTS, START_MS);
        for (let order = 0; order < 40; order += 1)
          ledger.put("service-rating.ended", {
            source: "home-service",
            order: `o${order}`,
            resident: `r${order % 13}`,
            organisation: pick(ORGANISATIONS, order),
            at: START_MS,
          });
        for (const organisation of ORGANISATIONS) ledger.put("service-rating.figures", { organisation, ended: 20 });
        for (const [what, who, which, how] of history) {
          const fields = { source: "home-service", order: `o${which % 40}`, text: DIGEST, stars: 1 + (how % 5) };
          const as = `owner/r${who % 5 === 0 ? who % 13 : (which % 40) % 13}`;
          if (what % 29 === 0) ledger.advance(DAY_MS);
          else ledger.act({ as, do: `service-rating.${what % 4 === 0 ? "correct" : "rate"}`, with: fields });
        }
        for (const organisation of ORGANISATIONS) {
          const of = ledger.events
            .map(({ name, fields }) => ({ name, ...Object.fromEntries(fields) }) as Fields & { readonly name: string })
            .filter((event) => event.organisation === organisation);
          const rated = of.filter(({ name }) => name === "rated");
          const corrected = of.filter(({ name }) => name === "corrected");
          const stars =
            rated.reduce((sum, event) => sum + Number(event.stars), 0) +
            corrected.reduce((sum, event) => sum + Number(event.stars) - Number(event.before), 0);
          const score = rated.length < 10 ? 0 : Math.floor((20 * 6_000 + stars * 2_000) / (20 + rated.length));
          const standing = ledger.row("service-rating.standing", organisation, "orders");
          expect(standing?.score_bp ?? 0).toBe(score);
          expect(standing?.ratings ?? 0).toBe(rated.length);
          if (score > 0) published += 1;
        }
      }),
      { numRuns: 60, seed: 20_261_123 },
    );
    expect(published).toBeGreaterThan(20);
  });
});

describe("matches", () => {
  const offers = fc.array(
    fc.record({
      hour_fen: fc.integer({ min: 1, max: 20_000 }),
      distance: fc.integer({ min: 0, max: 3 }),
      open: fc.integer({ min: 0, max: 2 }),
      isLicensed: fc.boolean(),
      score: fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: undefined }),
      onTime: fc.option(fc.integer({ min: 0, max: 10_000 }), { nil: undefined }),
    }),
    { minLength: 0, maxLength: 16 },
  );

  test("L302: the order of offers is the one that anybody works out: 40, 25, 20 and 15 parts, and lots where points are equal", () => {
    fc.assert(
      fc.property(offers, fc.constantFrom("composite", "price", "draw"), fc.nat(9), (given, mode, number) => {
        const ledger = new LibraryLedger(CONTRACTS, START_MS);
        const match = `m${number}`;
        ledger.put("registry.community", { id: "linli", street: "st", committee: "yw" });
        for (const [index, { hour_fen, distance, open, isLicensed, score, onTime }] of given.entries()) {
          const organisation = `org${index}`;
          const place = { organisation, community: "linli", kind: "cleaning", state: "listed" };
          ledger.put("service-directory.offer", { id: `f${index}`, ...place, hour_fen, distance, open, capacity: 2 });
          const until = isLicensed ? FAR_MS : START_MS;
          ledger.put("service-directory.licence", { organisation, kind: "cleaning", until, state: "valid" });
          if (score !== undefined)
            ledger.put("service-rating.standing", {
              organisation,
              basis: "orders",
              score_bp: score,
              state: "published",
            });
          if (onTime !== undefined)
            ledger.put("service-rating.figures", { organisation, ended: 20, on_time_bp: onTime, state: "published" });
        }
        const act = (name: string, fields: Fields) =>
          expect(ledger.act({ as: "owner/anna", do: `service-directory.${name}`, with: fields })).toBeUndefined();
        act("open_match", { id: match, community: "linli", kind: "cleaning", mode });
        for (const index of given.keys()) act("nominate", { match, offer: `f${index}` });
        act("rank", { match });
        const fit = given
          .map((offer, index) => ({ ...offer, id: `f${index}`, lot: sha256(`${match}/org${index}`) }))
          .filter(({ isLicensed, open }) => isLicensed && open < 2);
        const cheapest = Math.min(...fit.map(({ hour_fen }) => hour_fen));
        const pointsOf = (offer: (typeof fit)[number]): number => {
          if (mode === "draw") return 0;
          const price = Math.floor((cheapest * 10_000) / offer.hour_fen);
          if (mode === "price") return price;
          const near = 10_000 - 3_000 * offer.distance;
          return Math.floor(
            (40 * (offer.score ?? 6_000) + 25 * (offer.onTime ?? 6_000) + 20 * price + 15 * near) / 100,
          );
        };
        const expected = fit.toSorted(
          (one, other) => pointsOf(other) - pointsOf(one) || Buffer.compare(one.lot, other.lot),
        );
        const row = ledger.row("service-directory.match", match);
        expect(row?.offers).toEqual(expected.map(({ id }) => id));
        expect(row?.scores).toEqual(expected.map(pointsOf));
      }),
      { numRuns: 150, seed: 20_261_123 },
    );
  });
});
