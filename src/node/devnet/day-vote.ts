// The owners' vote: a sealed roll, a motion under notice, a ballot of every head with its own key, and the result by timer.
// Never tallies: the contract does, and the summary does it again for itself.

import { setTimeout as pause } from "node:timers/promises";
import { sha256 } from "#sha256";
import { LedgerError } from "../../errors.ts";
import { STAFF } from "./cast.ts";
import type { DayContext } from "./day.ts";
import { viaOf } from "./day-registration.ts";
import { choiceOf } from "./plan.ts";
import type { RowFields } from "./reader.ts";
import type { Steps } from "./steps.ts";

export const ROLL = "2026-1";
/** What the owners decide: to use the maintenance fund (art. 278 (5), since 2021 by more than half, no longer by two thirds). */
export const MOTION_KIND = "fund_use";
const MOTION_TEXT =
  "使用建筑物及其附属设施的维修资金更换电梯曳引机 · Use of the maintenance fund to replace lift machines";
const NOTICE_DAYS = 15;
/** days of the window for each node of the network: all of them share one machine, and a day is a second */
const WINDOW_DAYS_PER_NODE = 5;
/** what is added when a window was too short */
const WINDOW_DAYS_MORE = 20;
const WINDOW_DAYS_MAX = 60;
const DAY_MS = 86_400_000;
const POLL_MS = 100;
/** wall time that a due timer or an opening may be late before the day gives up */
const LATE_MS_MAX = 60_000;
/** A devnet that is switched off in the middle, or too slow, misses the window: the motion is convened again. */
const MOTIONS_MAX = 5;

/** Enters every head into a roll and seals it: from here on, transfers change nothing for this vote. */
export async function sealRoll(context: DayContext, steps: Steps): Promise<void> {
  const { community } = context;
  const { account, organisation } = STAFF.registrar;
  const call = (action: string, args: Readonly<Record<string, string>>) => ({
    account,
    via: viaOf(context, organisation),
    calls: [{ contract: "registry", action, args }],
  });
  await steps.ensure({
    title: { zh: "开立业主名册", en: "Roll of owners opened" },
    contract: "registry",
    table: "roll",
    items: [{ key: [ROLL], ...call("open_roll", { id: ROLL, community: community.code }) }],
  });
  await steps.ensure({
    title: { zh: `${community.heads.length} 名业主列入名册`, en: `${community.heads.length} heads entered` },
    contract: "registry",
    table: "roll_entry",
    items: community.heads.map(({ id }) => ({ key: [ROLL, id], ...call("enter_roll", { roll: ROLL, head: id }) })),
    itemsPerTransaction: 100,
  });
  await steps.ensure({
    title: { zh: "封存名册", en: "Roll sealed" },
    contract: "registry",
    table: "roll",
    items: [{ key: [ROLL], ...call("seal_roll", { roll: ROLL }), isDone: (fields) => fields.state === "sealed" }],
  });
}

/** Puts the motion under notice, unless one is. @returns its id */
export async function convene(context: DayContext, steps: Steps): Promise<string> {
  const { community } = context;
  const { account, organisation } = STAFF.committee;
  for (let number = 1; number <= MOTIONS_MAX; number += 1) {
    const id = `lifts-${number}`;
    const longer = WINDOW_DAYS_PER_NODE * context.nodes.length + WINDOW_DAYS_MORE * (number - 1);
    const windowDays = Math.min(WINDOW_DAYS_MAX, longer);
    const motion = await steps.reader.row("owners-vote", "motion", [id]);
    if (motion !== undefined && isMissed(motion)) continue;
    await steps.ensure({
      title: {
        zh: `业委会公示议题 ${id}: 公示 ${NOTICE_DAYS} 天, 表决 ${windowDays} 天`,
        en: `Motion ${id} under notice for ${NOTICE_DAYS} days, then ${windowDays} days of voting`,
      },
      contract: "owners-vote",
      table: "motion",
      items: [
        {
          key: [id],
          account,
          via: viaOf(context, organisation),
          calls: [
            {
              contract: "owners-vote",
              action: "convene",
              args: {
                id,
                community: community.code,
                roll: ROLL,
                kind: MOTION_KIND,
                decision: "fund_use:lifts",
                text_hash: sha256(new TextEncoder().encode(MOTION_TEXT)),
                notice_days: NOTICE_DAYS,
                window_days: windowDays,
              },
            },
          ],
        },
      ],
    });
    return id;
  }
  throw new LedgerError("DAY_STALLED", { motions: MOTIONS_MAX }, { remedy: "start with an empty data directory" });
}

/**
 * Waits for the opening, lets every head vote, waits for the timer that closes.
 * @returns whether the vote took place with all heads; false: the window passed while the devnet was away
 */
export async function holdVote(context: DayContext, steps: Steps, motion: string): Promise<boolean> {
  const { opens, closes } = await waitForMotion(context, steps, motion, "opens", ({ opens }) => isDue(context, opens));
  context.progress({
    zh: `议题 ${motion} 公示期满, 开始表决 (${localDay(opens)})`,
    en: `Notice of ${motion} is over, voting is open`,
  });
  const isOver = (): boolean => isDue(context, closes);
  if (!isOver()) await castBallots(context, steps, { motion, isOver });
  const result = await waitForMotion(context, steps, motion, "closes", (fields) => fields.state !== "noticed");
  context.progress({
    zh: `议题 ${motion} 到期自动计票: ${result.state} (${result.reason})`,
    en: `Motion ${motion} closed by its timer: ${result.state} (${result.reason})`,
  });
  return !isMissed(result);
}

async function castBallots(
  { community, nodes }: DayContext,
  steps: Steps,
  { motion, isOver }: { readonly motion: string; readonly isOver: () => boolean },
): Promise<void> {
  try {
    await steps.ensure({
      title: {
        zh: `${community.heads.length} 名业主各投一票`,
        en: `${community.heads.length} heads cast one ballot each`,
      },
      contract: "owners-vote",
      table: "ballot",
      items: community.heads.map(({ id }, index) => ({
        key: [motion, id],
        account: id,
        via: nodes[index % nodes.length]?.organisation ?? "",
        calls: [{ contract: "owners-vote", action: "vote", args: { motion, choice: choiceOf(id) } }],
        isDone: (fields: RowFields) => fields.choice === choiceOf(id),
      })),
      isOver,
    });
  } catch (error) {
    // Too late is no fault of the voters: the motion is convened again.
    if (!(error instanceof LedgerError) || error.code !== "DAY_REFUSED" || !isOver()) throw error;
  }
}

function isMissed(motion: RowFields): boolean {
  return motion.state !== "noticed" && motion.cast_heads !== motion.roll_heads;
}

function isDue(context: DayContext, timeMs: unknown): boolean {
  return typeof timeMs === "number" && context.clock.nowMs() >= timeMs;
}

async function waitForMotion(
  context: DayContext,
  steps: Steps,
  motion: string,
  due: "opens" | "closes",
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
