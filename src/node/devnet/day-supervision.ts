// The supervising authority: an inspection, items with notice and objection, a score that anybody adds up.
// Decides nothing alone: who records an item is not who decides it.

import type { CallRequest } from "../../client/transaction.ts";
import type { Value } from "../../ledger/codec.ts";
import { digestOf, itemOf, moveRows, staffOf } from "./acts.ts";
import { STAFF } from "./cast.ts";
import type { DayContext } from "./day.ts";
import { alertOf } from "./day-accounts.ts";
import { ITEMS } from "./plan-services.ts";
import type { Steps } from "./steps.ts";
import { unlessLate, untilLedgerTime } from "./waiting.ts";

const ROWS = { contract: "supervision", table: "item" };

const INSPECTION = "inspection-1";
const SUBJECT = "property";
const [BASE, GOOD, BAD] = ITEMS;

type Item = (typeof ITEMS)[number];

/** An inspection, and two items that rest on it: recorded, notified, and decided when the time to object is over. */
export async function inspect(context: DayContext, steps: Steps): Promise<void> {
  const { code: community } = context.community;
  const args = { id: INSPECTION, organisation: SUBJECT, community, report: digestOf("report") };
  await steps.ensure({
    title: { zh: "住建局检查物业公司", en: "The housing authority inspects the property company" },
    contract: "supervision",
    table: "inspection",
    items: [itemOf(staffOf(context, STAFF.regulator), [INSPECTION], [call("inspect", args)])],
  });
  await record(context, steps, [BASE, GOOD], { basis: "inspection", cited: INSPECTION });
  const regulator = staffOf(context, STAFF.regulator);
  await context.attempts.make("decided-alone", regulator, [decisionOf(BASE)]);
  const onCommittee = {
    ...recordOf(BAD, { basis: "document", cited: "" }),
    id: "complaint-1",
    organisation: "committee",
  };
  await context.attempts.make("listed-complainant", regulator, [call("record", onCommittee)]);
}

/** The two items that nobody objected to. */
export async function decideInspection(context: DayContext, steps: Steps): Promise<void> {
  await decide(context, steps, [BASE, GOOD]);
}

/** The alert that an owner raised costs points: the company objects, and is heard, before somebody else decides. */
export async function scoreAlert(context: DayContext, steps: Steps): Promise<void> {
  await record(context, steps, [BAD], { basis: "alert", cited: alertOf(context.community.code) });
  const item = await steps.reader.row("supervision", "item", [BAD.id]);
  await unlessLate(context, Number(item?.objection_until), () =>
    moveRows(steps, {
      rows: ROWS,
      title: { zh: "物业提出异议", en: "The property company objects" },
      by: staffOf(context, STAFF.manager),
      after: ["recorded", "notified"],
      items: [[BAD.id, call("object", { id: BAD.id, objection: digestOf("objection") })]],
    }),
  );
  await decide(context, steps, [BAD]);
}

async function record(
  context: DayContext,
  steps: Steps,
  items: readonly Item[],
  ground: { readonly basis: string; readonly cited: string },
): Promise<void> {
  const by = staffOf(context, STAFF.regulator);
  await moveRows(steps, {
    rows: ROWS,
    title: {
      zh: `登记 ${items.length} 个项目, 引用依据`,
      en: `${items.length} items recorded, with what they rest on`,
    },
    by,
    after: [],
    items: items.map((item) => [item.id, call("record", recordOf(item, ground))]),
  });
  await moveRows(steps, {
    rows: ROWS,
    title: { zh: "告知物业, 可提异议", en: "The company is notified and may object" },
    by,
    after: ["recorded"],
    items: items.map(({ id }) => [id, call("notify", { id, notice: digestOf(`notice:${id}`) })]),
  });
}

/** At once where the company was heard, and when its time to object is over where it said nothing. */
async function decide(context: DayContext, steps: Steps, items: readonly Item[]): Promise<void> {
  const rows = await steps.reader.rows("supervision", "item");
  const silent = items.filter(({ id }) => rows.get(id)?.state === "notified");
  await untilLedgerTime(context, Math.max(0, ...silent.map(({ id }) => Number(rows.get(id)?.objection_until))));
  await moveRows(steps, {
    rows: ROWS,
    title: { zh: "另一位监管人员决定", en: "Another official decides" },
    by: staffOf(context, STAFF.reviewer),
    after: ["recorded", "notified", "objected"],
    items: items.map((item) => [item.id, decisionOf(item)]),
  });
}

function recordOf({ id, kind, points }: Item, ground: { readonly basis: string; readonly cited: string }) {
  return { id, organisation: SUBJECT, kind, points, ...ground, digest: digestOf(`facts:${id}`) };
}

function decisionOf({ id }: Item): CallRequest {
  return call("decide", { id, stands: true, reasons: digestOf(`reasons:${id}`) });
}

function call(action: string, args: Readonly<Record<string, Value>>): CallRequest {
  return { contract: "supervision", action, args };
}
