// Machines that lose what they had, and the operators who put things right: vote records, stores, files of snapshots.
// Never more vote records at a time than there may be faults beside the others: more would wait for ever, by intent.

import { decodeVoteRecord } from "../../../src/consensus/vote-record.ts";
import { recordSequenceOf } from "../../../src/store/rows.ts";
import type { Member } from "./member.ts";
import type { LostRecord, VoteKind } from "./plan.ts";
import type { World } from "./world.ts";

/** How long a newcomer has its store, and how long it takes to come back without. */
const STORE_MS_MIN = 300;
const STORE_MS_MAX = 2_000;
const DOWN_MS_MAX = 300;

interface Copy {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly sequence: number;
}

export class Losses {
  private readonly world: World;
  /** node -> the vote after which its record is lost */
  private readonly awaited = new Map<number, { readonly kind: VoteKind; readonly lose: () => void }>();

  constructor(world: World) {
    this.world = world;
  }

  schedule(): void {
    const { plan, timeline, members } = this.world;
    for (const { node, atMs } of plan.rottenSnapshots)
      timeline.after(atMs, () => members[node]?.folder.flipBit((count) => this.world.random.below(count)));
    for (const { node, atMs, downMs } of plan.lostStores) timeline.after(atMs, () => this.loseStore(node, downMs));
    for (const loss of plan.lostRecords) this.scheduleRecord(loss);
    for (const { node, atMs } of plan.newcomers) this.loseLater(node, atMs);
  }

  /** A newcomer that has all it came for: it comes again. */
  noteFetched(node: number): void {
    const { plan, random } = this.world;
    if (plan.newcomers.some((newcomer) => newcomer.node === node))
      this.loseLater(node, random.between(STORE_MS_MIN, STORE_MS_MAX));
  }

  private loseLater(node: number, delayMs: number): void {
    this.world.timeline.after(delayMs, () => {
      if (!this.world.isCalm && this.world.members[node]?.isUp === true)
        this.loseStore(node, this.world.random.between(1, DOWN_MS_MAX));
    });
  }

  /** Those whose key may not sign yet. */
  recovering(): readonly Member[] {
    return this.world.members.filter(({ hasLostRecord }) => hasLostRecord);
  }

  /** Whoever has not noticed yet notices now. */
  becalm(): void {
    for (const member of this.recovering()) {
      if (member.participant?.signer !== undefined || member.mustRecover) continue;
      member.crash(false);
      member.mustRecover = true;
    }
  }

  private loseStore(node: number, downMs: number): void {
    const { world } = this;
    const member = world.members[node];
    if (member === undefined) return;
    world.trace(`${world.at} the store of node ${node} is lost`);
    member.crash(false);
    this.emptyStore(member);
    world.restartLater(member, downMs);
  }

  private emptyStore(member: Member): void {
    member.replaceStore(new Map(), this.world.checkers.height + 1);
    // Snapshots lie beside the store or on another disk.
    if (this.world.random.chance(500)) member.folder.empty();
  }

  // ---- vote records ----

  private scheduleRecord(loss: LostRecord): void {
    const { timeline, members } = this.world;
    const member = members[loss.node];
    if (member === undefined) return;
    let copy: Copy = { files: new Map(), sequence: 0 };
    timeline.after(loss.savedAtMs, () => {
      const decoded = decodeVoteRecord(member.records.lastSaved());
      copy = { files: member.records.copy(), sequence: decoded.ok ? decoded.value.sequence : 0 };
    });
    timeline.after(loss.atMs, () => {
      const lose = () => this.loseInTurn(member, loss, () => copy);
      if (loss.afterVote === undefined) lose();
      else this.awaited.set(loss.node, { kind: loss.afterVote, lose });
    });
  }

  /** A vote of an honest key has left, the first time. */
  noteVote(node: number, kind: VoteKind): void {
    const awaited = this.awaited.get(node);
    if (awaited?.kind !== kind || this.world.isCalm) return;
    this.awaited.delete(node);
    this.world.timeline.after(this.world.random.below(3), awaited.lose);
  }

  /** The next disk is lost when the key before it may sign again, if both at once would be too many. */
  private loseInTurn(member: Member, loss: LostRecord, copy: () => Copy): void {
    const { world } = this;
    if (world.isCalm) return;
    const others = this.recovering().filter((other) => other !== member).length;
    if (others < world.plan.lostAtOnceMax && member.participant !== undefined) return this.lose(member, loss, copy());
    world.timeline.after(200, () => this.loseInTurn(member, loss, copy));
  }

  private lose(member: Member, loss: LostRecord, copy: Copy): void {
    const { world } = this;
    const { random } = world;
    const { kind, withStore, downMs, muteMs } = loss;
    const head = member.participant?.chain.store.head;
    const headSequence = head === undefined ? 0 : recordSequenceOf(head.records, member.operator.key.publicKey);
    world.trace(
      `${world.at} the vote record of node ${member.index} is ${kind}${withStore ? ", and its store is lost" : ""}`,
    );
    world.clogCommits(loss.clogMs);
    member.crash(random.chance(500));
    member.hasLostRecord = true;
    member.hasBegunRecovery = false;
    member.records.replace(kind === "old" ? copy.files : new Map());
    if (kind === "corrupt") member.records.replace(spoiled(copy.files));
    if (withStore) this.emptyStore(member);
    // A copy of the time before the newest block is found out by the node; of a newer one only the operator knows.
    const isFoundOut = kind !== "old" || (!withStore && copy.sequence < headSequence);
    member.mustRecover = !isFoundOut || muteMs === 0;
    world.restartLater(member, downMs);
    if (member.mustRecover) return;
    world.timeline.after(downMs + muteMs, () => {
      if (world.isCalm || member.mustRecover || member.participant?.signer !== undefined) return;
      member.crash(random.chance(500));
      member.mustRecover = true;
      world.restartLater(member, downMs);
    });
  }
}

/** No copy of any slot is whole, and no header. */
function spoiled(files: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  return new Map([...files].map(([name, bytes]) => [name, bytes.map((byte) => byte ^ 0x55)]));
}
