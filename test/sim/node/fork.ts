// More than f validators that really fork the ledger: twins, two whole nodes with one key, one on each side of a cut.
// Nothing holds then but this: the fork names f + 1 of them by evidence that anybody can check, and never an honest key.

import { verifyEvidence } from "../../../src/consensus/evidence.ts";
import { decodeTestimony, encodeTestimony, type Guilty, judgeTestimonies } from "../../../src/consensus/fork.ts";
import { decodeTrail, encodeTrail, type SignedNewView } from "../../../src/consensus/trail.ts";
import { makeNewView } from "../../../src/consensus/view-formats.ts";
import { faultBound } from "../../../src/ledger/certificate.ts";
import { decodeCertificate } from "../../../src/ledger/format-vote.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import type { Certificate } from "../../../src/ledger/types.ts";
import { quorumOf } from "../outside.ts";
import { Random } from "../random.ts";
import { Member } from "./member.ts";
import type { SimHub } from "./network.ts";
import { drawPlan, type Lie, type Plan } from "./plan.ts";
import { type Outcome, World } from "./world.ts";

export interface ForkPlan extends Plan {
  readonly splitAtMs: number;
  /** honest nodes that find themselves on the other side */
  readonly otherSide: ReadonlySet<number>;
}

export interface ForkOutcome extends Outcome {
  readonly forks: number;
  /** keys that were named */
  readonly named: number;
}

/** How long both sides may take to leave the height at which they fork. */
const LEAVE_MS_MAX = 90_000;

export function drawForkPlan(seed: number): ForkPlan {
  const base = drawPlan(seed, "swarm");
  const random = new Random(seed ^ 0xf0f0);
  const validatorCount = random.pick([4, 4, 4, 5, 6, 7, 7, 10]);
  const nodes = random.shuffled(Array.from({ length: validatorCount }, (_, node) => node));
  const quorum = quorumOf({ length: validatorCount });
  // Every quorum has an honest member, and each side can have one.
  const liarsMin = Math.max(faultBound(validatorCount) + 1, 2 * quorum - validatorCount);
  const liars = random.between(liarsMin, Math.min(quorum - 1, validatorCount - 2));
  const honest = nodes.slice(liars);
  const sideMin = Math.max(1, quorum - liars);
  const otherSide = new Set(honest.slice(0, random.between(sideMin, Math.max(sideMin, honest.length - sideMin))));
  const splitAtMs = random.between(3_000, 12_000);
  const calmFromMs = splitAtMs + random.between(6_000, 20_000);
  return {
    ...base,
    validatorCount,
    hasSpare: false,
    doors: [],
    lies: new Map(nodes.slice(0, liars).map((node): [number, Lie] => [node, "twin"])),
    skewMs: [],
    driftPpm: [],
    clockJumps: [],
    crashes: [],
    writesCut: [],
    partitions: [],
    fullDisks: [],
    flippedBits: [],
    backups: [],
    snapshots: undefined,
    rottenSnapshots: [],
    lostStores: [],
    lostRecords: [],
    decisions: [],
    offers: Array.from({ length: random.between(15, 50) }, () => ({
      atMs: random.below(calmFromMs),
      client: random.below(base.clientCount),
      copies: random.pick([1, 2, 3]),
    })),
    splitAtMs,
    otherSide,
    calmFromMs,
  };
}

class ForkWorld extends World {
  forks = 0;
  named = 0;
  private readonly forkPlan: ForkPlan;

  constructor(plan: ForkPlan, trace?: (line: string) => void) {
    super(plan, trace);
    this.forkPlan = plan;
  }

  protected override schedule(): void {
    super.schedule();
    this.timeline.after(this.forkPlan.splitAtMs, () => this.split());
  }

  /** Each liar goes on twice, from the same disk; of the honest, each side has some, and nothing of the other side. */
  private split(): void {
    this.trace(`${this.at} the network is split: ${[...this.forkPlan.otherSide].join(",")} on the other side`);
    this.isForked = true;
    const otherHub = this.createHub();
    for (const member of this.members) {
      if (this.forkPlan.otherSide.has(member.index)) this.moveTo(otherHub, member);
      if (this.isLiar(member.index)) this.cloneTo(otherHub, member);
    }
  }

  private moveTo(hub: SimHub, member: Member): void {
    member.crash(false);
    member.hub = hub;
    this.restartLater(member, this.random.below(300));
  }

  private cloneTo(hub: SimHub, member: Member): void {
    const twin = new Member(this, member.index, member.operator);
    twin.hub = hub;
    twin.disk.replace(member.disk.rows);
    twin.records.replace(member.records.copy());
    this.restartLater(twin, this.random.below(300));
  }

  /** Both sides leave the height at which they differ; then an auditor puts together what they hold. */
  protected override async end(): Promise<number> {
    const startMs = this.timeline.nowMs;
    const hasLeft = (): boolean => {
      const height = this.forkHeight();
      return height !== undefined && this.honest().every((member) => member.height > height);
    };
    const isLeft = await this.runUntil(startMs + LEAVE_MS_MAX, hasLeft);
    if (isLeft) await this.runUntil(this.timeline.nowMs + 3_000, () => false);
    this.isSettled = true;
    const height = this.forkHeight();
    if (height !== undefined && this.failure === undefined) this.audit(height);
    return this.timeline.nowMs - startMs;
  }

  private sides(): readonly [readonly Member[], readonly Member[]] {
    const { otherSide } = this.forkPlan;
    const isOther = ({ index }: Member) => otherSide.has(index);
    return [this.honest().filter((member) => !isOther(member)), this.honest().filter(isOther)];
  }

  /** The first height that both sides have and that is not the same. */
  private forkHeight(): number | undefined {
    const [one, other] = this.sides().map((side) => [...side].sort((left, right) => right.height - left.height)[0]);
    if (one === undefined || other === undefined) return undefined;
    for (let height = 1; height <= Math.min(one.height, other.height); height += 1)
      if (this.endOf(one, height) !== this.endOf(other, height)) return height;
    return undefined;
  }

  private endOf(member: Member, height: number): string {
    const certificate = this.certificateOf(member, height);
    return certificate === undefined ? "" : toHex(certificate.blockHash) + toHex(certificate.resultHash);
  }

  private certificateOf({ participant }: Member, height: number): Certificate | undefined {
    const block = participant?.chain.store.loadBlock(height);
    const certificate = block === undefined ? undefined : decodeCertificate(block.certificateBytes);
    return certificate?.ok === true ? certificate.value : undefined;
  }

  private audit(height: number): void {
    this.forks += 1;
    const { random, cast } = this;
    // A testimony of every honest node, and what the guilty would hand in to frame somebody.
    const said = random.shuffled(this.honest()).flatMap(({ api }) => api?.testimony(height) ?? []);
    const testimonies = [...said, ...said.map((bytes) => this.forgeTestimony(bytes))];
    const fork = judgeTestimonies({ genesis: cast.genesis, verify: cast.verify, testimonies });
    if (!fork.ok) return this.fail(`fork: of height ${height} cannot be told: ${fork.code}`);
    const { guilty, guiltyMin } = fork.value;
    this.named += guilty.length;
    const views = this.sides().map(([one]) => one && this.certificateOf(one, height)?.view);
    const where = `at ${height}, views ${views.join(" and ")}`;
    this.trace(`${this.at} fork ${where}: ${guilty.map(({ rule }) => rule).join(",")}`);
    for (const one of guilty) this.checkGuilty(one);
    if (guilty.length < guiltyMin || guiltyMin !== faultBound(this.forkPlan.validatorCount) + 1)
      this.fail(`fork: ${where}, only ${guilty.length} of ${guiltyMin} are named from ${said.length} testimonies`);
  }

  /** The same statements in others' names, and locks that nobody claimed. */
  private forgeTestimony(bytes: Uint8Array): Uint8Array {
    const testimony = decodeTestimony(bytes);
    const trail = testimony.ok ? decodeTrail(testimony.value.trail) : testimony;
    if (!testimony.ok || !trail.ok) return bytes;
    const count = this.forkPlan.validatorCount;
    const newViews = trail.value.newViews.map(({ signer, content, signature }): SignedNewView => {
      const { height, view, blockHash, certificate } = content;
      const viewChanges = content.viewChanges.map((one) =>
        this.random.chance(500) ? { ...one, signer: (one.signer + 1) % count } : { ...one, prepared: undefined },
      );
      return { signer, content: makeNewView({ height, view, blockHash, viewChanges, certificate }), signature };
    });
    const prepared = trail.value.prepared.map((one) => ({ ...one, blockHash: this.random.bytes(32) }));
    return encodeTestimony({ ...testimony.value, trail: encodeTrail({ ...trail.value, newViews, prepared }) });
  }

  private checkGuilty({ offender, rule, evidence }: Guilty): void {
    const { cast } = this;
    if (!this.isLiarKey(offender))
      return this.fail(`fork: an honest key is named for ${rule}: ${toHex(offender).slice(0, 8)}`);
    const validators = this.checkers.validatorsAt(1) ?? [];
    const proved = verifyEvidence({ bytes: evidence, chainId: cast.genesis.chainId, validators, verify: cast.verify });
    if (!proved.ok || proved.value.rule !== rule) this.fail(`fork: the evidence of ${rule} does not hold`);
  }
}

export async function runForkSeed(seed: number, trace?: (line: string) => void): Promise<ForkOutcome> {
  const world = new ForkWorld(drawForkPlan(seed), trace);
  const outcome = await world.run();
  return { ...outcome, forks: world.forks, named: world.named };
}
