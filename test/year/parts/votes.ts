// Votes of the owners: assemblies and votes of single buildings, from the sealed roll to the effect, with ballots of heads, by
// proxy and on paper, sealed for three organisations and opened with the keys of two. Counted again from the choices alone.

import {
  type BallotKey,
  type KeyHolder,
  newBallotKey,
  openBallot,
  type SealedBallot,
  sealBallot,
} from "../../../src/client/ballot.ts";
import type { CallRequest } from "../../../src/client/transaction.ts";
import { type Choice, outcomeOf, tallyOf, type Weight } from "../books/tally.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, HOUR_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";
import { inBundles } from "../registration.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";

export const NOTICE_DAYS = 15;
const WINDOW_DAYS = 8;
const COUNTING_DAYS = 5;
const DISPLAY_DAYS = 15;
/** From the notice to the effect, with the hours in between. */
export const VOTE_DAYS = NOTICE_DAYS + WINDOW_DAYS + DISPLAY_DAYS + 1;
const TURNOUT_PER_MILLE = 850;
const AGAINST_PER_MILLE = 250;
const ABSTAIN_PER_MILLE = 80;
const PAPER_PER_MILLE = 30;
const PRINCIPALS_MAX = 3;
const HOLDERS = [
  { organisation: "street", account: "street-officer" },
  { organisation: "committee", account: "committee-chair" },
  { organisation: "residents", account: "residents-chair" },
] as const;
const SPECIAL = new Set(["fund_raise", "rebuild", "common_use"]);

export interface Matter {
  readonly id: string;
  readonly kind: "fund_use" | "fund_raise" | "other_major" | "committee" | "rules";
  readonly decision: string;
  /** stands for the text */
  readonly text: Uint8Array;
  /** day of the notice */
  readonly day: number;
  /** "": the whole community */
  readonly building: string;
  /** what people think of it: those against, of 1,000 who take part */
  readonly againstPerMille?: number;
  /** once it has taken effect */
  readonly onCarried?: () => Promise<void>;
}

interface Held {
  readonly matter: Matter;
  readonly roll: ReadonlyMap<string, number>;
  readonly ballots: Map<string, Choice>;
  readonly sealed: Map<string, SealedBallot>;
  state: "noticed" | "open" | "closed" | "tallied" | "published" | "decided";
}

export class Votes implements Part {
  readonly title = { zh: "业主共同决定", en: "Votes of the owners" };
  private readonly year: Year;
  private readonly owners: Owners;
  private readonly matters: Matter[] = [];
  private readonly held: Held[] = [];
  private readonly verified = new Set<string>();

  constructor(year: Year, owners: Owners) {
    this.year = year;
    this.owners = owners;
  }

  /** Puts a matter to the vote, when the year is long enough for its effect. @returns whether it is */
  convene(matter: Matter): boolean {
    if (matter.day + VOTE_DAYS + 1 > this.year.days) return false;
    this.matters.push(matter);
    return true;
  }

  play(): void {
    for (const matter of this.matters) this.year.world.play(() => this.hold(matter));
  }

  private async hold(matter: Matter): Promise<void> {
    const { world, draw } = this.year;
    await world.until(at(matter.day, 8, 20));
    const roll = this.rollOf(matter);
    const held: Held = { matter, roll, ballots: new Map(), sealed: new Map(), state: "noticed" };
    const keys = HOLDERS.map(({ organisation }) => newBallotKey(draw.digest(`key:${matter.id}:${organisation}`)));
    await this.postNotice(matter, roll, keys);
    this.held.push(held);
    const opensMs = world.nowMs + NOTICE_DAYS * DAY_MS;
    const closesMs = opensMs + WINDOW_DAYS * DAY_MS;
    const voters = [...roll.keys()].filter((head) => draw.chance(TURNOUT_PER_MILLE, `turnout:${matter.id}:${head}`));
    const agents = await this.verifyAgents(matter, voters);
    for (const [index, head] of voters.entries()) {
      const agent = agents[Math.floor(index / PRINCIPALS_MAX)];
      const isPrincipal = agent !== undefined && !agents.includes(head) && index < agents.length * PRINCIPALS_MAX;
      world.play(() => this.castBallot(held, head, { opensMs, keys, agent: isPrincipal ? agent : undefined }));
    }
    await world.until(opensMs + SETTLED_MS);
    held.state = "open";
    await world.until(closesMs + SETTLED_MS);
    held.state = "closed";
    await this.refuseLate(held, keys);
    await this.count(held, keys);
    await world.until(world.nowMs + DISPLAY_DAYS * DAY_MS + SETTLED_MS);
    held.state = "decided";
    if (this.reasonOf(held) === "carried") await matter.onCarried?.();
  }

  /** Those who own a unit on that day, in the building or anywhere, with the area of their units there. */
  private rollOf({ building, day }: Matter): ReadonlyMap<string, number> {
    const roll = new Map<string, number>();
    for (const unit of this.year.cast.community.units) {
      if (building !== "" && unit.building !== building) continue;
      const head = this.owners.ownerOn(unit, day);
      roll.set(head, (roll.get(head) ?? 0) + unit.areaCm2);
    }
    return roll;
  }

  private async postNotice(
    matter: Matter,
    roll: ReadonlyMap<string, number>,
    keys: readonly BallotKey[],
  ): Promise<void> {
    const { world, code, draw } = this.year;
    const { id, building, kind, decision, text } = matter;
    const scope = building === "" ? "community" : "building";
    await world.act("registrar", "registry.open_roll", { id, community: code, scope, building });
    await inBundles(world, "registrar", [...roll.keys()], (head) => call("registry.enter_roll", { roll: id, head }));
    await world.act("registrar", "registry.seal_roll", { roll: id });
    const chair = "committee-chair";
    await world.act(chair, "owners-vote.draft", { id, community: code, kind, decision, text_hash: text, petition: "" });
    await world.act(chair, "owners-vote.seal", {
      motion: id,
      roll: id,
      notice_days: NOTICE_DAYS,
      window_days: WINDOW_DAYS,
      counting_days: COUNTING_DAYS,
      holders: HOLDERS.map(({ organisation }) => organisation),
    });
    await Promise.all(
      HOLDERS.map(({ account }, index) => {
        const key = keys[index];
        if (key === undefined) throw new RangeError("a key for each organisation");
        const given = { motion: id, public: key.publicKey, secret_hash: key.secretHash };
        return world.act(account, "owners-vote.offer_key", given);
      }),
    );
    await world.act(chair, "owners-vote.post_notice", { motion: id, notice_hash: draw.digest(`notice:${id}`) });
  }

  /** The street office knows who that is: only such owners act for others, or stand for the committee. */
  async verifyOwner(account: string): Promise<void> {
    if (this.verified.has(account)) return;
    this.verified.add(account);
    const { world, code, draw } = this.year;
    const id = `p-${account}`;
    const commitment = draw.digest(`person:${id}`);
    const person = { id, community: code, account, commitment, sig_level: "own_device", firm_staff: false };
    const calls = [call("holders.apply", person), call("holders.verify", { id, tag: draw.digest(`tag:${id}`) })];
    await world.send({ account: "registrar", calls });
  }

  /** A few owners act for others. */
  private async verifyAgents({ building }: Matter, voters: readonly string[]): Promise<readonly string[]> {
    const agents = building === "" ? voters.slice(-4) : [];
    await Promise.all(agents.map((account) => this.verifyOwner(account)));
    return agents;
  }

  private async castBallot(
    held: Held,
    head: string,
    given: { readonly opensMs: number; readonly keys: readonly BallotKey[]; readonly agent: string | undefined },
  ): Promise<void> {
    const { world, draw } = this.year;
    const { id, againstPerMille = AGAINST_PER_MILLE, text } = held.matter;
    const label = `${id}:${head}`;
    const { opensMs, keys, agent } = given;
    const isPaper = agent === undefined && draw.chance(PAPER_PER_MILLE, `paper:${label}`);
    if (agent !== undefined) {
      await world.until(opensMs - 5 * DAY_MS);
      const until = opensMs + (WINDOW_DAYS + 1) * DAY_MS;
      await world.act(head, "holders.grant_proxy", {
        scope: id,
        agent,
        until,
        written_hash: draw.digest(`proxy:${label}`),
      });
    }
    const hours = 10 + draw.below(11, `vote-hour:${label}`) + 24 * draw.below(WINDOW_DAYS - 1, `vote-day:${label}`);
    await world.until(opensMs + hours * HOUR_MS);
    const drawn = draw.below(1_000, `choice:${label}`);
    const choice: Choice =
      drawn < againstPerMille ? "against" : drawn < againstPerMille + ABSTAIN_PER_MILLE ? "abstain" : "for";
    const { commitment, sealed } = await sealBallot(
      { motion: id, head },
      choice,
      keys.map(({ publicKey }) => publicKey),
    );
    const ballot = { commitment, sealed };
    if (isPaper) {
      const entry = { motion: id, head, ...ballot, scan_hash: draw.digest(`scan:${label}`) };
      await world.act("residents-chair", "owners-vote.enter_paper", entry);
      await world.act("committee-deputy", "owners-vote.confirm_paper", { motion: id, head, commitment });
    } else if (agent !== undefined) {
      await world.act(agent, "owners-vote.vote_by_proxy", { motion: id, head, text_hash: text, ...ballot });
    } else await world.act(head, "owners-vote.vote", { motion: id, text_hash: text, ...ballot });
    held.ballots.set(head, choice);
    held.sealed.set(head, ballot);
    // Somebody votes again: the first ballot stays.
    if (!draw.chance(15, `votes-twice:${label}`)) return;
    await world.expectRefusal({
      account: head,
      calls: [call("owners-vote.vote", { motion: id, text_hash: text, ...ballot })],
    });
  }

  private async refuseLate({ matter, roll, ballots }: Held, keys: readonly BallotKey[]): Promise<void> {
    const late = [...roll.keys()].find((head) => !ballots.has(head));
    if (late === undefined) return;
    const of = { motion: matter.id, head: late };
    const { commitment, sealed } = await sealBallot(
      of,
      "for",
      keys.map(({ publicKey }) => publicKey),
    );
    const vote = call("owners-vote.vote", { motion: matter.id, text_hash: matter.text, commitment, sealed });
    await this.year.world.expectRefusal({ account: late, calls: [vote] });
  }

  /** The organisations publish their keys; with two of them every ballot is opened. */
  private async count(held: Held, keys: readonly BallotKey[]): Promise<void> {
    const { world, draw } = this.year;
    const motion = held.matter.id;
    await Promise.all(
      HOLDERS.map(({ account }, index) =>
        world.act(account, "owners-vote.publish_key", { motion, secret: keys[index]?.secret ?? new Uint8Array(0) }),
      ),
    );
    const published = keys.map(
      ({ publicKey, secret }, index): KeyHolder => ({ publicKey, secret: index === 0 ? undefined : secret }),
    );
    const openings: CallRequest[] = [];
    for (const [head, ballot] of held.sealed) {
      const opening = await openBallot({ motion, head }, ballot, published);
      if (opening !== undefined) openings.push(call("owners-vote.open_ballot", { motion, head, ...opening }));
    }
    await inBundles(world, "residents-chair", openings, (opening) => opening);
    await world.act("residents-chair", "owners-vote.tally", { motion });
    held.state = "tallied";
    await world.act("committee-chair", "owners-vote.publish", { motion, result_hash: draw.digest(`result:${motion}`) });
    held.state = "published";
  }

  /** Who agreed to a matter, by heads and area. */
  consenting(id: string): Weight {
    const held = this.held.find(({ matter }) => matter.id === id);
    return held === undefined ? { heads: 0, area: 0 } : tallyOf(held.roll, held.ballots).for;
  }

  private reasonOf({ matter, roll, ballots }: Held): string {
    return outcomeOf(tallyOf(roll, ballots), SPECIAL.has(matter.kind));
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    await ledger.each(this.held, async (held) => {
      const { matter, roll, ballots, state } = held;
      const row = await ledger.row("owners-vote.motion", matter.id);
      const { roll: all, cast, for: consenting, against, abstain } = tallyOf(roll, ballots);
      const reason = this.reasonOf(held);
      checks.row(
        `motion ${matter.id}`,
        { roll_heads: all.heads, roll_area: all.area, cast_heads: cast.heads, cast_area: cast.area },
        row,
      );
      const isCounted = state === "tallied" || state === "published" || state === "decided";
      if (!isCounted) return checks.equal(`motion ${matter.id} state`, state, row?.state);
      const decided = reason === "carried" ? "effective" : reason.startsWith("quorum") ? "no_quorum" : "rejected";
      checks.row(
        `motion ${matter.id}`,
        {
          for_heads: consenting.heads,
          for_area: consenting.area,
          against_heads: against.heads,
          against_area: against.area,
          abstain_heads: abstain.heads,
          abstain_area: abstain.area,
          reason,
          state: state === "decided" ? decided : state,
        },
        row,
      );
      await ledger.each(ballots, async ([head, choice]) => {
        const ballot = { choice, area: roll.get(head) ?? 0 };
        checks.row(`ballot ${matter.id} ${head}`, ballot, await ledger.row("owners-vote.ballot", matter.id, head));
      });
    });
    checkCount(checks, "motions", this.held.length, await ledger.list("owners-vote.motion"));
    const ballots = this.held.reduce((sum, held) => sum + held.ballots.size, 0);
    checkCount(checks, "ballots", ballots, await ledger.list("owners-vote.ballot"));
  }

  figures(): readonly string[] {
    return this.held.map((held) => {
      const { matter, roll, ballots, state } = held;
      const { cast, for: consenting } = tallyOf(roll, ballots);
      const result = state === "decided" || state === "published" ? this.reasonOf(held) : state;
      return `${matter.id} (${matter.decision}): 名册 roll ${roll.size}, 参与 cast ${cast.heads}, 同意 for ${consenting.heads}, ${result}`;
    });
  }
}
