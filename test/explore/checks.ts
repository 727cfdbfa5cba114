// What must hold of everything honest replicas have signed, in whatever order it was delivered. Looks at the pool of signed
// frames only, never into a replica.

import { contradictionOf } from "../../src/consensus/evidence.ts";
import { bytesEqual } from "../../src/ledger/hash.ts";
import { type Frame, statementsOf } from "./frames.ts";
import { Violation } from "./member.ts";

/** Honest votes that make a quorum of 3 out of 4 together with the liar's. */
export const HONEST_VOTES_NEEDED = 2;

/** @param pool what was signed before @param frame signed now by an honest replica; throws a Violation */
export function checkSigned(pool: readonly Frame[], frame: Frame): void {
  const own = pool.filter((other) => other.signer === frame.signer && other.message.height === frame.message.height);
  checkOneVotePerPosition(own, frame);
  checkNoFraming(own, frame);
  checkLockIsClaimed(own, frame);
  const all = [...pool, frame].filter(({ message }) => message.height === frame.message.height);
  checkAgreement(all);
  checkLockHolds(all);
}

function checkOneVotePerPosition(own: readonly Frame[], frame: Frame): void {
  for (const other of own) {
    const [view, otherView] = [frame.message.view, other.message.view];
    const isAbove = view !== otherView ? view > otherView : frame.step > other.step;
    if (!isAbove) throw new Violation(`one vote per position: ${frame.name} after ${other.name}`);
  }
}

function checkNoFraming(own: readonly Frame[], frame: Frame): void {
  for (const other of own)
    for (const statement of statementsOf(frame))
      for (const before of statementsOf(other)) {
        const rule = contradictionOf(before, statement);
        if (rule !== undefined) throw new Violation(`evidence ${rule} frames: ${other.name}, ${frame.name}`);
      }
}

/** A VIEW-CHANGE claims the highest COMMIT that its key has signed: no lower one, none merely seen, and not none. */
function checkLockIsClaimed(own: readonly Frame[], { message, name }: Frame): void {
  if (message.kind !== "viewChange") return;
  const commits = own.filter((other) => other.message.kind === "commit");
  const highest = commits.reduce<Frame | undefined>(
    (best, other) => (best === undefined || other.message.view > best.message.view ? other : best),
    undefined,
  );
  const { prepared } = message.viewChange;
  const isRight =
    highest?.message.kind === "commit"
      ? prepared?.view === highest.message.view && bytesEqual(prepared.blockHash, highest.message.vote.blockHash)
      : prepared === undefined;
  if (!isRight) throw new Violation(`the lock is claimed: ${name} after ${highest?.name ?? "no COMMIT"}`);
}

interface Certifiable {
  readonly block: string;
  readonly result: string;
  readonly view: number;
}

/** Blocks that q COMMITs of one view can certify, the liar's among them. */
export function certifiable(all: readonly Frame[], kind: "prepare" | "commit"): readonly Certifiable[] {
  const counts = new Map<string, Certifiable & { count: number }>();
  for (const frame of all) {
    const isCommit = frame.message.kind === "commit";
    if (frame.message.kind === "viewChange" || isCommit !== (kind === "commit")) continue;
    const result = frame.message.kind === "commit" ? frame.name.slice(frame.name.lastIndexOf(" ")) : "";
    const { view } = frame.message;
    const key = `${view} ${frame.block} ${result}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { view, block: frame.block, result, count: 1 });
    else known.count += 1;
  }
  return [...counts.values()].filter(({ count }) => count >= HONEST_VOTES_NEEDED);
}

function checkAgreement(all: readonly Frame[]): void {
  const [first, ...others] = certifiable(all, "commit");
  if (first === undefined) return;
  const rival = others.find(({ block, result }) => block !== first.block || result !== first.result);
  if (rival !== undefined)
    throw new Violation(
      `agreement: two blocks of one height can be certified, in views ${first.view} and ${rival.view}`,
    );
}

/** Once a block is locked by so many that no quorum misses them, no honest key prepares another in a higher view. */
function checkLockHolds(all: readonly Frame[]): void {
  for (const { view, block } of certifiable(all, "commit")) {
    const rival = all.find(
      (frame) => frame.message.kind.startsWith("pre") && frame.message.view > view && frame.block !== block,
    );
    if (rival !== undefined) throw new Violation(`the lock of view ${view} holds: ${rival.name}`);
  }
}
