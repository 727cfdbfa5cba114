// A contract as officials read it: who may do what, under which conditions, with which numbers and which article of law.
// It says what the checked document says and nothing else; names come from the document's own titles and words.

import type { Block, Item } from "./blocks.ts";
import type { CheckedContract, CheckedTable } from "./checked.ts";
import type { ActionDocument, ConditionDocument, ContractDocument, TableDocument } from "./document.ts";
import { ExpressionWords } from "./expression-words.ts";
import { capital, statementInWords } from "./statement-words.ts";
import { OUTSIDE_PREFIX, TIMER_ROLE } from "./system.ts";
import { termsIn } from "./terms.ts";
import type { Column } from "./types.ts";
import { type Language, Words, withArticle } from "./words.ts";

export interface RenderedContract {
  readonly blocks: readonly Block[];
  /** names that have no word and are shown as they are written */
  readonly missing: readonly string[];
}

interface Source {
  readonly document: ContractDocument;
  readonly checked: CheckedContract;
}

/** The whole contract in one language. */
export function renderContract(source: Source, language: Language): RenderedContract {
  const words = new Words(source.document, language);
  const rendering = new Rendering(source, words);
  return { blocks: rendering.blocks(), missing: [...words.missing].sort() };
}

class Rendering {
  private readonly document: ContractDocument;
  private readonly checked: CheckedContract;
  private readonly words: Words;

  constructor({ document, checked }: Source, words: Words) {
    this.document = document;
    this.checked = checked;
    this.words = words;
  }

  blocks(): readonly Block[] {
    const { document, checked, words } = this;
    const title = words.label({ zh: checked.title.zh, en: checked.title.en }) ?? "";
    const law = words.label(document.law);
    const body: readonly Block[] = [
      { kind: "heading", level: 2, text: words.say("办理事项", "What can be done") },
      ...document.actions.flatMap((action) => this.action(action)),
      { kind: "heading", level: 2, text: words.say("记录", "Records") },
      ...document.tables.flatMap((table) => this.table(table)),
    ];
    return [
      { kind: "heading", level: 1, text: title },
      ...paragraph(law && words.say(`依据: ${law}`, `Rests on: ${law}`)),
      ...this.overview(),
      ...this.settings(),
      ...this.accounts(),
      ...termsIn(body, words),
      ...body,
      ...this.names(),
    ];
  }

  /** What everything is called, beside its name in the contract: a word can be chosen to mislead, a name is what runs. */
  private names(): readonly Block[] {
    const { words, document } = this;
    const titled = [...document.actions, ...document.tables, ...document.settings];
    const labels = [
      ...titled.map(({ name, title }) => ({ name, label: title })),
      ...document.words.map(({ name, label }) => ({ name, label })),
    ];
    const rows = labels.flatMap(({ name, label }) => {
      const word = words.label(label);
      return word === undefined ? [] : [[word, `\`${name.text}\``]];
    });
    if (rows.length === 0) return [];
    const note = words.say(
      "以上用词由合约作者选定; 实际执行的是右列名称。",
      "The author of the contract chose these words; what runs are the names on the right.",
    );
    return [
      { kind: "heading", level: 2, text: words.say("用词对照", "Words and names") },
      ...paragraph(note),
      { kind: "table", head: [words.say("用词", "Word"), words.say("合约中的名称", "Name in the contract")], rows },
    ];
  }

  // ---- who may do what ----

  private overview(): readonly Block[] {
    const { words, document } = this;
    const rows = document.actions.map((action) => [
      words.action(action.name.text),
      this.roles(action),
      words.label(action.law) ?? "",
    ]);
    const head = [words.say("事项", "What"), words.say("谁可以办理", "Who may do it"), words.say("依据", "Rests on")];
    return [
      { kind: "heading", level: 2, text: words.say("谁可以做什么", "Who may do what") },
      { kind: "table", ...withoutEmptyColumn(head, rows) },
    ];
  }

  /** People first: what nobody does comes last. */
  private roles({ by }: ActionDocument): string {
    const roles = by.map(({ text }) => text);
    const ordered = [...roles.filter((role) => role !== TIMER_ROLE), ...roles.filter((role) => role === TIMER_ROLE)];
    return this.words.list(
      ordered.map((role) => this.words.role(role)),
      "or",
    );
  }

  private doneBy(action: ActionDocument): string {
    const { words } = this;
    const people = action.by.filter(({ text }) => text !== TIMER_ROLE);
    if (people.length === 0 || people.length === action.by.length)
      return words.say(`由${this.roles(action)}办理`, `Done by ${this.roles(action)}`);
    const who = this.roles({ ...action, by: people });
    return words.say(`由${who}办理, 或到期由账本自动办理`, `Done by ${who}, or by ${words.role(TIMER_ROLE)}`);
  }

  private settings(): readonly Block[] {
    const { words, document } = this;
    if (document.settings.length === 0) return [];
    const rows = document.settings.map((setting) => [
      words.setting(setting.name.text),
      words.amount(setting),
      words.label(setting.law) ?? "",
    ]);
    const head = [words.say("名称", "Name"), words.say("数值", "Number"), words.say("依据", "Rests on")];
    const note = words.say("下列数值只能按治理程序更改。", "These numbers change only by a decision of governance.");
    return [
      { kind: "heading", level: 2, text: words.say("数值", "Numbers") },
      ...paragraph(note),
      { kind: "table", ...withoutEmptyColumn(head, rows) },
    ];
  }

  private accounts(): readonly Block[] {
    const { words, checked } = this;
    if (checked.accounts.length === 0) return [];
    const items = checked.accounts.map((account) => {
      const word = words.of(account).replace(/(?::| of)$/, "");
      const named = word === `\`${account}\`` ? word : `${word} (\`${account}\`)`;
      // Whoever may debit such an account makes money, whatever the author calls it.
      const isOutside = account.startsWith(OUTSIDE_PREFIX) || OUTSIDE_PREFIX.startsWith(account);
      if (!isOutside) return { text: named };
      return {
        text: words.say(
          `${named}: 账本以外, 可低于零; 从此支出即增加账本内的资金`,
          `${named}: outside the ledger, may go below zero; what is paid from it is new money on the ledger`,
        ),
      };
    });
    const note = words.say("只有本合约可以从下列账户支出:", "Only this contract may take money from these accounts:");
    return [
      { kind: "heading", level: 2, text: words.say("账户", "Accounts") },
      ...listed(note, items, { isNumbered: false }),
    ];
  }

  // ---- actions ----

  private action(action: ActionDocument): readonly Block[] {
    const { words } = this;
    const say = new ExpressionWords(words, { action, table: undefined, numbers: true });
    const law = words.label(action.law);
    const who = `${this.doneBy(action)}${law === undefined ? "" : ` (${law})`}${words.say("。", ".")}`;
    const requires = action.requires.map((condition) => this.condition(condition, say));
    const defines = action.defines.map(({ name, value }): Item => {
      const defined = words.of(`${action.name.text}.${name.text}`, name.text);
      const cases = say.cases(name.text, value.expression);
      return cases === undefined
        ? { text: `${defined}: ${say.into(name.text, value.expression)}` }
        : { text: `${defined}:`, items: cases };
    });
    return [
      { kind: "heading", level: 3, text: words.action(action.name.text) },
      { kind: "paragraph", text: who },
      ...paragraph(this.given(action)),
      ...paragraph(this.consulted(action, say)),
      ...listed(words.say("其中:", "In what follows:"), defines, { isNumbered: false }),
      ...listed(words.say("须符合下列全部条件:", "All of this must hold:"), requires, { isNumbered: true }),
      ...listed(
        words.say("办理的结果:", "What happens then:"),
        action.statements.map((statement) => statementInWords(statement, { words, say, action })),
        { isNumbered: true },
      ),
    ];
  }

  private given(action: ActionDocument): string | undefined {
    const { words } = this;
    const columns = this.checked.actions.find(({ name }) => name.text === action.name.text)?.params ?? [];
    if (columns.length === 0) return undefined;
    const said = columns.map(({ name, type }) => {
      const word = words.of(`${action.name.text}.${name}`, name);
      const kind = words.type(type, name);
      const unit = / \([^()]*\)$/.exec(kind)?.[0];
      // A word that names the unit need not be told it again.
      if (unit === undefined || !word.endsWith(unit)) return `${word} (${kind})`;
      return word === kind ? word : `${word} (${kind.slice(0, -unit.length)})`;
    });
    const isTimer = action.by.every(({ text }) => text === TIMER_ROLE);
    return isTimer
      ? words.say(`定时中写明: ${said.join("; ")}。`, `Told with the time that was set: ${said.join("; ")}.`)
      : words.say(`须填写: ${said.join("; ")}。`, `To be given: ${said.join("; ")}.`);
  }

  private consulted({ reads }: ActionDocument, say: ExpressionWords): string | undefined {
    const { words } = this;
    if (reads.length === 0) return undefined;
    const said = reads.map(({ alias, reference, isOptional, scan }) => {
      const columns = scan === undefined ? words.keyOf(reference.table) : words.indexOf(reference.table, scan.index);
      const key = reference.key
        .map((part, index) => {
          const text = say.into(columns[index] ?? "", part);
          if (part.kind === "conditional") return `(${text})`;
          // A number, or a value of an enum, says nothing without the name of its column.
          const isFixed = part.kind === "int" || (scan !== undefined && (part.kind === "text" || part.kind === "bool"));
          return isFixed ? `${words.column(reference.table, columns[index] ?? "")} (${text})` : text;
        })
        .join(words.say("、", ", "));
      const row = say.row(alias.text);
      if (scan !== undefined)
        return words.say(
          `${row} (按${key}; 全部, 至多 ${scan.max} 条)`,
          `${withArticle(row) === row ? row : `every ${row}`} (by ${key}; at most ${scan.max})`,
        );
      return words.say(
        `${row} (按${key}${isOptional ? "; 可以没有" : ""})`,
        `${row} (by ${key}${isOptional ? "; it may be missing" : ""})`,
      );
    });
    return words.say(`查阅: ${said.join("; ")}。`, `Looked up: ${said.join("; ")}.`);
  }

  private condition({ condition, sentence }: ConditionDocument, say: ExpressionWords): Item {
    const { words } = this;
    const text = capital(say.of(condition));
    if (sentence === undefined) return { text };
    const refusal = say.sentence(sentence);
    return {
      text: words.say(`${text}。`, `${text}.`),
      items: [words.say(`否则拒绝: ${refusal}`, `Otherwise it is refused: ${refusal}`)],
    };
  }

  // ---- tables ----

  private table(document: TableDocument): readonly Block[] {
    const { words } = this;
    const name = document.name.text;
    const checked = this.checked.tables.find((table) => table.name === name);
    if (checked === undefined) return [];
    const say = new ExpressionWords(words, { action: undefined, table: name, numbers: true });
    const rows = checked.columns.map((column, index) =>
      this.column(name, column, { isKey: index < checked.keyLength }),
    );
    const head = [words.say("内容", "Entry"), words.say("类型", "Kind")];
    const always = document.always.map((condition) => ({ text: say.of(condition.condition) }));
    return [
      { kind: "heading", level: 3, text: words.table(name) },
      { kind: "table", head, rows },
      ...listed(words.say("始终成立:", "Always true:"), always, { isNumbered: false }),
      ...this.flows(checked),
    ];
  }

  private column(table: string, { name, type }: Column, { isKey }: { readonly isKey: boolean }): readonly string[] {
    const { words } = this;
    const word = words.column(table, name);
    return [isKey ? words.say(`${word} (主键)`, `${word} (key)`) : word, words.type(type, name)];
  }

  private flows(table: CheckedTable): readonly Block[] {
    const { words } = this;
    return table.flows.flatMap(({ column, initial, moves }): readonly Block[] => {
      const name = table.columns[column]?.name ?? "";
      const field = words.column(table.name, name);
      const state = (value: string) => words.value(name, value);
      const begins = words.list(
        initial.map((value) => words.quoted(state(value))),
        "or",
      );
      const states = new Set([...initial, ...moves.keys(), ...[...moves.values()].flat()]);
      const rows = [...states].map((from) => {
        const to = moves.get(from) ?? [];
        return [state(from), to.length === 0 ? words.say("不再变动", "stays so") : words.values(name, to)];
      });
      return [
        {
          kind: "paragraph",
          text: words.say(
            `${field}从${begins}开始, 只能这样变动:`,
            `The ${field} begins as ${begins} and moves only so:`,
          ),
        },
        { kind: "table", head: [words.say("从", "From"), words.say("可变为", "To")], rows },
      ];
    });
  }
}

function paragraph(text: string | undefined): readonly Block[] {
  return text === undefined ? [] : [{ kind: "paragraph", text }];
}

function listed(
  lead: string,
  items: readonly Item[],
  { isNumbered }: { readonly isNumbered: boolean },
): readonly Block[] {
  return items.length === 0
    ? []
    : [
        { kind: "paragraph", text: lead },
        { kind: "list", isNumbered, items },
      ];
}

/** A table whose last column is empty throughout has no last column. */
function withoutEmptyColumn(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  if (rows.some((cells) => cells.at(-1) !== "")) return { head, rows };
  return { head: head.slice(0, -1), rows: rows.map((cells) => cells.slice(0, -1)) };
}
