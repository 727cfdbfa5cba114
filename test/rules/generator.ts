// Draws typed random expressions of the contract profile, with the names and values they stand over.
// It draws from a seeded generator alone: one seed gives one expression, on every machine. It evaluates nothing.

import type { Value } from "../../src/ledger/codec.ts";
import type { Random } from "../sim/random.ts";
import { bytesLiteral, INTEGER_EDGES, integerLiteral, randomBytes, randomText, textLiteral } from "./literals.ts";

/** "int", "bool", "text", "bytes", or "list:" before a kind */
export type Kind = string;

/** A drawn expression that can be shrunk: `parts` may be replaced by others of the same kind. */
export interface Tree {
  readonly kind: Kind;
  /** as in the grammar: 0 conditional, 1 ||, 2 &&, 3 relations, 4 sums, 5 products, 6 signs, 7 members */
  readonly level: number;
  readonly parts: readonly Tree[];
  /** the least level of each part that needs no parentheses */
  readonly levels: readonly number[];
  readonly print: (parts: readonly string[]) => string;
  /** the same meaning without a minus sign before a part */
  readonly printUnsigned?: (parts: readonly string[]) => string;
  /** parentheses that are not needed */
  readonly extraParentheses: number;
}

export interface Variable {
  readonly name: string;
  readonly typeText: string;
  readonly kind: Kind;
  readonly value: Value;
}

/** A row that may be absent, as `read: {name?: ...}` gives it. */
export interface RowVariable {
  readonly name: string;
  readonly columns: readonly Variable[];
  readonly isPresent: boolean;
}

export interface Draw {
  readonly tree: Tree;
  readonly variables: readonly Variable[];
  readonly rows: readonly RowVariable[];
}

/** @param signs "subtracted": -x is written (0 - x) */
export function printTree(tree: Tree, signs: "drawn" | "subtracted" = "drawn"): string {
  const parts = tree.parts.map((part, index) => {
    const text = printTree(part, signs);
    return part.level < (tree.levels[index] ?? 0) && part.extraParentheses === 0 ? `(${text})` : text;
  });
  const text = (signs === "subtracted" ? tree.printUnsigned : undefined)?.(parts) ?? tree.print(parts);
  return "(".repeat(tree.extraParentheses) + text + ")".repeat(tree.extraParentheses);
}

export function leaf(kind: Kind, text: string, level = 7): Tree {
  return { kind, level, parts: [], levels: [], print: () => text, extraParentheses: 0 };
}

const VALUE_KINDS: readonly Kind[] = ["int", "bool", "text", "bytes"];
const DEPTH_MAX = 60;
const itemOf = (kind: Kind) => kind.slice(5);

export function drawExpression(random: Random): Draw {
  const variables = drawVariables(random);
  const rows = ["r", "q"].map((name, index): RowVariable => {
    const columns = [rangeVariable(random, "n"), textVariable(random, "t"), boolVariable(random, "b")];
    return { name, columns, isPresent: index === 0 };
  });
  const names = new Map(variables.map(({ name, kind }) => [name, kind]));
  const drawing = new Drawing(random, rows);
  const kind = random.chance(550)
    ? "bool"
    : random.pick([...VALUE_KINDS, "int", "list:int", "list:text", "list:list:int"]);
  const tree = random.chance(30)
    ? drawing.chain(kind, names, random.between(10, DEPTH_MAX))
    : drawing.tree(kind, names, random.between(1, 6));
  return { tree, variables, rows };
}

// ---- variables ----

function rangeVariable(random: Random, name: string): Variable {
  const [a, b] = [random.pick(INTEGER_EDGES), random.pick(INTEGER_EDGES)];
  const [min, max] = a <= b ? [a, b] : [b, a];
  const inside = INTEGER_EDGES.filter((edge) => edge >= min && edge <= max);
  const value = random.pick(inside);
  const isSafe = value >= -9007199254740991n && value <= 9007199254740991n;
  return { name, typeText: `int(${min}..${max})`, kind: "int", value: isSafe ? Number(value) : value };
}

function textVariable(random: Random, name: string): Variable {
  return { name, typeText: "text(64)", kind: "text", value: randomText(random) };
}

function boolVariable(random: Random, name: string): Variable {
  return { name, typeText: "bool", kind: "bool", value: random.chance(500) };
}

function listVariable(random: Random, name: string, item: (random: Random, name: string) => Variable): Variable {
  // One range for all items: the type of the first, and only values that it allows.
  const first = item(random, name);
  const items = Array.from({ length: random.below(5) }, () => item(random, name)).filter(
    ({ typeText }) => typeText === first.typeText,
  );
  const typeText = `list(${first.typeText}, 5)`;
  return {
    name,
    typeText,
    kind: `list:${first.kind}`,
    value: [first, ...items].slice(random.below(2)).map(({ value }) => value),
  };
}

const bytesVariable = (random: Random, name: string): Variable => ({
  name,
  typeText: "bytes(16)",
  kind: "bytes",
  value: randomBytes(random),
});
const intVariable = (random: Random, name: string): Variable => {
  const { value } = rangeVariable(random, name);
  return { name, typeText: "int", kind: "int", value };
};

function drawVariables(random: Random): readonly Variable[] {
  return [
    rangeVariable(random, "i"),
    rangeVariable(random, "j"),
    intVariable(random, "k"),
    boolVariable(random, "c"),
    boolVariable(random, "d"),
    textVariable(random, "s"),
    textVariable(random, "t"),
    bytesVariable(random, "y"),
    listVariable(random, "l", intVariable),
    listVariable(random, "m", rangeVariable),
    listVariable(random, "u", textVariable),
    listVariable(random, "v", boolVariable),
    listVariable(random, "w", bytesVariable),
    listVariable(random, "g", (inner, name) => listVariable(inner, name, intVariable)),
  ];
}

// ---- expressions ----

type Names = ReadonlyMap<string, Kind>;

class Drawing {
  private readonly random: Random;
  private readonly rows: readonly RowVariable[];

  constructor(random: Random, rows: readonly RowVariable[]) {
    this.random = random;
    this.rows = rows;
  }

  tree(kind: Kind, names: Names, depth: number): Tree {
    const drawn =
      depth <= 0 || this.random.chance(120) ? this.leaf(kind, names) : this.compound(kind, names, depth - 1);
    return this.random.chance(40) ? { ...drawn, extraParentheses: this.random.between(1, 3) } : drawn;
  }

  /** A long expression in one direction: what a parser or an evaluator might leave to the stack. */
  chain(kind: Kind, names: Names, length: number): Tree {
    let tree = this.leaf(kind, names);
    for (let index = 0; index < length; index += 1) {
      const other = this.tree(kind, names, this.random.below(2));
      const [left, right] = this.random.chance(700) ? [tree, other] : [other, tree];
      if (kind === "bool") tree = this.binary("bool", this.random.pick(["&&", "||", "==", "!=", "<="]), left, right);
      else if (kind === "int") tree = this.binary("int", this.random.pick(["+", "-", "*", "/", "%"]), left, right);
      else if (index % 10 === 0) tree = this.binary(kind, "+", left, right);
      else tree = this.conditional(kind, this.tree("bool", names, 1), left, right);
    }
    return tree;
  }

  private leaf(kind: Kind, names: Names): Tree {
    const { random } = this;
    if (random.chance(600)) {
      const fitting = [...names].filter(([, of]) => of === kind).map(([name]) => name);
      const columns = this.rows.flatMap(({ name, columns: inRow }) =>
        inRow.filter((column) => column.kind === kind && !names.has(name)).map((column) => `${name}.${column.name}`),
      );
      const choices = random.chance(850) ? fitting : columns;
      if (choices.length > 0) return leaf(kind, random.pick(choices));
    }
    return this.literal(kind, names);
  }

  private literal(kind: Kind, names: Names): Tree {
    const { random } = this;
    switch (kind) {
      case "int": {
        const text = integerLiteral(random);
        return leaf("int", text, text.startsWith("-") ? 6 : 7);
      }
      case "bool":
        return leaf("bool", random.pick(["true", "false"]));
      case "text":
        return leaf("text", textLiteral(random, randomText(random)));
      case "bytes":
        return leaf("bytes", bytesLiteral(random, randomBytes(random)));
      default:
        return this.list(
          kind,
          this.items(() => this.leaf(itemOf(kind), names)),
        );
    }
  }

  private items(draw: () => Tree): readonly Tree[] {
    return Array.from({ length: this.random.chance(80) ? 0 : this.random.between(1, 3) }, draw);
  }

  private list(kind: Kind, items: readonly Tree[]): Tree {
    const comma = items.length > 0 && this.random.chance(50) ? "," : "";
    return this.node(
      kind,
      7,
      items,
      items.map(() => 0),
      (texts) => `[${texts.join(", ")}${texts.length > 0 ? comma : ""}]`,
    );
  }

  private compound(kind: Kind, names: Names, depth: number): Tree {
    const { random } = this;
    const roll = random.below(100);
    const part = (of: Kind) => this.tree(of, names, depth);
    if (roll < 10) return this.conditional(kind, part("bool"), part(kind), part(kind));
    if (roll < 16) return this.index(kind, names, depth);
    if (kind === "bool") return this.condition(names, depth);
    if (kind === "int") return this.integer(names, depth);
    if (kind === "text" || kind === "bytes") return this.string(kind, names, depth);
    return this.listOf(kind, names, depth);
  }

  private condition(names: Names, depth: number): Tree {
    const { random } = this;
    const part = (of: Kind) => this.tree(of, names, depth);
    const roll = random.below(100);
    if (roll < 30) return this.binary("bool", random.pick(["&&", "||"]), part("bool"), part("bool"));
    if (roll < 38) return this.prefix("bool", "!", part("bool"));
    if (roll < 62) {
      const of = random.pick(["int", "int", ...VALUE_KINDS]);
      return this.binary("bool", random.pick(["==", "!=", "<", "<=", ">", ">="]), part(of), part(of));
    }
    if (roll < 68) {
      const of = random.pick(["list:int", "list:text", "list:list:int", "list:bool"]);
      return this.binary("bool", random.pick(["==", "!="]), part(of), part(of));
    }
    if (roll < 77) {
      const of = random.pick([...VALUE_KINDS, "list:int"]);
      return this.binary("bool", " in ", part(of), part(`list:${of}`));
    }
    if (roll < 85) {
      const name = random.pick(["contains", "startsWith", "endsWith"]);
      return this.node("bool", 7, [part("text"), part("text")], [7, 0], ([text, other]) => `${text}.${name}(${other})`);
    }
    if (roll < 89) return this.rowQuestion(names);
    return this.macro("bool", random.pick(["all", "exists", "exists_one"]), names, depth);
  }

  private rowQuestion(names: Names): Tree {
    const row = this.random.pick(this.rows);
    if (names.has(row.name)) return leaf("bool", "true");
    const column = this.random.pick(row.columns).name;
    return this.random.chance(600)
      ? leaf("bool", `has(${row.name}.${column})`)
      : leaf("bool", `${row.name} ${this.random.pick(["==", "!="])} null`, 3);
  }

  private integer(names: Names, depth: number): Tree {
    const { random } = this;
    const part = (of: Kind) => this.tree(of, names, depth);
    const roll = random.below(100);
    if (roll < 65) return this.binary("int", random.pick(["+", "-", "*", "/", "%"]), part("int"), part("int"));
    if (roll < 75) return this.prefix("int", "-", part("int"));
    if (roll < 90) {
      const sized = part(random.pick(["text", "bytes", "list:int", "list:text", "list:bool"]));
      return random.chance(500)
        ? this.node("int", 7, [sized], [0], ([text]) => `size(${text})`)
        : this.node("int", 7, [sized], [7], ([text]) => `${text}.size()`);
    }
    return this.call("int", "int", part(random.pick(["int", "text"])));
  }

  private string(kind: Kind, names: Names, depth: number): Tree {
    const { random } = this;
    const part = (of: Kind) => this.tree(of, names, depth);
    if (random.chance(550)) return this.binary(kind, "+", part(kind), part(kind));
    return kind === "text"
      ? this.call("text", "string", part(random.pick(VALUE_KINDS)))
      : this.call("bytes", "bytes", part(random.pick(["text", "bytes"])));
  }

  private listOf(kind: Kind, names: Names, depth: number): Tree {
    const { random } = this;
    const roll = random.below(100);
    if (roll < 25) return this.binary(kind, "+", this.tree(kind, names, depth), this.tree(kind, names, depth));
    if (roll < 45)
      return this.list(
        kind,
        this.items(() => this.tree(itemOf(kind), names, depth)),
      );
    return this.macro(kind, random.pick(["filter", "map", "map", "map3"]), names, depth);
  }

  private macro(kind: Kind, macro: string, names: Names, depth: number): Tree {
    const { random } = this;
    const isMap = macro.startsWith("map");
    const range = macro === "filter" ? kind : `list:${random.pick([...VALUE_KINDS, "int", "list:int"])}`;
    // A variable may hide a name around it.
    const name = random.pick(["x", "z", "e", "i", "l", "r"]);
    const inner = new Map([...names, [name, itemOf(range)]]);
    const body = this.tree(isMap ? itemOf(kind) : "bool", inner, depth);
    const filters = macro === "map3" ? [this.tree("bool", inner, depth)] : [];
    const parts = [this.tree(range, names, depth), ...filters, body];
    return this.node(
      kind,
      7,
      parts,
      [7, 0, 0],
      ([list, ...rest]) => `${list}.${isMap ? "map" : macro}(${name}, ${rest.join(", ")})`,
    );
  }

  private index(kind: Kind, names: Names, depth: number): Tree {
    const at = this.random.chance(700)
      ? leaf("int", this.random.pick(["0", "1", "2"]))
      : this.tree("int", names, depth);
    const list = kind.startsWith("list:list:list")
      ? this.list(`list:${kind}`, [])
      : this.tree(`list:${kind}`, names, depth);
    return this.node(kind, 7, [list, at], [7, 0], ([text, index]) => `${text}[${index}]`);
  }

  private conditional(kind: Kind, condition: Tree, whenTrue: Tree, whenFalse: Tree): Tree {
    return this.node(kind, 0, [condition, whenTrue, whenFalse], [1, 1, 0], ([a, b, c]) => `${a} ? ${b} : ${c}`);
  }

  private call(kind: Kind, name: string, argument: Tree): Tree {
    return this.node(kind, 7, [argument], [0], ([text]) => `${name}(${text})`);
  }

  private prefix(kind: Kind, sign: string, operand: Tree): Tree {
    const node = this.node(kind, 6, [operand], [7], ([text]) => sign + text);
    return sign === "-" ? { ...node, printUnsigned: ([text]) => `(0 - ${text})` } : node;
  }

  private binary(kind: Kind, operator: string, left: Tree, right: Tree): Tree {
    const level = LEVELS.get(operator) ?? 3;
    const blank = this.random.pick([" ", " ", " ", "\n", "\t ", " // c\n"]);
    return this.node(kind, level, [left, right], [level, level + 1], ([a, b]) => `${a}${blank}${operator} ${b}`);
  }

  private node(
    kind: Kind,
    level: number,
    parts: readonly Tree[],
    levels: readonly number[],
    print: (parts: readonly string[]) => string,
  ): Tree {
    return { kind, level, parts, levels, print, extraParentheses: 0 };
  }
}

const LEVELS: ReadonlyMap<string, number> = new Map([
  ["||", 1],
  ["&&", 2],
  ["+", 4],
  ["-", 4],
  ["*", 5],
  ["/", 5],
  ["%", 5],
]);
