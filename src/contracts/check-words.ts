// The names of a contract for people: which there are, and that every word of the glossary is one of them.
// Words are read by `render` and `diff` only; nothing here touches what executes.

import type { CheckContext } from "./check-context.ts";
import type { CheckedAction } from "./checked.ts";
import type { Assignments, ContractDocument, Name, StatementDocument } from "./document.ts";
import { type Expression, partsOf } from "./expression.ts";
import type { Column, Type } from "./types.ts";
import { LANGUAGES, Words } from "./words.ts";

/** Every word must name something; a word for nothing is a mistake in writing. */
export function checkWords(
  document: ContractDocument,
  context: CheckContext,
  actions: readonly Pick<CheckedAction, "name" | "params">[],
): void {
  for (const language of LANGUAGES) reportSameWords(document, context, new Words(document, language));
  if (document.words.length === 0) return;
  const known = namesOf(document, context);
  // What is given to an action of this contract or to one that it calls: names and values of enums.
  const given = [
    ...actions.map(({ name, params }) => [name.text, params] as const),
    ...[...context.importedActions].map(([name, { columns }]) => [name, columns] as const),
  ];
  for (const [owner, columns] of given) addColumns(owner, columns, known.add(owner));
  for (const { name } of document.words) {
    if (!known.has(name.text))
      context.findings.error(
        name.at,
        "WORD_UNKNOWN",
        `nothing in this contract is called ${JSON.stringify(name.text)}`,
        [...known],
      );
  }
}

/** What stands side by side on a page must differ there: two values of an enum both called "in favour" would hide what is counted. */
function reportSameWords(document: ContractDocument, context: CheckContext, words: Words): void {
  const distinct = (names: readonly Name[], wordOf: (name: string) => string, what: string) => {
    const seen = new Map<string, string>();
    for (const { text, at } of names) {
      const word = wordOf(text).replaceAll(/\s/g, "");
      const other = seen.get(word);
      if (other !== undefined && other !== text)
        context.findings.error(
          at,
          "WORD_TWICE",
          `${what} ${other} and ${text} are both called ${JSON.stringify(word)}`,
        );
      seen.set(word, text);
    }
  };
  const { actions, tables, settings } = document;
  distinct(namesIn(actions), (name) => words.action(name), "the actions");
  distinct(namesIn(tables), (name) => words.table(name), "the tables");
  distinct(namesIn(settings), (name) => words.setting(name), "the settings");
  distinct(
    actions.flatMap(({ by }) => by),
    (name) => words.role(name),
    "the roles",
  );
  for (const { name: table, key, fields } of tables) {
    const columns = [...key, ...fields];
    distinct(namesIn(columns), (name) => words.column(table.text, name), "the fields");
    for (const { name, type } of context.tables.get(table.text)?.columns ?? []) {
      const at = columns.find((column) => column.name.text === name)?.name.at ?? table.at;
      const values = enumValues(type).map((text) => ({ text, at }));
      distinct(values, (value) => words.value(name, value), "the values");
    }
  }
  for (const { name: action, params, defines } of actions) {
    const wordOf = (name: string) => words.of(`${action.text}.${name}`, name);
    distinct(namesIn([...params, ...defines]), wordOf, "the names");
  }
}

const namesIn = (parts: readonly { readonly name: Name }[]) => parts.map(({ name }) => name);

/** Tables, columns (`table.field` and `field`), values of enums, parameters, roles, texts in keys, definitions and events. */
function namesOf(document: ContractDocument, context: CheckContext): Set<string> {
  const names = new Set<string>();
  const tables = [...context.tables.values(), ...[...context.imported.values()].map(({ table }) => table)];
  for (const { name, columns: of } of tables) {
    names.add(name);
    addColumns(name, of, names);
  }
  for (const { name, by, reads, requires, defines, statements } of document.actions) {
    for (const { text } of by) names.add(text);
    for (const { condition } of requires) for (const text of textsIn(condition.expression)) names.add(text);
    for (const { name: defined, value } of defines) {
      names.add(defined.text).add(`${name.text}.${defined.text}`);
      for (const text of textsIn(value.expression)) names.add(text);
    }
    for (const { alias, reference } of reads) {
      names.add(`${name.text}.${alias.text}`);
      for (const part of reference.key) for (const text of textsIn(part)) names.add(text);
    }
    for (const statement of statements) addNames(statement, name.text, names);
  }
  return names;
}

/** `field`, `owner.field`, and of an enum `value` and `field.value`. */
function addColumns(owner: string, columns: readonly Pick<Column, "name" | "type">[], names: Set<string>): void {
  for (const { name, type } of columns) {
    names.add(name).add(`${owner}.${name}`);
    for (const value of enumValues(type)) names.add(value).add(`${name}.${value}`);
  }
}

/** Events, their fields, names of accounts, or beginnings of them, and texts under a condition, written or given to an action. */
function addNames(statement: StatementDocument, action: string, names: Set<string>): void {
  if (statement.when !== undefined) for (const text of textsIn(statement.when.expression)) names.add(text);
  for (const { value } of assignmentsOf(statement)) for (const text of textsIn(value.expression)) names.add(text);
  if (statement.kind === "emit") {
    names.add(statement.event.text).add(`${action}.${statement.event.text}`);
    for (const { name } of statement.fields) names.add(name.text).add(`${action}.${name.text}`);
  }
  if (statement.kind !== "pay") return;
  for (const text of [...textsIn(statement.from.expression), ...textsIn(statement.to.expression)]) names.add(text);
}

/** What a statement writes into a row or gives to another action. */
function assignmentsOf(statement: StatementDocument): Assignments {
  if (statement.kind === "insert") return statement.row;
  if (statement.kind === "update") return statement.set;
  return statement.kind === "call" ? statement.args : [];
}

/** Every fixed text of an expression: the kinds of organisations and the roles that a condition asks for are such. */
function textsIn(expression: Expression): readonly string[] {
  return expression.kind === "text" ? [expression.value] : partsOf(expression).flatMap(textsIn);
}

function enumValues(type: Type): readonly string[] {
  if (type.kind === "list") return enumValues(type.item);
  return type.kind === "text" ? (type.values ?? []) : [];
}
