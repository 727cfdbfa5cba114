// The owners' vote: a sealed roll, a motion under notice, a sealed ballot of every head with its own key, counting, publication, effect.
// Never tallies: the contract does, and the summary does it again for itself.

import { setImmediate as breathe, setTimeout as pause } from "node:timers/promises";
import {
  type BallotKey,
  type KeyHolder,
  newBallotKey,
  openBallot,
  type SealedBallot,
  sealBallot,
} from "../../client/ballot.ts";
import { LedgerError } from "../../errors.ts";
import type { Value } from "../../ledger/codec.ts";
import { bytesOf, digestOf, residentOf, staffOf, viaOf } from "./acts.ts";
import { STAFF, type StaffMember } from "./cast.ts";
import type { DayContext } from "./day.ts";
import { choiceOf } from "./plan.ts";
import type { RowFields } from "./reader.ts";
import type { ProgressLine, StepItem, Steps } from "./steps.ts";

export const ROLL = "2026-1";
/** What the owners decide: to use the maintenance fund (art. 278 (5), since 2021 by more than half, no longer by two thirds). */
export const MOTION_KIND = "fund_use";
const MOTION_TEXT =
  "使用建筑物及其附属设施的维修资金更换电梯曳引机 · Use of the maintenance fund to replace lift machines";
const DECISION = "fund_use:lifts";
const NOTICE_DAYS = 15;
/** days of the window for each node of the network: all of them share one machine, and a day is a second */
const WINDOW_DAYS_PER_NODE = 5;
/** what is added when a window was too short */
const WINDOW_DAYS_MORE = 20;
const WINDOW_DAYS_MAX = 60;
/** the longest: counting ends as soon as every ballot is open */
const COUNTING_DAYS = 60;
const DAY_MS = 86_400_000;
const POLL_MS = 100;
/** wall time that a due timer or an opening may be late before the day gives up */
const LATE_MS_MAX = 60_000;
/** Opened and handed in together: the nodes work while the next ones are opened. */
const OPENINGS = 100;
/** A devnet that is switched off in the middle, or too slow, misses the window: the motion is convened again. */
const MOTIONS_MAX = 5;
/** Their keys of the motion: two of the three open every ballot. */
const KEY_HOLDERS = [STAFF.street, STAFF.committee, STAFF.residents] as const;
/** The states of a motion on its way, in their order. */
const STATES = ["draft", "sealed", "noticed", "open", "closed", "tallied", "published"];

/** Enters every head into a roll and seals it: from here on, transfers change nothing for this vote. */
export async function sealRoll(context: DayContext, steps: Steps): Promise<void> {
  const { community } = context;
  const by = (action: string, args: Readonly<Record<string, Value>>) =>
    callOf(context, STAFF.registrar, { contract: "registry", action, args });
  await steps.ensure({
    title: { zh: "开立业主名册", en: "Roll of owners opened" },
    contract: "registry",
    table: "roll",
    items: [
      {
        key: [ROLL],
        ...by("open_roll", { id: ROLL, community: community.code, scope: "community", building: "" }),
      },
    ],
  });
  await steps.ensure({
    title: { zh: `${community.heads.length} 名业主列入名册`, en: `${community.heads.length} heads entered` },
    contract: "registry",
    table: "roll_entry",
    items: community.heads.map(({ id }) => ({ key: [ROLL, id], ...by("enter_roll", { roll: ROLL, head: id }) })),
    itemsPerTransaction: 100,
  });
  await steps.ensure({
    title: { zh: "封存名册", en: "Roll sealed" },
    contract: "registry",
    table: "roll",
    items: [{ key: [ROLL], ...by("seal_roll", { roll: ROLL }), isDone: (fields) => fields.state === "sealed" }],
  });
}

/** A motion under notice or further, and the ballots to be cast on it: none when voting has closed. */
export interface ConvenedMotion {
  readonly motion: string;
  /** by head */
  readonly ballots: ReadonlyMap<string, SealedBallot>;
}

/** Puts the motion under notice, unless one is. Ballots are sealed before, so that the whole window is there to cast them. */
export async function convene(context: DayContext, steps: Steps): Promise<ConvenedMotion> {
  for (let number = 1; number <= MOTIONS_MAX; number += 1) {
    const id = `lifts-${number}`;
    const motion = await steps.reader.row("owners-vote", "motion", [id]);
    if (motion !== undefined && isMissed(motion)) continue;
    const longer = WINDOW_DAYS_PER_NODE * context.nodes.length + WINDOW_DAYS_MORE * (number - 1);
    return postNotice(context, steps, { motion: id, windowDays: Math.min(WINDOW_DAYS_MAX, longer) });
  }
  throw new LedgerError("DAY_STALLED", { motions: MOTIONS_MAX }, { remedy: "start with an empty data directory" });
}

async function postNotice(
  context: DayContext,
  steps: Steps,
  { motion, windowDays }: { readonly motion: string; readonly windowDays: number },
): Promise<ConvenedMotion> {
  const move = (title: ProgressLine, action: string, args: Readonly<Record<string, Value>>, state: string) =>
    moveMotion(context, steps, { motion, title, by: STAFF.committee, action, args, state });
  await move(
    { zh: `业委会起草议题 ${motion}`, en: `Motion ${motion} drafted by the committee` },
    "draft",
    {
      id: motion,
      community: context.community.code,
      kind: MOTION_KIND,
      decision: DECISION,
      text_hash: digestOf(MOTION_TEXT),
      petition: "",
    },
    "draft",
  );
  await move(
    {
      zh: `封存议题 ${motion}: 文本、名册、期限和密钥机构不再变`,
      en: `Motion ${motion} sealed: text, roll, times and key organisations are fixed`,
    },
    "seal",
    {
      motion,
      roll: ROLL,
      notice_days: NOTICE_DAYS,
      window_days: windowDays,
      counting_days: COUNTING_DAYS,
      holders: KEY_HOLDERS.map(({ organisation }) => organisation),
    },
    "sealed",
  );
  await steps.ensure({
    title: {
      zh: `${KEY_HOLDERS.length} 家密钥机构各登记公钥`,
      en: `${KEY_HOLDERS.length} organisations register keys`,
    },
    contract: "owners-vote",
    table: "ballot_key",
    items: KEY_HOLDERS.map((holder) => {
      const { publicKey, secretHash } = keyOf(context, motion, holder);
      const args = { motion, public: publicKey, secret_hash: secretHash };
      return {
        key: [motion, holder.organisation],
        ...callOf(context, holder, { contract: "owners-vote", action: "offer_key", args }),
      };
    }),
  });
  const ballots = await sealBallots(context, steps, motion);
  await move(
    {
      zh: `公示议题 ${motion}: 公示 ${NOTICE_DAYS} 天, 表决 ${windowDays} 天`,
      en: `Motion ${motion} under notice for ${NOTICE_DAYS} days, then ${windowDays} days of voting`,
    },
    "post_notice",
    { motion, notice_hash: digestOf(`notice:${motion}`) },
    "noticed",
  );
  return { motion, ballots };
}

/** Waits for the opening and lets every head vote; a second ballot and a look before the end are tried, too. */
export async function castVotes(context: DayContext, steps: Steps, { motion, ballots }: ConvenedMotion): Promise<void> {
  const { opens, closes } = await waitForMotion(context, steps, { motion, due: "opens" }, hasReached("open"));
  context.progress({
    zh: `议题 ${motion} 公示期满, 开始表决 (${localDay(opens)})`,
    en: `Notice of ${motion} is over, voting is open`,
  });
  const isOver = (): boolean => isDue(context, closes);
  if (isOver()) return;
  await castBallots(context, steps, { motion, ballots, isOver });
  if (!isOver()) await tryToCheat(context, { motion, ballots });
}

/**
 * Waits for the timer that closes, opens the ballots, and publishes.
 * @returns whether the vote took place with all heads; false: the window passed while the devnet was away
 */
export async function countVotes(context: DayContext, steps: Steps, motion: string): Promise<boolean> {
  const closed = await waitForMotion(context, steps, { motion, due: "closes" }, hasReached("closed"));
  return !isMissed(closed) && count(context, steps, motion);
}

/** Waits until the result has been on display and takes effect, or not. */
export async function awaitEffect(context: DayContext, steps: Steps, motion: string): Promise<void> {
  const result = await waitForMotion(context, steps, { motion, due: "effect_from" }, isFinal);
  context.progress({
    zh: `议题 ${motion} 结果公示期满: ${result.state} (${result.reason})`,
    en: `Motion ${motion}, its result was on display: ${result.state} (${result.reason})`,
  });
}

async function tryToCheat(context: DayContext, { motion, ballots }: ConvenedMotion): Promise<void> {
  for (const [head, { commitment, sealed }] of [...ballots].slice(0, 1)) {
    const args = { motion, text_hash: digestOf(MOTION_TEXT), commitment, sealed };
    const calls = [{ contract: "owners-vote", action: "vote", args }];
    await context.attempts.make("second-ballot", residentOf(context, head), calls);
  }
  const secret = keyOf(context, motion, STAFF.street).secret;
  await context.attempts.make("early-key", staffOf(context, STAFF.street), [
    { contract: "owners-vote", action: "publish_key", args: { motion, secret } },
  ]);
}

/** Every head's own ballot, by its id; none when they were cast before. */
async function sealBallots(
  context: DayContext,
  steps: Steps,
  motion: string,
): Promise<ReadonlyMap<string, SealedBallot>> {
  const fields = await steps.reader.row("owners-vote", "motion", [motion]);
  const ballots = new Map<string, SealedBallot>();
  if (fields === undefined || hasReached("closed")(fields)) return ballots;
  const keys = KEY_HOLDERS.map((holder) => keyOf(context, motion, holder).publicKey);
  for (const { id } of context.community.heads) {
    ballots.set(id, await sealBallot({ motion, head: id }, choiceOf(id), keys));
    // The rest of the day goes on in this process.
    await breathe();
  }
  return ballots;
}

async function castBallots(
  context: DayContext,
  steps: Steps,
  given: {
    readonly motion: string;
    readonly ballots: ReadonlyMap<string, SealedBallot>;
    readonly isOver: () => boolean;
  },
): Promise<void> {
  const { motion, ballots, isOver } = given;
  const { nodes } = context;
  try {
    await steps.ensure({
      title: { zh: `${ballots.size} 名业主各投一票, 票已封`, en: `${ballots.size} heads cast one sealed ballot each` },
      contract: "owners-vote",
      table: "ballot",
      items: [...ballots].map(([head, { commitment, sealed }], index) => ({
        key: [motion, head],
        account: head,
        via: nodes[index % nodes.length]?.organisation ?? "",
        calls: [
          {
            contract: "owners-vote",
            action: "vote",
            args: { motion, text_hash: digestOf(MOTION_TEXT), commitment, sealed },
          },
        ],
      })),
      isOver,
    });
  } catch (error) {
    // Too late is no fault of the voters: the motion is convened again.
    if (!(error instanceof LedgerError) || error.code !== "DAY_REFUSED" || !isOver()) throw error;
  }
}

/**
 * Keys are published, anybody opens the ballots, the contract counts, the committee publishes.
 * @returns whether every ballot was opened before the time to count was over
 */
async function count(context: DayContext, steps: Steps, motion: string): Promise<boolean> {
  const move = (title: ProgressLine, action: string, args: Readonly<Record<string, Value>>, state: string) =>
    moveMotion(context, steps, { motion, title, by: STAFF.committee, action, args, state });
  const fields = await steps.reader.row("owners-vote", "motion", [motion]);
  if (fields !== undefined && !hasReached("tallied")(fields)) await openBallots(context, steps, motion);
  await move(
    { zh: `议题 ${motion} 计票`, en: `Ballots of ${motion} counted by the contract` },
    "tally",
    { motion },
    "tallied",
  );
  const counted = await steps.reader.row("owners-vote", "motion", [motion]);
  if (counted === undefined || isMissed(counted)) return false;
  await move(
    { zh: `公布议题 ${motion} 的结果, 公示 15 天`, en: `Result of ${motion} published, on display for 15 days` },
    "publish",
    { motion, result_hash: digestOf(`result:${motion}`) },
    "published",
  );
  return true;
}

async function openBallots(context: DayContext, steps: Steps, motion: string): Promise<void> {
  await steps.ensure({
    title: { zh: "表决已截止, 密钥机构公布私钥", en: "Voting has closed, the organisations publish their keys" },
    contract: "owners-vote",
    table: "ballot_key",
    items: KEY_HOLDERS.map((holder) => {
      const args = { motion, secret: keyOf(context, motion, holder).secret };
      return {
        key: [motion, holder.organisation],
        ...callOf(context, holder, { contract: "owners-vote", action: "publish_key", args }),
        isDone: (fields) => bytesOf(fields.secret).length > 0,
      };
    }),
  });
  const sealed = [...(await steps.reader.rows("owners-vote", "ballot"))].filter(
    ([key, { choice }]) => key.startsWith(`${motion}\n`) && choice === "sealed",
  );
  const { count_until: until } = (await steps.reader.row("owners-vote", "motion", [motion])) ?? {};
  const isOver = (): boolean => isDue(context, until);
  for (let first = 0; first < sealed.length; first += OPENINGS) {
    const items: StepItem[] = [];
    for (const [key, fields] of sealed.slice(first, first + OPENINGS)) {
      items.push(...(await openingOf(context, motion, { head: key.slice(motion.length + 1), fields })));
    }
    try {
      await steps.ensure({
        title: {
          zh: `居委会开出第 ${first + 1} 至 ${first + items.length} 张选票`,
          en: `Ballots ${first + 1} to ${first + items.length} opened by the residents' committee`,
        },
        contract: "owners-vote",
        table: "ballot",
        items,
        itemsPerTransaction: OPENINGS,
        isOver,
      });
    } catch (error) {
      // Too slow a machine: what is sealed now stays so, and the motion is convened again.
      if (!(error instanceof LedgerError) || error.code !== "DAY_REFUSED" || !isOver()) throw error;
      return;
    }
  }
}

async function openingOf(
  context: DayContext,
  motion: string,
  { head, fields }: { readonly head: string; readonly fields: RowFields },
): Promise<readonly StepItem[]> {
  const ballot = { commitment: bytesOf(fields.commitment), sealed: bytesOf(fields.sealed) };
  const opening = await openBallot({ motion, head }, ballot, publishedKeys(context, motion));
  await breathe();
  if (opening === undefined) return [];
  const args = { motion, head, ...opening };
  return [
    {
      key: [motion, head],
      ...callOf(context, STAFF.residents, { contract: "owners-vote", action: "open_ballot", args }),
      isDone: (row) => row.choice !== "sealed",
    },
  ];
}

/** Two are enough: the third key is not asked for. */
function publishedKeys(context: DayContext, motion: string): readonly KeyHolder[] {
  return KEY_HOLDERS.map((holder, index) => {
    const { publicKey, secret } = keyOf(context, motion, holder);
    return { publicKey, secret: index === 0 ? undefined : secret };
  });
}

/** One call that brings the motion into a state, or further. */
async function moveMotion(
  context: DayContext,
  steps: Steps,
  given: {
    readonly motion: string;
    readonly title: ProgressLine;
    readonly by: StaffMember;
    readonly action: string;
    readonly args: Readonly<Record<string, Value>>;
    readonly state: string;
  },
): Promise<void> {
  const { motion, title, by, action, args, state } = given;
  await steps.ensure({
    title,
    contract: "owners-vote",
    table: "motion",
    items: [
      {
        key: [motion],
        ...callOf(context, by, { contract: "owners-vote", action, args }),
        isDone: hasReached(state),
      },
    ],
  });
}

function callOf(context: DayContext, { account, organisation }: StaffMember, call: StepItem["calls"][number]) {
  return { account, via: viaOf(context, organisation), calls: [call] };
}

/** The organisation's key of the motion, derived so that a day that goes on has the same. */
function keyOf({ keys }: DayContext, motion: string, { organisation }: StaffMember): BallotKey {
  return newBallotKey(keys.derive(`ballot-key:${organisation}:${motion}`));
}

function hasReached(state: string): (fields: RowFields) => boolean {
  return (fields) => isFinal(fields) || STATES.indexOf(String(fields.state)) >= STATES.indexOf(state);
}

function isFinal({ state }: RowFields): boolean {
  return !STATES.includes(String(state));
}

/** Voting closed before all had voted, or counting before all ballots were open. */
function isMissed(motion: RowFields): boolean {
  const opened = Number(motion.for_heads) + Number(motion.against_heads) + Number(motion.abstain_heads);
  return (
    (hasReached("closed")(motion) && motion.cast_heads !== motion.roll_heads) ||
    (hasReached("tallied")(motion) && motion.cast_heads !== opened)
  );
}

function isDue(context: DayContext, timeMs: unknown): boolean {
  return typeof timeMs === "number" && context.clock.nowMs() >= timeMs;
}

async function waitForMotion(
  context: DayContext,
  steps: Steps,
  { motion, due }: { readonly motion: string; readonly due: "opens" | "closes" | "effect_from" },
  until: (fields: RowFields) => boolean,
): Promise<RowFields> {
  let lateSinceMs: number | undefined;
  for (;;) {
    const fields = await steps.reader.row("owners-vote", "motion", [motion]);
    if (fields !== undefined && until(fields)) return fields;
    if (fields === undefined || isDue(context, fields[due])) lateSinceMs ??= context.clock.monotonicMs();
    if (lateSinceMs !== undefined && context.clock.monotonicMs() - lateSinceMs > LATE_MS_MAX) {
      throw new LedgerError(
        "DAY_STALLED",
        { motion, waitedMs: LATE_MS_MAX },
        { remedy: "look into the nodes' logs and at consensus_status" },
      );
    }
    await pause(POLL_MS);
  }
}

function localDay(timeMs: unknown): string {
  return new Date(Number(timeMs) + 8 * (DAY_MS / 24)).toISOString().slice(0, 10);
}
