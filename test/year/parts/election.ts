// The election of the owners' committee: candidates stand, each is voted on by all owners, those elected constitute the committee,
// and it is filed. Who is elected is what the count of each vote says.

import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";
import { VOTE_DAYS, type Votes } from "./votes.ts";

const ID = "committee-2027";
const CALL_DAY = 200;
const STANDING_DAYS = 10;
const VOTE_DAY = CALL_DAY + STANDING_DAYS + 1;
const SEATS = 5;
/** The list of those elected stands for three days before the committee is constituted. */
const ENTRY_DAYS = 4;
const TERM_MONTHS = 36;

export class Election implements Part {
  readonly title = { zh: "业委会选举", en: "Election of the committee" };
  private readonly year: Year;
  private readonly votes: Votes;
  private readonly candidates: readonly string[];
  private readonly elected: string[] = [];
  private readonly isPlayed: boolean;
  private state: "standing" | "voting" | "constituted" | "failed" = "standing";

  constructor(year: Year, owners: Owners, votes: Votes) {
    this.year = year;
    this.votes = votes;
    const { cast, draw } = year;
    const people = cast.community.units
      .filter((unit) => unit.use === "home" && !owners.isSold(unit))
      .map(({ head }) => head);
    const persons = new Set(cast.community.heads.filter(({ kind }) => kind === "person").map(({ id }) => id));
    this.candidates = draw
      .shuffled(
        [...new Set(people)].filter((id) => persons.has(id)),
        "candidates",
      )
      .slice(0, SEATS);
    const convened = this.candidates.map((head, index) =>
      votes.convene({
        id: `elect-${index + 1}`,
        kind: "committee",
        decision: `elect:${ID}:${head}`,
        text: draw.digest(`elect:${head}`),
        day: VOTE_DAY,
        building: "",
        againstPerMille: 180 + 10 * index,
        onCarried: () => this.takeIn(head, `elect-${index + 1}`),
      }),
    );
    this.isPlayed = convened.length === SEATS && convened.every((isConvened) => isConvened);
  }

  play(): void {
    if (this.isPlayed) this.year.world.play(() => this.hold());
  }

  private async hold(): Promise<void> {
    const { world, code, draw } = this.year;
    await world.until(at(CALL_DAY, 9));
    const given = { id: ID, community: code, seats: SEATS, term_months: TERM_MONTHS, standing_days: STANDING_DAYS };
    await world.expectRefusal({
      account: "committee-chair",
      calls: [call("committee-election.call", { ...given, seats: SEATS + 1 })],
    });
    await world.act("committee-chair", "committee-election.call", given);
    const calledMs = world.nowMs;
    for (const [index, head] of this.candidates.entries()) {
      await world.until(at(CALL_DAY + 1 + index, 18));
      await this.votes.verifyOwner(head);
      await world.act(head, "committee-election.stand", {
        election: ID,
        programme_hash: draw.digest(`programme:${head}`),
      });
    }
    await world.until(calledMs + STANDING_DAYS * DAY_MS + SETTLED_MS);
    this.state = this.candidates.length >= SEATS ? "voting" : "failed";
    await world.until(at(VOTE_DAY + VOTE_DAYS + ENTRY_DAYS, 11));
    if (this.elected.length !== SEATS) return;
    await world.act("street-officer", "committee-election.constitute", { election: ID });
    this.state = "constituted";
    await world.until(world.nowMs + 7 * DAY_MS);
    await world.act("street-officer", "committee-election.file", { election: ID, evidence: draw.digest("filing") });
  }

  private async takeIn(head: string, motion: string): Promise<void> {
    await this.year.world.act("residents-chair", "committee-election.take_in", { election: ID, head, motion });
    this.elected.push(head);
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    if (!this.isPlayed) return;
    const { state, elected, candidates } = this;
    const expected = { state, elected: elected.length, candidates: candidates.length };
    checks.row("election", expected, await ledger.row("committee-election.election", ID));
    for (const [index, head] of candidates.entries()) {
      const isElected = elected.includes(head);
      const consenting = this.votes.consenting(`elect-${index + 1}`);
      const row = await ledger.row("committee-election.candidate", ID, head);
      checks.row(`candidate ${head}`, { state: isElected ? "elected" : "nominated" }, row);
      if (isElected) checks.row(`candidate ${head}`, { for_heads: consenting.heads, for_area: consenting.area }, row);
    }
    checkCount(checks, "candidates", candidates.length, await ledger.list("committee-election.candidate"));
  }

  figures(): readonly string[] {
    if (!this.isPlayed) return [];
    return [`候选人 candidates ${this.candidates.length}, 当选 elected ${this.elected.length}: ${this.state}`];
  }
}
