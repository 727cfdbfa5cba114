// Explores every order of happenings within bounds, depth first. A state is one local state per honest replica and the pool of
// what they have signed. The real replica runs once per local state and happening; the rest is looked up.

import { decodeVoteRecord } from "../../src/consensus/safety.ts";
import { toHex } from "../../src/ledger/hash.ts";
import type { Bounds } from "./bounds.ts";
import { Cast } from "./cast.ts";
import { checkSigned } from "./checks.ts";
import { essence, whole } from "./digest.ts";
import { type Frame, FrameTable, type Naming, nameOfFrame } from "./frames.ts";
import { type Happening, honestOf, Member, Violation } from "./member.ts";
import { Menu } from "./menu.ts";
import { grown, StateTable } from "./state-table.ts";

export interface Outcome {
  readonly states: number;
  /** states reached over again by another order */
  readonly merged: number;
  /** of each honest replica */
  readonly localStates: readonly number[];
  readonly pools: number;
  /** blocks that can be certified at the highest height explored */
  readonly commits: number;
  /** the sets of frames that the honest replicas can have signed, by their names apart from who proved what */
  readonly signed: readonly string[];
  readonly violation: { readonly rule: string; readonly path: readonly string[] } | undefined;
  /** the table was full before everything was explored */
  readonly isCutOff: boolean;
}

interface Local {
  readonly parent: number;
  readonly happening: number;
  readonly height: number;
  readonly view: number;
  readonly restarts: number;
  readonly chain: readonly string[];
  readonly questions: readonly string[];
}

interface Transition {
  readonly next: number;
  /** ids of frames signed on the way */
  readonly signed: readonly number[];
}

type Choice = { readonly name: string; readonly happening: Happening };

/** The local states of one replica, found as they are needed. */
class LocalSpace {
  readonly index: number;
  readonly states: Local[] = [];
  private readonly byDigest = new Map<string, number>();
  private readonly transitions = new Map<number, Transition>();
  private readonly search: Search;

  constructor(search: Search, index: number) {
    this.search = search;
    this.index = index;
  }

  begin(): Transition {
    const member = this.make();
    return { next: this.intern(member, 0, 0), signed: this.takeSigned(member) };
  }

  at(state: number): Local {
    return this.states[state] as Local;
  }

  step(state: number, choice: number): Transition {
    const key = state * CHOICES_MAX + choice;
    const known = this.transitions.get(key);
    if (known !== undefined) return known;
    const member = this.replay(state);
    member.signed = [];
    member.apply(this.search.choice(choice).happening);
    const signed = this.takeSigned(member);
    const made = { next: this.intern(member, state, choice), signed };
    this.transitions.set(key, made);
    return made;
  }

  /** Runs the events that led to a local state again: the replica is never copied. */
  private replay(state: number): Member {
    const path: number[] = [];
    for (let at = state; at !== 0; at = this.at(at).parent) path.push(this.at(at).happening);
    const member = this.make();
    for (const choice of path.reverse()) member.apply(this.search.choice(choice).happening);
    return member;
  }

  private make(): Member {
    const { bounds, cast, naming } = this.search;
    const { liar, answers } = bounds;
    return new Member(cast, this.index, { liar, answersAtOnce: answers === "at once", naming });
  }

  private takeSigned(member: Member): readonly number[] {
    const { signed } = member;
    member.signed = [];
    return signed.map((bytes) => this.search.frames.intern(this.index, bytes).id);
  }

  private intern(member: Member, parent: number, happening: number): number {
    const record = decodeVoteRecord(member.recordBytes);
    if (!record.ok) throw new Violation("the vote record cannot be read");
    const { naming } = this.search;
    const digest = naming === "alike" ? essence(member, record.value) : whole(member, record.value);
    const known = this.byDigest.get(digest);
    if (known !== undefined) return known;
    const { height, view } = member.replica.status();
    const chain = member.chain.map(({ proposal }) => toHex(proposal.blockHash));
    const questions = member.openQuestions();
    const { restarts } = member;
    this.states.push({ parent, happening, height: Number(height), view: Number(view), restarts, chain, questions });
    this.byDigest.set(digest, this.states.length - 1);
    return this.states.length - 1;
  }
}

const CHOICES_MAX = 1 << 20;

class Search {
  readonly bounds: Bounds;
  readonly cast = new Cast();
  readonly frames: FrameTable;
  readonly naming: Naming;
  private readonly menu: Menu;
  private readonly choices: Choice[] = [];
  private readonly choiceNumbers = new Map<string, number>();
  private readonly spaces: readonly LocalSpace[];
  /** sets of signed frames: sorted ids, and what they allow */
  private readonly pools: { readonly ids: readonly number[]; readonly allows: readonly number[] }[] = [];
  private readonly poolNumbers = new Map<string, number>();
  private readonly poolSteps = new Map<string, number>();
  private readonly table: StateTable;
  private stack = new Uint32Array(1024);
  private stackSize = 0;
  /** where each state was first reached from, and by what: three words each */
  private origins = new Uint32Array(3 * 1024);
  private merged = 0;

  constructor(bounds: Bounds, statesMax: number, naming: Naming) {
    this.bounds = bounds;
    this.naming = naming;
    this.frames = new FrameTable(naming);
    this.menu = new Menu(this.cast, bounds, naming);
    this.spaces = honestOf(bounds.liar).map((index) => new LocalSpace(this, index));
    this.table = new StateTable(statesMax);
  }

  choice(number: number): Choice {
    return this.choices[number] as Choice;
  }

  run(): Outcome {
    let at = 0;
    let doing = "the start";
    try {
      let pool = this.poolWith(undefined, []);
      const locals = this.spaces.map((space) => {
        const { next, signed } = space.begin();
        pool = this.extend(pool, signed);
        return next;
      });
      this.visit([locals[0] as number, locals[1] as number, locals[2] as number, pool], 0, 0, 0);
      while (this.stackSize > 0) {
        this.stackSize -= 1;
        at = this.stack[this.stackSize] as number;
        const state = this.table.at(at);
        for (const [place, space] of this.spaces.entries()) {
          const local = state[place] as number;
          for (const choice of this.choicesOf(space, local, state[3])) {
            doing = `replica ${space.index}: ${this.choice(choice).name}`;
            const { next, signed } = space.step(local, choice);
            if (next === local && signed.length === 0) continue;
            const reached: [number, number, number, number] = [...state];
            reached[place] = next;
            reached[3] = this.extend(state[3], signed);
            if (next !== local) this.checkChains(reached);
            if (!this.visit(reached, at, place, choice)) return this.outcome(undefined, true);
          }
        }
      }
      return this.outcome(undefined, false);
    } catch (error) {
      const rule = error instanceof Error ? error.message : String(error);
      return this.outcome({ rule, path: [...this.pathTo(at), doing] }, false);
    }
  }

  private outcome(violation: Outcome["violation"], isCutOff: boolean): Outcome {
    const last = this.bounds.viewMax.length;
    const blocks = new Set(this.spaces.flatMap((space) => space.states.map(({ chain }) => chain[last - 1] ?? "")));
    blocks.delete("");
    return {
      states: this.table.size,
      merged: this.merged,
      localStates: this.spaces.map(({ states }) => states.length),
      pools: this.pools.length,
      commits: blocks.size,
      signed: [...new Set(this.pools.map(({ ids }) => this.signedNames(ids)))].sort(),
      violation,
      isCutOff,
    };
  }

  private signedNames(ids: readonly number[]): string {
    const frames = ids.map((id) => this.frames.get(id));
    return frames
      .map(({ signer, bytes }) => `${signer} ${nameOfFrame(bytes, "alike")}`)
      .sort()
      .join("; ");
  }

  // ---- states ----

  /** @returns false when the table is full */
  private visit(
    state: readonly [number, number, number, number],
    from: number,
    place: number,
    choice: number,
  ): boolean {
    const found = this.table.add(...state);
    if (found === undefined) return false;
    if (!found.isNew) {
      this.merged += 1;
      return true;
    }
    if (this.stackSize >= this.stack.length) this.stack = grown(this.stack);
    this.stack[this.stackSize] = found.number;
    this.stackSize += 1;
    if ((found.number + 1) * 3 > this.origins.length) this.origins = grown(this.origins);
    this.origins.set([from, place, choice], found.number * 3);
    return true;
  }

  private pathTo(state: number): readonly string[] {
    const path: string[] = [];
    for (let at = state; at !== 0; at = this.origins[at * 3] as number) {
      const [place, choice] = [this.origins[at * 3 + 1] as number, this.origins[at * 3 + 2] as number];
      path.push(`replica ${this.spaces[place]?.index}: ${this.choice(choice).name}`);
    }
    return path.reverse();
  }

  private checkChains(state: readonly number[]): void {
    const chains = this.spaces.map((space, place) => space.at(state[place] as number).chain);
    for (let height = 0; height < this.bounds.viewMax.length; height += 1) {
      const blocks = new Set(chains.flatMap((chain) => chain[height] ?? []));
      if (blocks.size > 1) throw new Violation(`agreement: two blocks are committed at height ${height + 1}`);
    }
  }

  // ---- choices ----

  private choicesOf(space: LocalSpace, local: number, pool: number): readonly number[] {
    const { height, view, restarts, questions } = space.at(local);
    const found: number[] = [];
    for (const choice of this.pools[pool]?.allows ?? []) {
      const delivery = this.menu.deliveries[choice];
      if (delivery === undefined || delivery.height !== height || !delivery.to.includes(space.index)) continue;
      if (delivery.view >= view || delivery.isForAnyView) found.push(this.deliveryChoice(choice));
    }
    for (const question of questions)
      found.push(this.choiceNumber(`answer ${question}`, { kind: "answer", question } as Happening));
    if (restarts < this.bounds.restarts) found.push(this.choiceNumber("restart", { kind: "restart" }));
    return found;
  }

  private deliveryChoice(delivery: number): number {
    const { name, from, bytes } = this.menu.deliveries[delivery] as Menu["deliveries"][number];
    return this.choiceNumber(name, { kind: "frame", from, bytes });
  }

  private choiceNumber(name: string, happening: Happening): number {
    const known = this.choiceNumbers.get(name);
    if (known !== undefined) return known;
    const number = this.choices.push({ name, happening }) - 1;
    if (number >= CHOICES_MAX) throw new Error("too many choices");
    this.choiceNumbers.set(name, number);
    return number;
  }

  // ---- pools ----

  private extend(pool: number, signed: readonly number[]): number {
    let at = pool;
    for (const id of signed) {
      const key = `${at}+${id}`;
      const known = this.poolSteps.get(key);
      if (known === undefined) {
        const before = this.pools[at]?.ids ?? [];
        const next = before.includes(id) ? at : this.poolWith(this.frames.get(id), before);
        this.poolSteps.set(key, next);
        at = next;
      } else at = known;
    }
    return at;
  }

  private poolWith(frame: Frame | undefined, before: readonly number[]): number {
    const known = before.map((id) => this.frames.get(id));
    if (frame !== undefined) checkSigned(known, frame);
    const ids = frame === undefined ? before : [...before, frame.id].sort((left, right) => left - right);
    const key = ids.join();
    const number = this.poolNumbers.get(key);
    if (number !== undefined) return number;
    const allows = this.menu.of(ids.map((id) => this.frames.get(id)));
    this.pools.push({ ids, allows });
    this.poolNumbers.set(key, this.pools.length - 1);
    return this.pools.length - 1;
  }
}

/**
 * @param naming "exact" tells apart what "alike" takes for one: many times as many states with the same findings, which a test
 * holds against each other. Bounds with single votes or late answers are always explored exactly.
 */
export function explore(bounds: Bounds, statesMax: number, naming: Naming = "alike"): Outcome {
  const isReducible = bounds.votes === "quorum" && bounds.answers === "at once";
  return new Search(bounds, statesMax, isReducible ? naming : "exact").run();
}
