// Disputes of residents with the firm: filed, answered or not, with evidence, mediated with three signatures, performed, failed
// or brought to court. Where each must stand at the end is reckoned here.

import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, HOUR_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";

const DISPUTES_A_MONTH = 6;
const ANSWER_DAYS = 10;
const CONFIRM_DAYS = 30;
const RESPONDENT = "pm-manager";

interface Case {
  readonly id: string;
  readonly claimant: string;
  items: number;
  confirmation: "none" | "open" | "applied" | "lapsed";
  state: "filed" | "evidence" | "mediation" | "agreed" | "failed" | "performed" | "court";
}

export class Disputes implements Part {
  readonly title = { zh: "纠纷调解", en: "Disputes" };
  private readonly year: Year;
  private readonly owners: Owners;
  private readonly cases: Case[] = [];

  constructor(year: Year, owners: Owners) {
    this.year = year;
    this.owners = owners;
  }

  play(): void {
    const { world, draw, share, days, cast } = this.year;
    const homes = cast.community.units.filter((unit) => unit.status === "delivered" && !this.owners.isSold(unit));
    const disputes = Math.round((DISPUTES_A_MONTH * share * days) / 30);
    for (let index = 0; index < disputes; index += 1) {
      const claimant = cast.residentOf(draw.pick(homes, `dispute-unit:${index}`));
      const day = draw.below(days, `dispute-day:${index}`);
      world.play(() => this.dispute(index, claimant, at(day, 9 + draw.below(8, `dispute-hour:${index}`))));
    }
  }

  private async dispute(index: number, claimant: string, timeMs: number): Promise<void> {
    const { world, draw, code } = this.year;
    const id = `case-${index}`;
    const digest = (label: string): Uint8Array => draw.digest(`${label}:${id}`);
    await world.until(timeMs - 2 * HOUR_MS);
    // Evidence of before: its digest is on the ledger before the dispute is.
    await world.act(claimant, "disputes.deposit_digest", { digest: digest("photo") });
    await world.until(timeMs);
    await world.act(claimant, "disputes.file", { id, community: code, respondent: RESPONDENT, claim: digest("claim") });
    const dispute: Case = { id, claimant, items: 0, confirmation: "none", state: "filed" };
    this.cases.push(dispute);
    const photo = { case: id, digest: digest("photo"), taken: timeMs - DAY_MS, collector: claimant, from_before: true };
    await world.act(claimant, "disputes.submit", photo);
    dispute.items += 1;
    const late = { ...photo, digest: digest("made-up") };
    await world.expectRefusal({ account: claimant, calls: [call("disputes.submit", late)] });
    if (draw.chance(200, `silent:${index}`)) await world.until(timeMs + ANSWER_DAYS * DAY_MS + SETTLED_MS);
    else {
      await world.until(timeMs + 3 * DAY_MS);
      await world.act(RESPONDENT, "disputes.answer", { case: id, digest: digest("answer") });
    }
    dispute.state = "evidence";
    await world.until(world.nowMs + 2 * DAY_MS);
    await this.mediate(dispute, index);
  }

  private async mediate(dispute: Case, index: number): Promise<void> {
    const { world, draw } = this.year;
    const { id, claimant } = dispute;
    const cosigners = [claimant, RESPONDENT];
    const mediate = call("disputes.mediate", { case: id });
    await world.expectRefusal({ account: "mediator", cosigners: [claimant], calls: [mediate] });
    await world.send({ account: "mediator", cosigners, calls: [mediate] });
    dispute.state = "mediation";
    await world.until(world.nowMs + 5 * DAY_MS);
    if (draw.chance(250, `fails:${index}`)) {
      await world.act("mediator", "disputes.fail", { case: id });
      dispute.state = "failed";
      await world.until(world.nowMs + 10 * DAY_MS);
      await world.act(claimant, "disputes.go_to_court", { case: id, docket: draw.digest(`docket:${id}`) });
      dispute.state = "court";
      return;
    }
    const agreement = { case: id, agreement: draw.digest(`agreement:${id}`), perform_by: world.nowMs + 30 * DAY_MS };
    await world.send({ account: "mediator", cosigners, calls: [call("disputes.agree", agreement)] });
    dispute.state = "agreed";
    dispute.confirmation = "open";
    const agreedMs = world.nowMs;
    if (draw.chance(300, `applies:${index}`)) {
      await world.until(agreedMs + 4 * DAY_MS);
      const request = { case: id, request: draw.digest(`request:${id}`) };
      await world.send({ account: "mediator", cosigners, calls: [call("disputes.apply_confirmation", request)] });
      dispute.confirmation = "applied";
    }
    await world.until(agreedMs + 12 * DAY_MS);
    const perform = call("disputes.perform", { case: id, proof: draw.digest(`performance:${id}`) });
    await world.send({ account: RESPONDENT, cosigners: [claimant], calls: [perform] });
    dispute.state = "performed";
    if (dispute.confirmation !== "open") return;
    await world.until(agreedMs + CONFIRM_DAYS * DAY_MS + SETTLED_MS);
    dispute.confirmation = "lapsed";
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    await ledger.each(this.cases, async ({ id, claimant, items, confirmation, state }) => {
      checks.row(`dispute ${id}`, { claimant, items, confirmation, state }, await ledger.row("disputes.case", id));
    });
    checkCount(checks, "disputes", this.cases.length, await ledger.list("disputes.case"));
    checkCount(
      checks,
      "evidence",
      this.cases.reduce((sum, { items }) => sum + items, 0),
      await ledger.list("disputes.item"),
    );
  }

  figures(): readonly string[] {
    const of = (state: Case["state"]): number => this.cases.filter((one) => one.state === state).length;
    return [`纠纷 disputes ${this.cases.length}: 已履行 performed ${of("performed")}, 诉讼 court ${of("court")}`];
  }
}
