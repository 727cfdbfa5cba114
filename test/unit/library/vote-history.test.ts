// Random votes of the owners against an independent computation in plain TypeScript: who took part, what was opened, what the law makes of it.
// It knows the law's inequalities and the form of a ballot, and nothing of the contract's text.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "#sha256";
import {
  type BallotKey,
  CHOICES,
  type Choice,
  commitmentOf,
  newBallotKey,
  openBallot,
  type SealedBallot,
  sealBallot,
} from "../../../src/client/ballot.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { compileLibrary, type Fields, LibraryLedger } from "./library-ledger.ts";

const CONTRACTS = compileLibrary(["governance", "registry", "holders", "polls", "owners-vote"]);
const DAY_MS = 86_400_000;
const TEXT = digest("text");
const HOLDERS = ["jd", "yw", "jw"];
const ROLES: Readonly<Record<string, string>> = { jd: "street", yw: "committee", jw: "resident_committee" };
const SPECIAL = ["fund_raise", "rebuild", "common_use"];
/** cm², so that area and heads disagree now and then */
const AREAS = [562_300, 685_200, 893_700, 1_120_500, 1_386_600, 1_764_000, 30_000_000];

interface Ballot {
  readonly head: number;
  readonly choice: Choice;
  readonly way: "own" | "proxy" | "paper";
  /** what is wrong with it; a spoilt one is accepted and never opens */
  readonly fault: "none" | "spoilt" | "late" | "twice";
}

interface Vote {
  readonly kind: string;
  readonly areas: readonly number[];
  readonly ballots: readonly Ballot[];
}

const VOTES: fc.Arbitrary<Vote> = fc
  .record({
    kind: fc.constantFrom("rules", "firm", "fund_use", "fund_raise", "rebuild", "common_use", "business_use"),
    areas: fc.array(fc.constantFrom(...AREAS), { minLength: 1, maxLength: 24 }),
  })
  .chain(({ kind, areas }) =>
    fc
      .array(
        fc.record({
          head: fc.nat({ max: areas.length - 1 }),
          choice: fc.constantFrom<Choice>("for", "for", "for", "against", "abstain"),
          way: fc.constantFrom("own", "own", "proxy", "paper"),
          fault: fc.constantFrom("none", "none", "none", "none", "none", "spoilt", "late", "twice"),
        }),
        { maxLength: 40 },
      )
      .map((ballots) => ({ kind, areas, ballots })),
  );

describe("owners' votes", () => {
  test("L210: no ballot counts twice, and the result follows from the ballots that were first and the law alone", () => {
    fc.assert(
      fc.property(VOTES, fc.infiniteStream(fc.nat({ max: 1_000 })), (vote, order) => {
        const ledger = opened(vote);
        const first = cast(ledger, vote);
        expect(live(ledger)).toEqual(weigh(vote, [...first.keys()]));
        ledger.advance(10 * DAY_MS);
        const readable = [...first].filter(([, ballot]) => ballot.fault !== "spoilt");
        // In any order, each twice, the second time with another choice.
        const shuffled = readable.map((entry) => ({ entry, draw: order.next().value ?? 0 }));
        shuffled.sort((left, right) => left.draw - right.draw);
        for (const { entry } of shuffled) {
          const [head, { choice }] = entry;
          expect(open(ledger, head, choice)).toBeUndefined();
          expect(open(ledger, head, choice === "for" ? "against" : "for")).toBe("owners-vote.open_ballot.require[1]");
        }
        publishKeys(ledger, ["jd", "yw"]);
        ledger.advance(5 * DAY_MS);
        if (motion(ledger).state === "closed")
          expect(ledger.act({ as: "owner/h0", do: "owners-vote.tally", with: { motion: "m" } })).toBeUndefined();
        const consenting = readable.filter(([, { choice }]) => choice === "for").map(([head]) => head);
        const expected = reasonOf(vote, [...first.keys()], consenting);
        expect(motion(ledger)).toMatchObject({ state: "tallied", reason: expected });
        publishResult(ledger);
        ledger.advance(15 * DAY_MS - 1);
        expect(motion(ledger).state).toBe("published");
        ledger.advance(1);
        expect(motion(ledger).state).toBe(
          expected === "carried" ? "effective" : expected.startsWith("quorum") ? "no_quorum" : "rejected",
        );
      }),
      { numRuns: 60 },
    );
  });

  test("L211: the tally is what anybody adds up from the rows of the ballots", () => {
    fc.assert(
      fc.property(VOTES, (vote) => {
        const ledger = opened(vote);
        const first = cast(ledger, vote);
        ledger.advance(10 * DAY_MS);
        for (const [head, { choice, fault }] of first) if (fault !== "spoilt") open(ledger, head, choice);
        const rows = ledger.rows("owners-vote.ballot");
        const row = motion(ledger);
        for (const choice of CHOICES) {
          const chosen = rows.filter((ballot) => ballot.choice === choice);
          const area = chosen.reduce((sum, ballot) => sum + Number(ballot.area), 0);
          expect([row[`${choice}_heads`], row[`${choice}_area`]]).toEqual([chosen.length, area]);
        }
        expect(row.cast_heads).toBe(rows.length);
      }),
      { numRuns: 40 },
    );
  });

  test("L212: before voting has closed neither rows nor events tell a choice, and afterwards no event does", () => {
    const choices: readonly Choice[] = ["for", "against", "abstain", "for", "for", "against"];
    const observed = [choices, choices.map((): Choice => "against")].map((chosen) => {
      const vote: Vote = {
        kind: "firm",
        areas: choices.map((_, index) => 100_000 * (index + 1)),
        ballots: chosen.map((choice, head) => ({ head, choice, way: "own", fault: "none" })),
      };
      const ledger = opened(vote);
      cast(ledger, vote);
      const seen = ledger
        .rows("owners-vote.ballot")
        .map(({ commitment: _, sealed: __, ...rest }) => rest)
        .concat(motion(ledger));
      ledger.advance(10 * DAY_MS);
      for (const [head, choice] of chosen.entries()) open(ledger, `h${head}`, choice);
      return JSON.stringify([seen, ledger.events]);
    });
    expect(observed[0]).toBe(observed[1]);
  });

  test("L213: what the client seals, anybody opens with the keys that the ledger publishes", async () => {
    const keys = new Map(HOLDERS.map((organisation) => [organisation, newBallotKey()]));
    const vote: Vote = { kind: "firm", areas: [100, 200, 300], ballots: [] };
    const ledger = opened(vote, keys);
    const publics = HOLDERS.map((organisation) => keys.get(organisation)?.publicKey ?? new Uint8Array(32));
    for (const [head, choice] of CHOICES.entries()) {
      const ballot = await sealBallot({ motion: "m", head: `h${head}` }, choice, publics);
      expect(castOne(ledger, `owner/h${head}`, ballot)).toBeUndefined();
    }
    ledger.advance(10 * DAY_MS);
    publishKeys(ledger, ["jw", "jd"], keys);
    const published = HOLDERS.map((organisation) => {
      const row = ledger.row("owners-vote.ballot_key", "m", organisation);
      const secret = bytes(row?.secret);
      return { publicKey: bytes(row?.public), secret: secret.length === 0 ? undefined : secret };
    });
    for (const row of ledger.rows("owners-vote.ballot")) {
      const of = { motion: "m", head: String(row.head) };
      const opening = await openBallot(of, { commitment: bytes(row.commitment), sealed: bytes(row.sealed) }, published);
      const call = { as: "provider/x", do: "owners-vote.open_ballot", with: { ...of, ...opening } };
      expect(ledger.act(call)).toBeUndefined();
    }
    expect(motion(ledger)).toMatchObject({ for_heads: 1, for_area: 100, against_area: 200, abstain_area: 300 });
  });
});

// ---- the law, written a second time ----

function reasonOf(vote: Vote, participating: readonly string[], consenting: readonly string[]): string {
  const total = weigh(
    vote,
    [...vote.areas.keys()].map((index) => `h${index}`),
  );
  const cast = weigh(vote, participating);
  const yes = weigh(vote, consenting);
  if (vote.kind === "business_use") return yes.heads === total.heads ? "carried" : "not_unanimous";
  const quorum = (part: number, whole: number) => 3 * part >= 2 * whole;
  const consent = (part: number, whole: number) =>
    SPECIAL.includes(vote.kind) ? 4 * part >= 3 * whole : 2 * part > whole;
  return (
    failing("quorum", quorum(cast.area, total.area), quorum(cast.heads, total.heads)) ??
    failing("consent", consent(yes.area, cast.area), consent(yes.heads, cast.heads)) ??
    "carried"
  );
}

function failing(what: string, area: boolean, heads: boolean): string | undefined {
  if (area && heads) return undefined;
  return `${what}_${area ? "heads" : heads ? "area" : "both"}`;
}

function weigh({ areas }: Vote, heads: readonly string[]): { readonly heads: number; readonly area: number } {
  return { heads: heads.length, area: heads.reduce((sum, head) => sum + (areas[Number(head.slice(1))] ?? 0), 0) };
}

// ---- the vote on the ledger ----

/** A motion that is open for votes, with a roll of heads h0, h1, ... */
function opened({ kind, areas }: Vote, keys?: ReadonlyMap<string, BallotKey>): LibraryLedger {
  const ledger = new LibraryLedger(CONTRACTS, 0);
  const scope = kind === "business_use" ? "interested" : "community";
  const roll = { heads: areas.length, area: areas.reduce((sum, area) => sum + area, 0) };
  ledger.put("registry.community", { id: "linli", street: "jd", committee: "yw", firm: "wy" });
  ledger.put("registry.roll", { id: "r", community: "linli", scope, state: "sealed", ...roll });
  for (const [index, area] of areas.entries()) {
    ledger.put("registry.roll_entry", { roll: "r", head: `h${index}`, area });
    ledger.put("holders.proxy", {
      scope: "m",
      principal: `h${index}`,
      agent: "agent",
      until: 99 * DAY_MS,
      state: "granted",
    });
  }
  const by = (action: string, args: Fields) =>
    expect(ledger.act({ as: "committee/c@yw", do: `owners-vote.${action}`, with: args })).toBeUndefined();
  by("draft", { id: "m", community: "linli", kind, decision: "d", text_hash: TEXT, petition: "" });
  by("seal", { motion: "m", roll: "r", notice_days: 15, window_days: 10, counting_days: 5, holders: HOLDERS });
  for (const organisation of HOLDERS) {
    const key = keys?.get(organisation);
    const given = key ?? { publicKey: digest(organisation), secretHash: sha256(secretOf(organisation)) };
    const args = { motion: "m", public: given.publicKey, secret_hash: given.secretHash };
    const as = `${ROLES[organisation]}/x@${organisation}`;
    expect(ledger.act({ as, do: "owners-vote.offer_key", with: args })).toBeUndefined();
  }
  by("post_notice", { motion: "m", notice_hash: digest("notice") });
  ledger.advance(15 * DAY_MS);
  return ledger;
}

/** Casts all ballots, in their order. @returns those that count: the first of each head */
function cast(ledger: LibraryLedger, { ballots }: Vote): ReadonlyMap<string, Ballot> {
  const first = new Map<string, Ballot>();
  const late: Ballot[] = [];
  for (const ballot of ballots) {
    if (ballot.fault === "late") {
      late.push(ballot);
      continue;
    }
    const head = `h${ballot.head}`;
    const isFirst = !first.has(head);
    expect(castAs(ledger, ballot) === undefined).toBe(isFirst);
    if (isFirst) first.set(head, ballot);
    if (ballot.fault === "twice") expect(castAs(ledger, { ...ballot, way: "own" })).toBe("owners-vote.vote.require[4]");
  }
  // What comes when voting has closed changes nothing.
  const before = live(ledger);
  const open = ledger.ledger.nowMs;
  ledger.ledger.nowMs = open + 10 * DAY_MS;
  for (const ballot of late) expect(castAs(ledger, ballot)).toBeDefined();
  ledger.ledger.nowMs = open;
  expect(live(ledger)).toEqual(before);
  return first;
}

function castAs(ledger: LibraryLedger, { head, choice, way, fault }: Ballot): string | undefined {
  const of = { motion: "m", head: `h${head}` };
  const salt = fault === "spoilt" ? digest("nobody knows") : saltOf(of.head);
  const ballot = { commitment: commitmentOf(of, { choice, salt }), sealed: new Uint8Array(32 + 49 * HOLDERS.length) };
  if (way === "own") return castOne(ledger, `owner/${of.head}`, ballot);
  if (way === "proxy") return castOne(ledger, "owner/agent", ballot, of.head);
  const scan_hash = digest("scan");
  const entered = ledger.act({
    as: "committee/c@yw",
    do: "owners-vote.enter_paper",
    with: { ...of, ...ballot, scan_hash },
  });
  if (entered !== undefined) return entered;
  const { commitment } = ballot;
  return ledger.act({ as: "street/s@jd", do: "owners-vote.confirm_paper", with: { ...of, commitment } });
}

function castOne(
  ledger: LibraryLedger,
  as: string,
  { commitment, sealed }: SealedBallot,
  head?: string,
): string | undefined {
  const args = { motion: "m", text_hash: TEXT, commitment, sealed };
  if (head === undefined) return ledger.act({ as, do: "owners-vote.vote", with: args });
  return ledger.act({ as, do: "owners-vote.vote_by_proxy", with: { ...args, head } });
}

function open(ledger: LibraryLedger, head: string, choice: Choice): string | undefined {
  const args = { motion: "m", head, choice, salt: saltOf(head) };
  return ledger.act({ as: "provider/anybody", do: "owners-vote.open_ballot", with: args });
}

function publishKeys(
  ledger: LibraryLedger,
  organisations: readonly string[],
  keys?: ReadonlyMap<string, BallotKey>,
): void {
  for (const organisation of organisations) {
    const secret = keys?.get(organisation)?.secret ?? secretOf(organisation);
    const as = `${ROLES[organisation]}/x@${organisation}`;
    expect(ledger.act({ as, do: "owners-vote.publish_key", with: { motion: "m", secret } })).toBeUndefined();
  }
}

function publishResult(ledger: LibraryLedger): void {
  const args = { motion: "m", result_hash: digest("result") };
  expect(ledger.act({ as: "committee/c@yw", do: "owners-vote.publish", with: args })).toBeUndefined();
}

function motion(ledger: LibraryLedger): Fields {
  return ledger.row("owners-vote.motion", "m") ?? {};
}

function live(ledger: LibraryLedger): { readonly heads: Value; readonly area: Value } {
  const { cast_heads, cast_area } = motion(ledger);
  return { heads: cast_heads ?? null, area: cast_area ?? null };
}

function bytes(value: Value | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

function digest(text: string): Uint8Array {
  return sha256(new TextEncoder().encode(text));
}

const saltOf = (head: string) => digest(`salt:${head}`);
const secretOf = (organisation: string) => digest(`secret:${organisation}`);
