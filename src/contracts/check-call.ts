// Checks the arguments that a statement hands to an action, of this contract or of another one, and the statement `call`.
// Who may call is checked where the action is imported.

import type { Checked, Document, StatementContext } from "./check-statement.ts";
import { unitsOf } from "./check-statement.ts";
import type { CheckedArgument } from "./checked.ts";
import type { Assignments, Name } from "./document.ts";
import type { Column } from "./types.ts";

/** Every parameter once, in the order of names, as arguments travel. */
export function checkArguments(
  args: Assignments,
  { at, params }: { readonly at: Name; readonly params: readonly Column[] },
  { context, scope }: StatementContext,
): readonly CheckedArgument[] {
  const typed = args.flatMap(({ name, value }): readonly CheckedArgument[] => {
    const param = params.find((candidate) => candidate.name === name.text);
    if (param !== undefined)
      return [{ name: name.text, type: param.type, typed: context.expected(value, scope, param.type) }];
    context.findings.error(
      name.at,
      "ARGUMENT_UNKNOWN",
      `${at.text} has no parameter ${name.text}`,
      params.map((candidate) => candidate.name),
    );
    return [];
  });
  const missing = params.filter((param) => !args.some(({ name }) => name.text === param.name));
  if (missing.length > 0)
    context.findings.error(
      at.at,
      "ARGUMENT_MISSING",
      `${at.text} needs ${missing.map((param) => param.name).join(", ")}`,
    );
  return typed.sort((left, right) => (left.name < right.name ? -1 : 1));
}

export function checkCall({ action, args }: Document<"call">, at: StatementContext): Checked<"call"> | undefined {
  const target = at.context.importedActions.get(action.text);
  if (target === undefined) {
    at.context.findings.error(action.at, "ACTION_UNKNOWN", `no action ${action.text} is imported`, [
      ...at.context.importedActions.keys(),
    ]);
    return undefined;
  }
  const typed = checkArguments(args, { at: action, params: target.columns }, at);
  const split = action.text.lastIndexOf(".");
  return {
    kind: "call",
    contract: action.text.slice(0, split),
    action: action.text.slice(split + 1),
    args: typed,
    usageMax: target.usageMax,
    depth: target.callDepth + 1,
    unitsMax: unitsOf(typed.map((argument) => argument.typed)) + target.usageMax.units,
  };
}
