// From the tree of a document to a contract in the author's words: which sections there are and what each holds.
// Types and names are not resolved here.

import type {
  ActionDocument,
  Assignments,
  ColumnDocument,
  ConditionDocument,
  ContractDocument,
  FlowDocument,
  ImportDocument,
  ImportedActionDocument,
  Name,
  ReadDocument,
  Sentence,
  SettingDocument,
  SourceExpression,
  StatementDocument,
  TableDocument,
  WordDocument,
} from "./document.ts";
import type { Findings } from "./finding.ts";
import { type Fields, NodeReader } from "./node-reader.ts";
import { type MapEntry, readYaml, type SourceNode } from "./yaml-document.ts";

/** The language version that this engine reads; it pins semantics and prices. */
export const RULES_VERSION = 1n;

const SECTIONS = [
  "rules",
  "contract",
  "title",
  "law",
  "words",
  "imports",
  "accounts",
  "settings",
  "tables",
  "actions",
  "migrate",
];
const STATEMENTS = [
  "insert",
  "update",
  "delete",
  "pay",
  "call",
  "emit",
  "timer",
  "cancel",
  "deploy",
  "withdraw",
] as const;
/** Among the tables of an imported contract; no table that is imported can be called so. */
const IMPORTED_ACTIONS = "actions";

/** @returns undefined when nothing useful can be said about the rest of the document */
export function parseDocument(source: string, findings: Findings): ContractDocument | undefined {
  const tree = readYaml(source, findings);
  if (tree === undefined) return undefined;
  return new DocumentParser(new NodeReader(source, findings)).contract(tree);
}

const present = <T>(value: T | undefined): readonly T[] => (value === undefined ? [] : [value]);

function nameOf({ key, keyAt }: MapEntry): Name {
  return { text: key, at: keyAt };
}

class DocumentParser {
  private readonly reader: NodeReader;

  constructor(reader: NodeReader) {
    this.reader = reader;
  }

  contract(tree: SourceNode): ContractDocument | undefined {
    const { reader } = this;
    const fields = reader.fields(tree, "a contract", {
      known: SECTIONS,
      required: ["rules", "contract", "title", "actions"],
    });
    const version = reader.integer(fields.get("rules")?.value, "rules");
    if (version !== undefined && version !== RULES_VERSION) {
      reader.findings.error(
        fields.get("rules")?.keyAt ?? 0,
        "RULES_VERSION",
        `this ledger reads language version ${RULES_VERSION}`,
      );
    }
    const nameNode = reader.scalar(fields.get("contract")?.value, "contract");
    const name = nameNode && reader.name(nameNode.text, nameNode.at, "the name of a contract", { hyphens: true });
    const title = this.sentenceIn(fields, "title");
    const list = <T>(section: string, parse: (entry: MapEntry) => readonly T[]) =>
      reader.entries(fields.get(section)?.value, section).flatMap(parse);
    const imports = reader.entries(fields.get("imports")?.value, "imports").map((entry) => this.imported(entry));
    const parts = {
      law: reader.label(fields.get("law"), "law"),
      words: list("words", (entry) => present(this.word(entry))),
      imports: imports.flatMap(({ tables }) => tables),
      importedActions: imports.flatMap(({ actions }) => actions),
      accounts: reader.names(fields.get("accounts")?.value, "accounts"),
      settings: list("settings", (entry) => present(this.setting(entry))),
      tables: list("tables", (entry) => present(this.table(entry))),
      actions: list("actions", (entry) => present(this.action(entry))),
      migration: this.migration(fields.get("migrate")),
    };
    return name && title && { name, title, ...parts };
  }

  private sentenceIn(fields: Fields, name: string): Sentence | undefined {
    const entry = fields.get(name);
    return entry && this.reader.sentence(entry.value, name);
  }

  private word(entry: MapEntry): WordDocument | undefined {
    const label = this.reader.label(entry, `the word ${entry.key}`);
    return label && { name: { text: entry.key, at: entry.keyAt }, label };
  }

  /** Tables by name, and under `actions` the actions that may be called, each with its parameters. */
  private imported(entry: MapEntry): {
    readonly tables: readonly ImportDocument[];
    readonly actions: readonly ImportedActionDocument[];
  } {
    const { reader } = this;
    const contract = reader.name(entry.key, entry.keyAt, "the name of a contract", { hyphens: true });
    if (contract === undefined) return { tables: [], actions: [] };
    const parts = reader.entries(entry.value, `import of ${contract.text}`);
    const actions = parts.filter(({ key }) => key === IMPORTED_ACTIONS);
    return {
      tables: parts.filter((part) => !actions.includes(part)).flatMap((part) => this.importedTable(part, contract)),
      actions: actions.flatMap(({ value }) =>
        reader.entries(value, "imported actions").flatMap((action) => {
          const name = reader.name(action.key, action.keyAt, "the name of an action");
          const params = this.columns(action.value, `parameters of ${action.key}`);
          return present(name && { contract, action: name, params });
        }),
      ),
    };
  }

  private importedTable(entry: MapEntry, contract: Name): readonly ImportDocument[] {
    const { reader } = this;
    const table = reader.name(entry.key, entry.keyAt, "the name of a table");
    const fields = reader.fields(entry.value, "an imported table", {
      known: ["key", "fields", "index"],
      required: ["key", "fields"],
    });
    const key = fields.get("key")?.value;
    const names =
      key?.kind === "list"
        ? reader.names(key, "key").map((name) => ({ name, type: undefined }))
        : this.columns(key, "key");
    const indexes = this.indexes(fields.get("index")?.value);
    return present(
      table && { contract, table, key: names, fields: this.columns(fields.get("fields")?.value, "fields"), indexes },
    );
  }

  private setting(entry: MapEntry): SettingDocument | undefined {
    const { reader } = this;
    const name = reader.name(entry.key, entry.keyAt, "the name of a setting");
    if (entry.value.kind === "map") {
      const known = ["title", "type", "value", "unit", "law"];
      const fields = reader.fields(entry.value, "a setting", { known, required: ["value"] });
      const value = reader.integer(fields.get("value")?.value, "the value of a setting");
      const type = reader.text(fields.get("type")?.value, "the type of a setting");
      const title = reader.label(fields.get("title"), `title of ${entry.key}`);
      const unit = reader.label(fields.get("unit"), `unit of ${entry.key}`);
      const law = reader.label(fields.get("law"), `law of ${entry.key}`);
      return name && value !== undefined ? { name, type, value, title, unit, law } : undefined;
    }
    const value = reader.integer(entry.value, "the value of a setting");
    const unsaid = { type: undefined, title: undefined, unit: undefined, law: undefined };
    return name && value !== undefined ? { name, value, ...unsaid } : undefined;
  }

  /** `{rename: {table: {old: new}}, drop: {table: [field]}, settings: [name]}` */
  private migration(entry: MapEntry | undefined): ContractDocument["migration"] {
    const { reader } = this;
    const known = ["rename", "drop", "settings"];
    const fields: Fields =
      entry === undefined ? new Map() : reader.fields(entry.value, "migrate", { known, required: [] });
    const tables = (part: string) => reader.entries(fields.get(part)?.value, part);
    return {
      renames: tables("rename").flatMap((table) =>
        reader.entries(table.value, `rename in ${table.key}`).flatMap(({ key, keyAt, value }) => {
          const to = reader.text(value, `the new name of ${key}`);
          return present(to && { table: nameOf(table), from: { text: key, at: keyAt }, to });
        }),
      ),
      drops: tables("drop").flatMap((table) =>
        reader.names(table.value, `drop in ${table.key}`).map((field) => ({ table: nameOf(table), field })),
      ),
      settings: reader.names(fields.get("settings")?.value, "settings that are dropped"),
    };
  }

  // ---- tables ----

  private table(entry: MapEntry): TableDocument | undefined {
    const { reader } = this;
    const name = reader.name(entry.key, entry.keyAt, "the name of a table");
    const what = `table ${entry.key}`;
    const fields = reader.fields(entry.value, what, {
      known: ["title", "key", "fields", "always", "flow", "index"],
      required: ["key", "fields"],
    });
    const always = reader.items(fields.get("always")?.value, `always of ${what}`);
    const table = {
      title: reader.label(fields.get("title"), `title of ${what}`),
      key: this.columns(fields.get("key")?.value, `key of ${what}`),
      fields: this.columns(fields.get("fields")?.value, `fields of ${what}`),
      always: always.flatMap((node) => present(reader.condition(node, `always of ${what}`, { sentence: "optional" }))),
      flows: this.flows(fields.get("flow")),
      indexes: this.indexes(fields.get("index")?.value),
    };
    return name && { name, ...table };
  }

  /** `{name: type}` or `{name: {type, default}}`. */
  private columns(node: SourceNode | undefined, what: string): readonly ColumnDocument[] {
    const { reader } = this;
    return reader.entries(node, what).flatMap((entry) => {
      const name = reader.name(entry.key, entry.keyAt, `a name in ${what}`);
      if (entry.value.kind !== "map") {
        const type = reader.text(entry.value, `the type of ${entry.key}`);
        return present(name && type && { name, type, default: undefined });
      }
      const fields = reader.fields(entry.value, entry.key, {
        known: ["type", "default"],
        required: ["type", "default"],
      });
      const type = reader.text(fields.get("type")?.value, `the type of ${entry.key}`);
      return present(
        name &&
          type && {
            name,
            type,
            default: reader.expression(fields.get("default")?.value, `the default of ${entry.key}`),
          },
      );
    });
  }

  /** `{state: [states]}`, or `{field: {state: [states]}}` where a table has several. */
  private flows(entry: MapEntry | undefined): readonly FlowDocument[] {
    if (entry === undefined) return [];
    const { reader } = this;
    const entries = reader.entries(entry.value, "flow");
    const isByField = entries.some(({ value }) => value.kind === "map");
    if (!isByField) return [{ field: undefined, at: entry.keyAt, moves: this.moves(entry.value) }];
    return entries.map(({ key, keyAt, value }) => ({
      field: { text: key, at: keyAt },
      at: keyAt,
      moves: this.moves(value),
    }));
  }

  /** `{by_state: [state]}` */
  private indexes(node: SourceNode | undefined): TableDocument["indexes"] {
    return this.reader.entries(node, "index").flatMap(({ key, keyAt, value }) => {
      const name = this.reader.name(key, keyAt, "the name of an index");
      return present(name && { name, columns: this.reader.names(value, `columns of ${key}`) });
    });
  }

  private moves(node: SourceNode): FlowDocument["moves"] {
    return this.reader.entries(node, "flow").map(({ key, keyAt, value }) => ({
      from: { text: key, at: keyAt },
      to: this.reader.names(value, `moves from ${key}`),
    }));
  }

  // ---- actions ----

  private action(entry: MapEntry): ActionDocument | undefined {
    const { reader } = this;
    const name = reader.name(entry.key, entry.keyAt, "the name of an action");
    const what = `action ${entry.key}`;
    const known = ["title", "law", "by", "params", "read", "define", "require", "do"];
    const fields = reader.fields(entry.value, what, { known, required: ["by", "do"] });
    const requires = reader.items(fields.get("require")?.value, `require of ${what}`);
    const action = {
      title: reader.label(fields.get("title"), `title of ${what}`),
      law: reader.label(fields.get("law"), `law of ${what}`),
      by: reader.names(fields.get("by")?.value, `by of ${what}`),
      params: this.columns(fields.get("params")?.value, `params of ${what}`),
      reads: reader.entries(fields.get("read")?.value, `read of ${what}`).flatMap((read) => present(this.read(read))),
      defines: this.assignments(fields.get("define")?.value, `define of ${what}`),
      requires: requires.flatMap((node): readonly ConditionDocument[] =>
        present(reader.condition(node, `require of ${what}`, { sentence: "required" })),
      ),
      statements: reader
        .items(fields.get("do")?.value, `do of ${what}`)
        .flatMap((node) => present(this.statement(node))),
    };
    return name && { name, ...action };
  }

  private read(entry: MapEntry): ReadDocument | undefined {
    const isOptional = entry.key.endsWith("?");
    const alias = this.reader.name(isOptional ? entry.key.slice(0, -1) : entry.key, entry.keyAt, "the name of a row");
    if (entry.value.kind === "map") return alias && this.scan(entry, { alias, isOptional });
    const reference = this.reader.rowReference(entry.value);
    return alias && reference && { alias, isOptional, ...reference, scan: undefined };
  }

  /** `{all: "order.by_state[state]", max: 20}` */
  private scan(entry: MapEntry, named: Pick<ReadDocument, "alias" | "isOptional">): ReadDocument | undefined {
    const { reader } = this;
    const fields = reader.fields(entry.value, "a read of an index", {
      known: ["all", "max"],
      required: ["all", "max"],
    });
    const reference = reader.indexReference(fields.get("all")?.value);
    const max = reader.integer(fields.get("max")?.value, "max");
    if (named.isOptional)
      reader.findings.error(entry.keyAt, "SHAPE", "a list of rows is never absent: leave out the ?");
    if (reference === undefined || max === undefined) return undefined;
    const at = fields.get("max")?.keyAt ?? entry.keyAt;
    return { ...named, ...reference, scan: { index: reference.reference.index, max, at } };
  }

  private assignments(node: SourceNode | undefined, what: string): Assignments {
    const { reader } = this;
    return reader.entries(node, what).flatMap((entry) => {
      const name = reader.name(entry.key, entry.keyAt, `a name in ${what}`);
      const value = reader.expression(entry.value, entry.key);
      return present(name && value && { name, value });
    });
  }

  private statement(node: SourceNode): StatementDocument | undefined {
    const { reader } = this;
    const kinds = node.kind === "map" ? node.entries.filter(({ key }) => STATEMENTS.some((kind) => kind === key)) : [];
    const [entry] = kinds;
    if (entry === undefined || kinds.length !== 1) {
      reader.findings.error(node.at, "STATEMENT", "each item of do is one statement", STATEMENTS);
      return undefined;
    }
    const required = entry.key === "insert" ? ["row"] : entry.key === "update" ? ["set"] : [];
    const optional = entry.key === "call" ? ["when", "with"] : ["when"];
    const fields = reader.fields(node, entry.key, { known: [entry.key, ...optional, ...required], required });
    const whenNode = fields.get("when");
    const when = whenNode && reader.expression(whenNode.value, "when");
    const body = this.statementBody(entry, fields);
    return body && (whenNode === undefined || when !== undefined) ? { ...body, at: entry.keyAt, when } : undefined;
  }

  private statementBody(entry: MapEntry, fields: Fields) {
    const { reader } = this;
    const kind = STATEMENTS.find((known) => known === entry.key);
    const target = () => reader.text(entry.value, entry.key);
    switch (kind) {
      case "insert": {
        const table = target();
        return table && { kind, table, row: this.assignments(fields.get("row")?.value, "row") };
      }
      case "update": {
        const row = target();
        return row && { kind, row, set: this.assignments(fields.get("set")?.value, "set") };
      }
      case "delete": {
        const row = target();
        return row && { kind, row };
      }
      case "pay": {
        const parts = this.parts(entry, ["from", "to", "amount"] as const);
        return parts && { kind, from: parts.from, to: parts.to, amount: parts.amount };
      }
      case "call": {
        const action = target();
        return action && { kind, action, args: this.assignments(fields.get("with")?.value, "with of call") };
      }
      case "emit":
        return this.emit(entry);
      case "timer":
        return this.timer(entry);
      case "cancel": {
        const key = reader.expression(entry.value, "cancel");
        return key && { kind, key };
      }
      case "deploy": {
        const parts = reader.fields(entry.value, kind, {
          known: ["name", "source", "height"],
          required: ["name", "source"],
        });
        const part = (name: string) => reader.expression(parts.get(name)?.value, name);
        const [name, source] = [part("name"), part("source")];
        return name && source && { kind, name, source, height: part("height") };
      }
      case "withdraw": {
        const name = reader.expression(entry.value, kind);
        return name && { kind, name };
      }
      default:
        return undefined;
    }
  }

  /** A map of exactly these expressions. */
  private parts<K extends string>(
    entry: MapEntry,
    names: readonly K[],
  ): Readonly<Record<K, SourceExpression>> | undefined {
    const fields = this.reader.fields(entry.value, entry.key, { known: names, required: names });
    const found = names.flatMap((name) =>
      present(this.reader.expression(fields.get(name)?.value, name)).map((expression) => [name, expression] as const),
    );
    return found.length === names.length ? (Object.fromEntries(found) as Record<K, SourceExpression>) : undefined;
  }

  private emit(entry: MapEntry) {
    const [event, ...others] = this.reader.entries(entry.value, "emit");
    const name = event && this.reader.name(event.key, event.keyAt, "the name of an event");
    if (name === undefined || others.length > 0) {
      this.reader.findings.error(entry.keyAt, "SHAPE", "emit has one event: {name: {field: value}}");
      return undefined;
    }
    return { kind: "emit" as const, event: name, fields: this.assignments(event?.value, `event ${name.text}`) };
  }

  private timer(entry: MapEntry) {
    const { reader } = this;
    const fields = reader.fields(entry.value, "timer", {
      known: ["key", "at", "run", "with"],
      required: ["key", "at", "run"],
    });
    const key = reader.expression(fields.get("key")?.value, "key of timer");
    const time = reader.expression(fields.get("at")?.value, "at of timer");
    const run: Name | undefined = reader.text(fields.get("run")?.value, "run of timer");
    return (
      key &&
      time &&
      run && {
        kind: "timer" as const,
        key,
        time,
        run,
        args: this.assignments(fields.get("with")?.value, "with of timer"),
      }
    );
  }
}
