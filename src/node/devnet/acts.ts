// Who does what, as items of a step: the account, the node that takes it, and its calls.
// Knows no contract and no plan.

import { sha256 } from "#sha256";
import type { CallRequest } from "../../client/transaction.ts";
import { EMPTY_BYTES } from "../../ledger/hash.ts";
import { type ValueJson, valueFromJson } from "../../ledger/value-json.ts";
import type { StaffMember } from "./cast.ts";
import type { DayContext } from "./day.ts";
import type { ProgressLine, StepItem, Steps } from "./steps.ts";

/** Somebody who signs, and the organisation whose node takes it. */
export interface Actor {
  readonly account: string;
  readonly via: string;
}

/** Above the worst case of every transaction of the day's afternoon: at most 18 calls of 33,000 units, or 24 of 7,000. */
const GAS_AMPLE = 1_000_000;

/** The organisation's own node, or the street office's where it runs none. */
export function viaOf(context: Pick<DayContext, "nodes">, organisation: string): string {
  return context.nodes.some((node) => node.organisation === organisation) ? organisation : "street";
}

export function staffOf(context: Pick<DayContext, "nodes">, { account, organisation }: StaffMember): Actor {
  return { account, via: viaOf(context, organisation) };
}

/** An owner, who has no node: the residents' committee's, or the street office's. */
export function residentOf(context: Pick<DayContext, "nodes">, head: string): Actor {
  return { account: head, via: viaOf(context, "residents") };
}

/** One item: calls by one account, done when the row of `key` is there, or as `more.isDone` says. */
export function itemOf(
  actor: Actor,
  key: StepItem["key"],
  calls: readonly CallRequest[],
  more: Pick<StepItem, "isDone" | "cosigners"> = {},
): StepItem {
  return { ...actor, key, calls, gasLimit: GAS_AMPLE, ...more };
}

/** One call for each row of a table, by one account, until the row has left the states named. */
export async function moveRows(
  steps: Steps,
  given: {
    readonly title: ProgressLine;
    readonly rows: { readonly contract: string; readonly table: string };
    readonly by: Actor;
    /** the states that it leaves */
    readonly after: readonly string[];
    readonly items: readonly (readonly [id: string, act: CallRequest])[];
  },
): Promise<void> {
  const { title, rows, by, after, items } = given;
  await steps.ensure({
    title,
    ...rows,
    items: items.map(([id, act]) => itemOf(by, [id], [act], { isDone: ({ state }) => !after.includes(String(state)) })),
    itemsPerTransaction: 10,
  });
}

export function digestOf(text: string): Uint8Array {
  return sha256(new TextEncoder().encode(text));
}

/** Of a row's field that holds bytes. */
export function bytesOf(json: ValueJson | undefined): Uint8Array {
  const value = valueFromJson(json);
  return value.ok && value.value instanceof Uint8Array ? value.value : EMPTY_BYTES;
}
