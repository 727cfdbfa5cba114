// What a statement of `do` does, as people read it.
// One sentence for each, with what is written into a record below it.

import { unreachable } from "../assert.ts";
import type { Item } from "./blocks.ts";
import type { ActionDocument, Assignments, StatementDocument } from "./document.ts";
import type { Expression } from "./expression.ts";
import type { ExpressionWords } from "./expression-words.ts";
import { cancelInWords, timerInWords } from "./timer-words.ts";
import { isCalled, type Words, withArticle, withoutHint } from "./words.ts";

interface Speech {
  readonly words: Words;
  readonly say: ExpressionWords;
  readonly action: ActionDocument;
}

export function statementInWords(statement: StatementDocument, speech: Speech): Item {
  const { words, say } = speech;
  const { text, items } = body(statement, speech);
  if (statement.when === undefined) return items === undefined ? { text } : { text, items };
  const when = say.of(statement.when);
  const whole = words.say(`若 ${when}: ${text}`, `If ${when}: ${text}`);
  return items === undefined ? { text: whole } : { text: whole, items };
}

function body(statement: StatementDocument, speech: Speech): Item {
  const { words, say } = speech;
  switch (statement.kind) {
    case "insert": {
      const { text: table } = statement.table;
      const items = entriesInWords(table, statement.row, speech);
      return {
        text: words.say(`登记一条新的${words.table(table)}:`, `A new ${words.table(table)} is entered:`),
        items,
      };
    }
    case "update": {
      const row = say.row(statement.row.text);
      const items = changesInWords(statement.row.text, statement.set, speech);
      return { text: words.say(`更改${row}:`, `${capital(withArticle(row))} is changed:`), items };
    }
    case "delete": {
      const row = say.row(statement.row.text);
      return { text: words.say(`删去${row}。`, `${capital(withArticle(row))} is removed.`) };
    }
    case "pay":
      return {
        text: words.say(
          `从 ${say.of(statement.from)} 支付 ${say.of(statement.amount)} 到 ${say.of(statement.to)}; 余额不足则拒绝。`,
          `${capital(say.of(statement.amount))} is paid from ${say.of(statement.from)} to ${say.of(statement.to)}; without that balance it is refused.`,
        ),
      };
    case "emit": {
      const fields = named(statement.fields, speech);
      const event = words.of(`${speech.action.name.text}.${statement.event.text}`, statement.event.text);
      return { text: words.say(`公布“${event}”: ${fields}。`, `“${event}” is announced: ${fields}.`) };
    }
    case "timer":
      return { text: timerInWords(statement, words, say) };
    case "cancel":
      return { text: cancelInWords(statement.key, words, say) };
    case "deploy":
      return {
        text: words.say(
          `部署合约 ${say.of(statement.name)} 的新正文, 经检查无误方可。`,
          `The new text of contract ${say.of(statement.name)} is deployed, if the check finds no error.`,
        ),
      };
    case "withdraw":
      return {
        text: words.say(
          `撤回合约 ${say.of(statement.name)} 尚未生效的版本。`,
          `The version of contract ${say.of(statement.name)} that is not in force yet is taken back.`,
        ),
      };
    case "call": {
      const fields = named(statement.args, speech);
      const word = words.find(statement.action.text);
      const called = word === undefined ? `\`${statement.action.text}\`` : words.quoted(word);
      return {
        text: words.say(
          `一并办理${called} (${fields}); 若被拒绝则全部不成立。`,
          `${called} is done with it (${fields}); if that is refused, nothing of this happens.`,
        ),
      };
    }
    default:
      return unreachable(statement);
  }
}

/** What a new row holds: what was given and what begins at nothing is said in one line each. */
function entriesInWords(table: string, row: Assignments, { words, say }: Speech): readonly string[] {
  const said = row.map(({ name, value }) => {
    const column = withoutHint(words.column(table, name.text));
    const text = say.into(name.text, value.expression, { isTime: words.isTime(table, name.text) });
    return { column, text: say.claim(value.expression) ?? text, isNothing: isNothing(value.expression) };
  });
  const same = said.filter(({ column, text }) => column === text).map(({ column }) => column);
  const nothing = said.filter(({ isNothing: none }) => none).map(({ column }) => column);
  const others = said.filter(({ column, text, isNothing: none }) => column !== text && !none);
  return [
    ...(same.length === 0 ? [] : [words.say(`照上列内容: ${words.list(same)}`, `as above: ${words.list(same)}`)]),
    ...others.map(({ column, text }) => `${column}: ${text}`),
    ...(nothing.length === 0
      ? []
      : [words.say(`为零或空: ${words.list(nothing)}`, `nothing yet: ${words.list(nothing)}`)]),
  ];
}

function isNothing(expression: Expression): boolean {
  if (expression.kind === "int") return expression.value === 0n;
  if (expression.kind === "list") return expression.items.length === 0;
  return (expression.kind === "text" || expression.kind === "bytes") && expression.value.length === 0;
}

function named(assignments: Assignments, { words, say, action }: Speech): string {
  return assignments
    .map(({ name, value }) => {
      const word = withoutHint(words.of(`${action.name.text}.${name.text}`, name.text));
      const said = say.into(name.text, value.expression);
      // "state of the order" says what the field is called, and of which row.
      const isField = value.expression.kind === "select" || value.expression.kind === "name";
      if (isField) return isCalled(said, word) ? said : `${word} (${said})`;
      return `${word} (${say.claim(value.expression) ?? said})`;
    })
    .join(words.say("、", ", "));
}

/** "goes up by 1" for `count: m.count + 1`, also where it does so under a condition only; what is taken over as it is stands in one line. */
function changesInWords(alias: string, set: Assignments, speech: Speech): readonly string[] {
  const { words, say, action } = speech;
  const table = action.reads.find((read) => read.alias.text === alias)?.reference.table ?? "";
  const same: string[] = [];
  const cleared: string[] = [];
  const others = set.flatMap(({ name, value }) => {
    const column = withoutHint(words.column(table, name.text));
    const { expression } = value;
    const own = (part: Expression) => part.kind === "select" && part.field === name.text && isName(part.operand, alias);
    const into = (to: Expression) => say.into(name.text, to, { isTime: words.isTime(table, name.text) });
    const change = (to: Expression) => {
      if (to.kind === "binary" && own(to.left)) {
        const by = say.expression(to.right);
        if (to.operator === "+") return words.say(`${column}增加 ${by}`, `${column} goes up by ${by}`);
        if (to.operator === "-") return words.say(`${column}减少 ${by}`, `${column} goes down by ${by}`);
      }
      const claim = say.claim(to);
      if (claim !== undefined) return words.say(`${column}改为: ${claim}`, `${column} becomes ${claim}`);
      const text = into(to);
      if (text === column) return words.say(`${column}照上列内容改写`, `${column} becomes what stands above`);
      const colon = to.kind === "conditional" || to.kind === "binary" ? ": " : "";
      return words.say(`${column}改为${colon}${text}`, `${column} becomes ${text}`);
    };
    const under = (condition: Expression, changed: string) => [
      words.say(`若 ${say.expression(condition)}: ${changed}`, `if ${say.expression(condition)}: ${changed}`),
    ];
    if (expression.kind === "conditional" && own(expression.whenFalse))
      return under(expression.condition, change(expression.whenTrue));
    // What was true stays true.
    if (expression.kind === "binary" && expression.operator === "||" && own(expression.left))
      return under(expression.right, words.say(`${column}改为是`, `${column} becomes yes`));
    if (isNothing(expression)) cleared.push(column);
    else if (into(expression) === column) same.push(column);
    else return [change(expression)];
    return [];
  });
  const taken = words.say(`照上列内容改写: ${words.list(same)}`, `as above: ${words.list(same)}`);
  const emptied = words.say(`改为零或空: ${words.list(cleared)}`, `nothing any more: ${words.list(cleared)}`);
  return [...(same.length === 0 ? [] : [taken]), ...others, ...(cleared.length === 0 ? [] : [emptied])];
}

function isName(expression: Expression, name: string): boolean {
  return expression.kind === "name" && expression.name === name;
}

/** As a sentence begins. */
export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
