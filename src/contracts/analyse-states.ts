// Which states the rows of a table can come into by what the actions of the contract do, and what can therefore never happen.
// Fields with a flow only: of others every value is possible.

import type { CheckedAction, CheckedFlow, CheckedTable } from "./checked.ts";
import type { Findings } from "./finding.ts";

/** What an action does to a field that has a flow. */
export interface Move {
  readonly table: string;
  readonly column: number;
  /** undefined: in a new row */
  readonly from: readonly string[] | undefined;
  readonly to: readonly string[];
  /** without a `when`: the action happens only together with it */
  readonly isCertain: boolean;
}

/** What the conditions of an action demand of such a field. */
export interface Need {
  readonly table: string;
  readonly column: number;
  /** as the author wrote it: `o.state` */
  readonly label: string;
  readonly states: readonly string[];
}

export interface ActionFacts {
  readonly action: CheckedAction;
  /** false: its conditions contradict each other */
  readonly isPossible: boolean;
  readonly moves: readonly Move[];
  readonly needs: readonly Need[];
}

interface Report {
  readonly findings: Findings;
  /** actions that are known never to happen */
  readonly unreached: Set<CheckedAction>;
}

export function reportStates(table: CheckedTable, actions: readonly ActionFacts[], report: Report): void {
  for (const flow of table.flows) {
    const own = ({ table: name, column }: { readonly table: string; readonly column: number }) =>
      name === table.name && column === flow.column;
    const moves = actions
      .filter(({ action }) => !report.unreached.has(action))
      .flatMap(({ moves: all }) => all.filter(own));
    const begins = moves.filter(({ from }) => from === undefined);
    // Rows that come from elsewhere, as from an older version, have whatever state.
    if (begins.length === 0) continue;
    const reached = reachedStates(flow, moves);
    reportUnreachedStates(table, flow, { reached, report });
    for (const { action, needs, moves: all } of actions) {
      if (report.unreached.has(action)) continue;
      const missed = needs.find((need) => own(need) && !need.states.some((state) => reached.has(state)));
      if (missed !== undefined)
        reportNever(
          action,
          `${missed.label} would have to be ${missed.states.join(" or ")}, which no action leads to`,
          report,
          [...reached],
        );
      else {
        const stuck = all.find((move) => own(move) && move.isCertain && !isPossible(move, flow, reached));
        if (stuck !== undefined)
          reportNever(
            action,
            `flow of ${table.name} has no ${stuck.from === undefined ? "beginning" : `move from ${stuck.from.join(" or ")}`} to ${stuck.to.join(" or ")}`,
            report,
          );
      }
    }
  }
}

/** From the beginnings along the moves that an action makes and the flow allows. */
function reachedStates(flow: CheckedFlow, moves: readonly Move[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const allowed = new Map([...flow.moves].map(([from, to]) => [from, new Set(to)] as const));
  const next = new Map<string, Set<string>>();
  const seen = new Set<string>();
  for (const { from, to } of moves) {
    // Many statements make the same moves: each kind counts once.
    const kind = `${from?.join(" ")} > ${to.join(" ")}`;
    if (seen.has(kind)) continue;
    seen.add(kind);
    if (from === undefined) for (const state of to) if (flow.initial.includes(state)) reached.add(state);
    for (const state of from ?? []) {
      const targets = next.get(state) ?? new Set<string>();
      for (const target of to) if (allowed.get(state)?.has(target)) targets.add(target);
      next.set(state, targets);
    }
  }
  // A set iterates over what is added while it iterates.
  for (const state of reached) for (const target of next.get(state) ?? []) reached.add(target);
  return reached;
}

function isPossible({ from, to }: Move, flow: CheckedFlow, reached: ReadonlySet<string>): boolean {
  if (from === undefined) return to.some((state) => flow.initial.includes(state));
  return from.some((state) => reached.has(state) && to.some((target) => flow.moves.get(state)?.includes(target)));
}

/** States to which the flow leads and no action does; those to which the flow does not lead have their finding already. */
function reportUnreachedStates(
  table: CheckedTable,
  flow: CheckedFlow,
  { reached, report }: { readonly reached: ReadonlySet<string>; readonly report: Report },
): void {
  const drawn = new Set(flow.initial);
  for (const state of drawn) for (const target of flow.moves.get(state) ?? []) drawn.add(target);
  for (const state of drawn)
    if (!reached.has(state))
      report.findings.warning(table.at, "STATE_UNREACHABLE", `no action brings a row of ${table.name} to ${state}`, [
        ...reached,
      ]);
}

/** Reports an action that can never happen, once. */
export function reportNever(
  action: CheckedAction,
  why: string,
  { findings, unreached }: { readonly findings: Findings; readonly unreached: Set<CheckedAction> },
  known?: readonly string[],
): void {
  unreached.add(action);
  findings.warning(action.name.at, "ACTION_UNREACHABLE", `${action.name.text} can never happen: ${why}`, known);
}
