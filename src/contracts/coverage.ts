// Which conditions, whens and moves of a contract its author's tests reached, and which none did.
// It watches runs; it never changes what they do or cost.

import type { CheckedContract, CheckedStatement, CheckedTable } from "./checked.ts";
import { compileExpression } from "./compile-expression.ts";
import type { CompiledAction, CompiledContract, CompiledStatement } from "./compiled.ts";
import type { Evaluate, Frame } from "./frame.ts";

/** Something that a test can reach. */
export interface CoverageItem {
  /** 1-based */
  readonly line: number;
  /** e.g. `assign.require[0] never refuses` */
  readonly missing: string;
}

export interface CoverageReport {
  readonly reached: number;
  readonly total: number;
  /** in order of lines */
  readonly missing: readonly CoverageItem[];
}

/** Enough for any expression of a contract that was accepted: looking must not cost the run anything. */
const WATCHING_GAS = Number.MAX_SAFE_INTEGER;

export class Coverage {
  private readonly checked: CheckedContract;
  private readonly lineOf: (at: number) => number;
  private readonly items = new Map<string, CoverageItem>();
  private readonly reached = new Set<string>();

  constructor(checked: CheckedContract, lineOf: (at: number) => number) {
    this.checked = checked;
    this.lineOf = lineOf;
  }

  /** The same contract, watched. */
  watch(contract: CompiledContract): CompiledContract {
    for (const table of this.checked.tables) this.expectMoves(table);
    const actions = [...contract.actions].map(([name, action]) => [name, this.watchAction(action)] as const);
    return { ...contract, actions: new Map(actions) };
  }

  report(): CoverageReport {
    const missing = [...this.items].filter(([id]) => !this.reached.has(id)).map(([, item]) => item);
    missing.sort((left, right) => left.line - right.line);
    return { reached: this.reached.size, total: this.items.size, missing };
  }

  private expect(id: string, at: number, missing: string): void {
    this.items.set(id, { line: this.lineOf(at), missing });
  }

  private reach(id: string): void {
    if (this.items.has(id)) this.reached.add(id);
  }

  private watchAction(action: CompiledAction): CompiledAction {
    const checked = this.checked.actions.find(({ name }) => name.text === action.name);
    if (checked === undefined) return action;
    const { name } = action;
    const requires = action.requires.map((condition, index) => {
      const rule = `${name}.require[${index}]`;
      const at = checked.requires[index]?.at ?? checked.name.at;
      this.expect(`${rule} true`, at, `${rule} never holds`);
      this.expect(`${rule} false`, at, `${rule} never refuses`);
      return { ...condition, evaluate: this.watched(condition.evaluate, rule) };
    });
    const statements = action.statements.map((perform, index) => {
      const statement = checked.statements[index];
      return statement === undefined ? perform : this.watchStatement(perform, statement, `${name}.do[${index}].when`);
    });
    return { ...action, requires, statements };
  }

  private watchStatement(perform: CompiledStatement, statement: CheckedStatement, rule: string): CompiledStatement {
    const { when, at } = statement;
    if (when !== undefined) {
      this.expect(`${rule} true`, at, `${rule} is never true`);
      this.expect(`${rule} false`, at, `${rule} is never false`);
    }
    const evaluate = when && this.watched(compileExpression(when), rule);
    const moves = this.movesOf(statement);
    return (run) => {
      const isDone = evaluate === undefined || evaluate(apart(run.frame)) === true;
      const next = isDone ? moves.map((move) => move(apart(run.frame))) : [];
      const refusal = perform(run);
      if (refusal === undefined) for (const id of next) this.reach(id);
      return refusal;
    };
  }

  private watched(evaluate: Evaluate, rule: string): Evaluate {
    return (frame) => {
      const outcome = evaluate(frame);
      // An error refuses as well as false does.
      this.reach(`${rule} ${outcome === true}`);
      return outcome;
    };
  }

  private expectMoves({ name, at, columns, flows }: CheckedTable): void {
    for (const { column, moves } of flows)
      for (const [from, states] of moves)
        for (const to of states) {
          const field = `${name}.${columns[column]?.name ?? ""}`;
          this.expect(`${field} ${from} ${to}`, at, `${field} never goes from ${from} to ${to}`);
        }
  }

  /** Which moves a statement is about to make, as ids of what is expected. */
  private movesOf(statement: CheckedStatement): readonly ((frame: Frame) => string)[] {
    if (statement.kind !== "update") return [];
    const { table, read, assignments } = statement;
    return assignments
      .filter(({ column }) => table.flows.some((flow) => flow.column === column))
      .map(({ column, typed }) => {
        const evaluate = compileExpression(typed);
        const field = `${table.name}.${table.columns[column]?.name ?? ""}`;
        return (frame) => `${field} ${String(frame.rows[read]?.[column])} ${String(evaluate(frame))}`;
      });
  }
}

/** A frame of the same values, whose gas and slots are its own. */
function apart({ slots, rows, settings }: Frame): Frame {
  return { gas: WATCHING_GAS, slots: [...slots], rows, settings };
}
