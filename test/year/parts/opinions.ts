// Informal polls, suggestions and comments: what they count is counted here again; they decide nothing.

import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, firstDayOf, HOUR_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";
import { call } from "../world.ts";
import type { Owners } from "./owners.ts";

const POLL_DAY = 4;
const POLL_DAYS = 10;
const OPTIONS = 3;
const TURNOUT_PER_MILLE = 300;
const SUGGESTIONS_A_MONTH = 2;

interface Poll {
  readonly id: string;
  readonly answers: number[];
  isClosed: boolean;
}

interface Suggestion {
  readonly id: string;
  supporters: number;
  comments: number;
  isAnswered: boolean;
}

export class Opinions implements Part {
  readonly title = { zh: "意见征询与建议", en: "Polls and suggestions" };
  private readonly year: Year;
  private readonly owners: Owners;
  private readonly polls: Poll[] = [];
  private readonly suggestions: Suggestion[] = [];

  constructor(year: Year, owners: Owners) {
    this.year = year;
    this.owners = owners;
  }

  play(): void {
    const { world, days } = this.year;
    for (let month = 1; firstDayOf(month) + POLL_DAY < days; month += 1) {
      world.play(() => this.poll(month));
      for (let number = 1; number <= SUGGESTIONS_A_MONTH; number += 1) world.play(() => this.suggest(month, number));
    }
  }

  /** Those who own something all year. */
  private steadyOwners(): readonly string[] {
    const { units } = this.year.cast.community;
    return [...new Set(units.filter((unit) => !this.owners.isSold(unit)).map(({ head }) => head))];
  }

  private async poll(month: number): Promise<void> {
    const { world, code, draw } = this.year;
    const day = firstDayOf(month) + POLL_DAY;
    const id = `poll-${month}`;
    await world.until(at(day, 9));
    const question = draw.digest(`question:${id}`);
    await world.act("committee-chair", "polls.ask", {
      id,
      community: code,
      question_hash: question,
      options: OPTIONS,
      days: POLL_DAYS,
    });
    const poll: Poll = { id, answers: new Array<number>(OPTIONS).fill(0), isClosed: false };
    this.polls.push(poll);
    const closesMs = world.nowMs + POLL_DAYS * DAY_MS;
    for (const head of this.steadyOwners()) {
      if (draw.chance(TURNOUT_PER_MILLE, `answers:${id}:${head}`)) world.play(() => this.answer(poll, head, day));
    }
    await world.until(closesMs + SETTLED_MS);
    poll.isClosed = true;
    const [late = ""] = this.steadyOwners();
    await world.expectRefusal({ account: late, calls: [call("polls.answer", { poll: id, number: 1 })] });
  }

  private async answer(poll: Poll, head: string, day: number): Promise<void> {
    const { world, draw } = this.year;
    const label = `${poll.id}:${head}`;
    await world.until(
      at(day + 1 + draw.below(POLL_DAYS - 2, `answer-day:${label}`), 8 + draw.below(14, `answer-hour:${label}`)),
    );
    const number = 1 + Math.min(draw.below(OPTIONS, `answer:${label}`), draw.below(OPTIONS, `second:${label}`));
    await world.act(head, "polls.answer", { poll: poll.id, number });
    poll.answers[number - 1] = (poll.answers[number - 1] ?? 0) + 1;
  }

  private async suggest(month: number, number: number): Promise<void> {
    const { world, draw } = this.year;
    const id = `suggestion-${month}-${number}`;
    const day = firstDayOf(month) + POLL_DAY;
    const owners = draw.shuffled(this.steadyOwners(), id);
    const [author = "", ...others] = owners;
    await world.until(at(day, 18));
    await world.act(author, "polls.suggest", { id, text_hash: draw.digest(id) });
    const suggestion: Suggestion = { id, supporters: 0, comments: 0, isAnswered: false };
    this.suggestions.push(suggestion);
    const supporters = others.slice(0, draw.below(12, `supporters:${id}`));
    await world.until(at(day + 2, 19));
    await Promise.all(supporters.map((head) => world.act(head, "polls.support", { suggestion: id })));
    suggestion.supporters = supporters.length;
    for (const head of supporters.slice(0, 3)) {
      await world.until(world.nowMs + HOUR_MS);
      await world.act(head, "polls.comment", { suggestion: id, text_hash: draw.digest(`${id}:${head}`) });
      suggestion.comments += 1;
    }
    if (supporters.length < 4) return;
    await world.until(at(day + 8, 10));
    await world.act("pm-manager", "polls.answer_suggestion", {
      suggestion: id,
      answer_hash: draw.digest(`answer:${id}`),
    });
    suggestion.isAnswered = true;
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    await ledger.each(this.polls, async ({ id, answers, isClosed }) => {
      const sum = answers.reduce((total, count) => total + count, 0);
      const expected = { answers: sum, options: OPTIONS, state: isClosed ? "closed" : "open" };
      checks.row(`poll ${id}`, expected, await ledger.row("polls.poll", id));
      for (const [index, count] of answers.entries()) {
        const row = await ledger.row("polls.option", id, index + 1);
        checks.equal(`poll ${id} option ${index + 1}`, count, row?.answers ?? 0);
      }
    });
    await ledger.each(this.suggestions, async ({ id, supporters, comments, isAnswered }) => {
      const expected = { supporters, comments, state: isAnswered ? "answered" : "open" };
      checks.row(`suggestion ${id}`, expected, await ledger.row("polls.suggestion", id));
    });
    checkCount(checks, "polls", this.polls.length, await ledger.list("polls.poll"));
    const answers = this.polls.flatMap((poll) => poll.answers).reduce((sum, count) => sum + count, 0);
    checkCount(checks, "answers", answers, await ledger.list("polls.answer"));
    checkCount(checks, "suggestions", this.suggestions.length, await ledger.list("polls.suggestion"));
  }

  figures(): readonly string[] {
    const answers = this.polls.flatMap((poll) => poll.answers).reduce((sum, count) => sum + count, 0);
    return [`征询 polls ${this.polls.length}, 答复 answers ${answers}; 建议 suggestions ${this.suggestions.length}`];
  }
}
