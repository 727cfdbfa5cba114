// What an upgrade changes, in sentences: roles, conditions, numbers, records, moves, payments, and whether it would be accepted.
// Two checked documents in, blocks of text out; what cannot be seen by residents (comments, layout, words) is no change.

import type { Block, Item } from "./blocks.ts";
import type { CheckedContract } from "./checked.ts";
import type { CompiledContract } from "./compiled.ts";
import type { ActionDocument, ConditionDocument, ContractDocument, TableDocument } from "./document.ts";
import { ExpressionWords } from "./expression-words.ts";
import { statementInWords } from "./statement-words.ts";
import type { Column } from "./types.ts";
import { typeName } from "./types.ts";
import { upgradeFault } from "./upgrade.ts";
import { type Language, Words } from "./words.ts";

export interface ContractSource {
  readonly document: ContractDocument;
  readonly checked: CheckedContract;
  readonly compiled: CompiledContract;
}

export interface ContractDifference {
  readonly blocks: readonly Block[];
  /** whether the ledger would take the new version over rows of the old one */
  readonly isAccepted: boolean;
}

export function diffContracts(
  { before, after }: { readonly before: ContractSource; readonly after: ContractSource },
  language: Language,
): ContractDifference {
  return new Difference(before, after, language).whole();
}

/** One version with its words. */
interface Side extends ContractSource {
  readonly words: Words;
}

class Difference {
  private readonly before: Side;
  private readonly after: Side;

  constructor(before: ContractSource, after: ContractSource, language: Language) {
    this.before = { ...before, words: new Words(before.document, language) };
    this.after = { ...after, words: new Words(after.document, language) };
  }

  whole(): ContractDifference {
    const { words, checked, document } = this.after;
    const title = words.say(checked.title.zh, checked.title.en ?? checked.title.zh);
    const fault = this.fault();
    const sections: readonly (readonly [text: string, items: readonly Item[]])[] = [
      [words.say("数值", "Numbers"), this.settings()],
      [words.say("可支出的账户", "Accounts that it may debit"), this.accounts()],
      ...this.actions(),
      ...this.tables(),
      [words.say("迁移", "Migration"), this.migration()],
    ];
    const changed = sections.filter(([, items]) => items.length > 0);
    const verdict =
      fault === undefined
        ? words.say(
            "升级可以接受: 现有记录与新版本相容。",
            "The upgrade would be accepted: the records there are fit the new version.",
          )
        : words.say(`升级不会被接受: ${fault}。`, `The upgrade would be refused: ${fault}.`);
    const none = words.say("没有任何变化。", "Nothing changes.");
    const blocks: readonly Block[] = [
      {
        kind: "heading",
        level: 1,
        text: words.say(`升级 ${document.name.text}: ${title}`, `Upgrade of ${document.name.text}: ${title}`),
      },
      { kind: "paragraph", text: verdict },
      ...(changed.length === 0 ? [{ kind: "paragraph", text: none } as const] : []),
      ...changed.flatMap(([text, items]): readonly Block[] => [
        { kind: "heading", level: 2, text },
        { kind: "list", isNumbered: false, items },
      ]),
    ];
    return { blocks, isAccepted: fault === undefined };
  }

  private say(zh: string, en: string): string {
    return this.after.words.say(zh, en);
  }

  private fault(): string | undefined {
    const [old, next] = [this.before.compiled, this.after.compiled];
    if (old.name !== next.name)
      return this.say(
        `合约名称由 ${old.name} 变为 ${next.name}`,
        `the contract is called ${next.name}, not ${old.name}`,
      );
    const values = upgradeFault(old, next);
    return values?.map(([name, value]) => `${name} ${String(value)}`).join(", ");
  }

  // ---- numbers and accounts ----

  private settings(): readonly Item[] {
    const [old, next] = [this.before.document.settings, this.after.document.settings];
    return compare(
      old.map((setting) => [setting.name.text, setting] as const),
      next.map((setting) => [setting.name.text, setting] as const),
      {
        added: (name, setting) =>
          this.say(
            `新增: ${this.after.words.setting(name)} ${this.after.words.amount(setting)}`,
            `new: ${this.after.words.setting(name)} ${this.after.words.amount(setting)}`,
          ),
        removed: (name, setting) =>
          this.say(
            `取消: ${this.before.words.setting(name)} (原为 ${this.before.words.amount(setting)})`,
            `gone: ${this.before.words.setting(name)} (it was ${this.before.words.amount(setting)})`,
          ),
        kept: (name, from, to) => {
          if (from.value === to.value) return undefined;
          const [was, is] = [this.before.words.amount(from), this.after.words.amount(to)];
          return this.say(
            `${this.after.words.setting(name)}: 由 ${was} 改为 ${is}`,
            `${this.after.words.setting(name)}: from ${was} to ${is}`,
          );
        },
      },
    ).map(text);
  }

  private accounts(): readonly Item[] {
    const name = (side: Side, account: string) => side.words.find(account) ?? `\`${account}\``;
    return this.listed(
      this.before.checked.accounts.map((account) => name(this.before, account)),
      this.after.checked.accounts.map((account) => name(this.after, account)),
    );
  }

  /** What the new document itself says of old rows. */
  private migration(): readonly Item[] {
    const { renames, drops, settings } = this.after.document.migration;
    return [
      ...renames.map(({ table, from, to }) =>
        text(
          this.say(
            `\`${table.text}.${from.text}\` 改名为 \`${to.text}\``,
            `\`${table.text}.${from.text}\` is called \`${to.text}\``,
          ),
        ),
      ),
      ...drops.map(({ table, field }) =>
        text(this.say(`\`${table.text}.${field.text}\` 不再保留`, `\`${table.text}.${field.text}\` is dropped`)),
      ),
      ...settings.map(({ text: name }) =>
        text(this.say(`数值 \`${name}\` 不再保留`, `the number \`${name}\` is dropped`)),
      ),
    ];
  }

  // ---- actions ----

  private actions(): readonly (readonly [string, readonly Item[]])[] {
    const [old, next] = [this.before.document.actions, this.after.document.actions];
    const pairs = pairsOf(old, next, ({ name }) => name.text);
    return pairs.map(([from, to]) => {
      if (from === undefined && to !== undefined)
        return [
          this.after.words.action(to.name.text),
          [
            text(
              this.say(
                `新的事项, 由${this.roles(this.after, to)}办理。`,
                `A new action, done by ${this.roles(this.after, to)}.`,
              ),
            ),
          ],
        ];
      if (to === undefined && from !== undefined)
        return [this.before.words.action(from.name.text), [text(this.say("此事项取消。", "This action is gone."))]];
      return [to === undefined ? "" : this.after.words.action(to.name.text), from && to ? this.action(from, to) : []];
    });
  }

  private roles({ words }: Side, { by }: ActionDocument): string {
    return words.list(
      by.map(({ text: role }) => words.role(role)),
      "or",
    );
  }

  private action(from: ActionDocument, to: ActionDocument): readonly Item[] {
    const roles = (side: Side, { by }: ActionDocument) => by.map(({ text: role }) => side.words.role(role));
    const [lost, gained] = only(roles(this.before, from), roles(this.after, to));
    const [sayOld, sayNew] = [this.speech(this.before, from), this.speech(this.after, to)];
    const defines = (say: ExpressionWords, { words }: Side, { defines: all, name }: ActionDocument) =>
      all.map(
        (define) =>
          `${words.of(`${name.text}.${define.name.text}`, define.name.text)}: ${say.into(define.name.text, define.value.expression)}`,
      );
    const params = (side: Side, name: string) =>
      (side.checked.actions.find((action) => action.name.text === name)?.params ?? []).map(
        (column) =>
          `${side.words.of(`${name}.${column.name}`, column.name)} (${side.words.type(column.type, column.name)})`,
      );
    const results = (side: Side, action: ActionDocument, say: ExpressionWords) =>
      action.statements.map((statement) => {
        const { text: sentence, items = [] } = statementInWords(statement, { words: side.words, say, action });
        return [sentence, items.join("; ")].filter((part) => part !== "").join(" ");
      });
    return [
      ...gained.map((role) => text(this.say(`现在也由${role}办理。`, `Now also done by ${role}.`))),
      ...lost.map((role) => text(this.say(`不再由${role}办理。`, `No longer done by ${role}.`))),
      ...this.listed(
        params(this.before, from.name.text),
        params(this.after, to.name.text),
        this.say("填写", "to be given"),
      ),
      ...this.conditions(from, to, { sayOld, sayNew }),
      ...this.listed(
        defines(sayOld, this.before, from),
        defines(sayNew, this.after, to),
        this.say("计算", "worked out"),
      ),
      ...this.listed(results(this.before, from, sayOld), results(this.after, to, sayNew), this.say("结果", "result")),
    ];
  }

  private speech({ words }: Side, action: ActionDocument): ExpressionWords {
    return new ExpressionWords(words, { action, table: undefined, numbers: false });
  }

  /** The same sentence with another condition, or the same condition with another sentence, is a change; the rest comes or goes. */
  private conditions(
    from: ActionDocument,
    to: ActionDocument,
    { sayOld, sayNew }: { readonly sayOld: ExpressionWords; readonly sayNew: ExpressionWords },
  ): readonly Item[] {
    const old = from.requires.map((condition) => this.condition(condition, sayOld));
    const next = to.requires.map((condition) => this.condition(condition, sayNew));
    const isSame = (left: Said, right: Said) => left.condition === right.condition && left.sentence === right.sentence;
    const [gone, come] = [
      old.filter((one) => !next.some((other) => isSame(one, other))),
      next.filter((one) => !old.some((other) => isSame(one, other))),
    ];
    const items: Item[] = [];
    const paired = new Set<Said>();
    for (const one of come) {
      const was = gone.find(
        (other) => !paired.has(other) && (other.condition === one.condition || other.sentence === one.sentence),
      );
      if (was === undefined) {
        items.push({
          text: this.say(`新增条件: ${one.condition}`, `new condition: ${one.condition}`),
          items: [this.refusal(one.sentence)],
        });
        continue;
      }
      paired.add(was);
      items.push(
        was.condition === one.condition
          ? text(
              this.say(
                `拒绝时的说明由“${was.sentence}”改为“${one.sentence}”`,
                `what people are told changes from “${was.sentence}” to “${one.sentence}”`,
              ),
            )
          : text(
              this.say(
                `条件由“${was.condition}”改为“${one.condition}”`,
                `condition changes from “${was.condition}” to “${one.condition}”`,
              ),
            ),
      );
    }
    for (const one of gone.filter((other) => !paired.has(other)))
      items.push({
        text: this.say(`取消条件: ${one.condition}`, `condition gone: ${one.condition}`),
        items: [this.refusal(one.sentence)],
      });
    return items;
  }

  private condition({ condition, sentence }: ConditionDocument, say: ExpressionWords): Said {
    return { condition: say.of(condition), sentence: sentence === undefined ? "" : say.sentence(sentence) };
  }

  private refusal(sentence: string): string {
    return this.say(`拒绝时告知: ${sentence}`, `who is refused is told: ${sentence}`);
  }

  // ---- tables ----

  private tables(): readonly (readonly [string, readonly Item[]])[] {
    const pairs = pairsOf(this.before.document.tables, this.after.document.tables, ({ name }) => name.text);
    return pairs.map(([from, to]) => {
      const title = (side: Side, name: string) =>
        this.say(`记录: ${side.words.table(name)}`, `Record: ${side.words.table(name)}`);
      if (from === undefined && to !== undefined)
        return [title(this.after, to.name.text), [text(this.say("新的记录。", "A new record."))]];
      if (to === undefined && from !== undefined)
        return [title(this.before, from.name.text), [text(this.say("此记录取消。", "This record is gone."))]];
      return [to === undefined ? "" : title(this.after, to.name.text), from && to ? this.table(from, to) : []];
    });
  }

  private table(from: TableDocument, to: TableDocument): readonly Item[] {
    const name = to.name.text;
    const always = (side: Side, { always: all }: TableDocument) => {
      const say = new ExpressionWords(side.words, { action: undefined, table: name, numbers: false });
      return all.map(({ condition }) => say.of(condition));
    };
    return [
      ...this.columns(name),
      ...this.listed(always(this.before, from), always(this.after, to), this.say("始终成立", "always true")),
      ...this.listed(this.indexes(from), this.indexes(to), this.say("索引", "index")),
      ...this.listed(this.moves(this.before, name), this.moves(this.after, name), this.say("状态变动", "move")),
    ];
  }

  private columns(table: string): readonly Item[] {
    const of = (side: Side) => side.checked.tables.find((candidate) => candidate.name === table)?.columns ?? [];
    const said = (side: Side, column: Column) =>
      `${side.words.column(table, column.name)} (${side.words.type(column.type, column.name)})`;
    return compare(
      of(this.before).map((column) => [column.name, column] as const),
      of(this.after).map((column) => [column.name, column] as const),
      {
        added: (_, column) =>
          this.say(`新增内容: ${said(this.after, column)}`, `new entry: ${said(this.after, column)}`),
        removed: (_, column) =>
          this.say(`取消内容: ${said(this.before, column)}`, `entry gone: ${said(this.before, column)}`),
        kept: (_, was, is) =>
          typeName(was.type) === typeName(is.type)
            ? undefined
            : this.say(
                `${said(this.before, was)} 改为 ${said(this.after, is)}`,
                `${said(this.before, was)} becomes ${said(this.after, is)}`,
              ),
      },
    ).map(text);
  }

  private indexes({ indexes }: TableDocument): readonly string[] {
    return indexes.map(
      ({ name, columns }) => `\`${name.text}\` (${columns.map(({ text: column }) => column).join(", ")})`,
    );
  }

  private moves(side: Side, table: string): readonly string[] {
    const checked = side.checked.tables.find((candidate) => candidate.name === table);
    return (checked?.flows ?? []).flatMap(({ column, initial, moves }) => {
      const name = checked?.columns[column]?.name ?? "";
      const state = (value: string) => side.words.value(name, value);
      const begins = initial.map((value) => this.say(`从“${state(value)}”开始`, `begins as “${state(value)}”`));
      const goes = [...moves].flatMap(([from, next]) =>
        next.map((to) => this.say(`“${state(from)}”可变为“${state(to)}”`, `“${state(from)}” to “${state(to)}”`)),
      );
      return [...begins, ...goes];
    });
  }

  /** What comes and what goes of two lists of sentences. */
  private listed(old: readonly string[], next: readonly string[], what = ""): readonly Item[] {
    const [gone, come] = only(old, next);
    const lead = what === "" ? "" : `${what}, `;
    return [
      ...come.map((one) => text(this.say(`${lead}新增: ${one}`, `${lead}new: ${one}`))),
      ...gone.map((one) => text(this.say(`${lead}取消: ${one}`, `${lead}gone: ${one}`))),
    ];
  }
}

interface Said {
  readonly condition: string;
  readonly sentence: string;
}

function text(sentence: string): Item {
  return { text: sentence };
}

/** What only the first has, and what only the second has. */
function only(old: readonly string[], next: readonly string[]): readonly [readonly string[], readonly string[]] {
  return [old.filter((one) => !next.includes(one)), next.filter((one) => !old.includes(one))];
}

/** Both lists by key: the new order, then what is gone. */
function pairsOf<T>(
  old: readonly T[],
  next: readonly T[],
  keyOf: (item: T) => string,
): readonly (readonly [T | undefined, T | undefined])[] {
  const keys = new Set(next.map(keyOf));
  return [
    ...next.map((to) => [old.find((from) => keyOf(from) === keyOf(to)), to] as const),
    ...old.filter((from) => !keys.has(keyOf(from))).map((from) => [from, undefined] as const),
  ];
}

function compare<T>(
  old: readonly (readonly [string, T])[],
  next: readonly (readonly [string, T])[],
  say: {
    readonly added: (name: string, item: T) => string;
    readonly removed: (name: string, item: T) => string;
    readonly kept: (name: string, from: T, to: T) => string | undefined;
  },
): readonly string[] {
  return pairsOf(old, next, ([name]) => name).flatMap(([from, to]) => {
    if (from === undefined) return to === undefined ? [] : [say.added(to[0], to[1])];
    if (to === undefined) return [say.removed(from[0], from[1])];
    const sentence = say.kept(to[0], from[1], to[1]);
    return sentence === undefined ? [] : [sentence];
  });
}
