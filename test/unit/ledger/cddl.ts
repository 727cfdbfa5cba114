// Reads docs/formats.cddl and judges values by it: the part of RFC 8610 that the document uses, and nothing more.
// Never imports a decoder of a format: it is the second opinion about them.

import { decode, type Value } from "../../../src/ledger/codec.ts";

type Type =
  | { readonly kind: "choice"; readonly options: readonly Type[] }
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "literal"; readonly value: number | string }
  | { readonly kind: "range"; readonly min: number; readonly max: number }
  | { readonly kind: "size"; readonly of: Type; readonly size: Type }
  | { readonly kind: "cbor"; readonly content: Type }
  | { readonly kind: "array"; readonly entries: readonly Entry[] };

interface Entry {
  readonly min: number;
  readonly max: number;
  readonly type: Type;
}

const TOKEN = /\s+|;[^\n]*|"[^"]*"|\.\.|\.[a-z]+|\d+|[a-z][a-z0-9-]*|[=/[\](),:*?]/gy;

export class Schema {
  readonly #rules = new Map<string, Type>();

  constructor(text: string) {
    const parser = new Parser(text);
    while (!parser.isDone()) {
      const name = parser.next();
      parser.expect("=");
      if (this.#rules.has(name)) throw new Error(`rule ${name} stands twice`);
      this.#rules.set(name, parser.type());
    }
  }

  /** Names that rules refer to and that are neither rules nor of the prelude. */
  undefinedNames(): readonly string[] {
    const missing = new Set<string>();
    for (const type of this.#rules.values()) {
      for (const name of namesIn(type)) if (!this.#rules.has(name) && !(name in PRELUDE)) missing.add(name);
    }
    return [...missing];
  }

  /** Whether canonical `bytes` are what the rule describes. */
  accepts(rule: string, bytes: Uint8Array): boolean {
    const decoded = decode(bytes);
    return decoded.ok && this.#matches({ kind: "rule", name: rule }, decoded.value);
  }

  #matches(type: Type, value: Value): boolean {
    switch (type.kind) {
      case "choice":
        return type.options.some((option) => this.#matches(option, value));
      case "rule":
        return this.#matchesRule(type.name, value);
      case "literal":
        return value === type.value;
      case "range":
        return (typeof value === "number" || typeof value === "bigint") && value >= type.min && value <= type.max;
      case "size":
        return this.#matches(type.of, value) && this.#matches(type.size, sizeOf(value));
      case "cbor": {
        const inner = value instanceof Uint8Array ? decode(value) : undefined;
        return inner?.ok === true && this.#matches(type.content, inner.value);
      }
      case "array":
        return Array.isArray(value) && this.#matchesItems(type.entries, value as readonly Value[]);
    }
  }

  #matchesRule(name: string, value: Value): boolean {
    const rule = this.#rules.get(name);
    if (rule !== undefined) return this.#matches(rule, value);
    const isOfType = PRELUDE[name];
    if (isOfType === undefined) throw new Error(`no rule ${name}`);
    return isOfType(value);
  }

  // Greedy: in this document, what repeats stands alone in its array.
  #matchesItems(entries: readonly Entry[], items: readonly Value[]): boolean {
    let place = 0;
    for (const { min, max, type } of entries) {
      let count = 0;
      while (count < max && place < items.length && this.#matches(type, items[place] as Value)) {
        place += 1;
        count += 1;
      }
      if (count < min) return false;
    }
    return place === items.length;
  }
}

const PRELUDE: Readonly<Record<string, (value: Value) => boolean>> = {
  null: (value) => value === null,
  bool: (value) => typeof value === "boolean",
  uint: (value) => (typeof value === "number" || typeof value === "bigint") && value >= 0,
  nint: (value) => (typeof value === "number" || typeof value === "bigint") && value < 0,
  tstr: (value) => typeof value === "string",
  bstr: (value) => value instanceof Uint8Array,
};

function sizeOf(value: Value): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  return value instanceof Uint8Array ? value.length : -1;
}

function namesIn(type: Type): readonly string[] {
  switch (type.kind) {
    case "rule":
      return [type.name];
    case "choice":
      return type.options.flatMap(namesIn);
    case "size":
      return [...namesIn(type.of), ...namesIn(type.size)];
    case "cbor":
      return namesIn(type.content);
    case "array":
      return type.entries.flatMap((entry) => namesIn(entry.type));
    case "literal":
    case "range":
      return [];
  }
}

class Parser {
  readonly #tokens: readonly string[];
  #place = 0;

  constructor(text: string) {
    const tokens: string[] = [];
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const start = TOKEN.lastIndex;
      const [token] = TOKEN.exec(text) ?? [];
      if (token === undefined) throw new Error(`cannot read: ${text.slice(start, start + 40)}`);
      if (!/^(\s|;)/.test(token)) tokens.push(token);
    }
    this.#tokens = tokens;
  }

  isDone(): boolean {
    return this.#place >= this.#tokens.length;
  }

  next(): string {
    const token = this.#tokens[this.#place];
    if (token === undefined) throw new Error("unexpected end");
    this.#place += 1;
    return token;
  }

  expect(token: string): void {
    const found = this.next();
    if (found !== token) throw new Error(`expected ${token}, found ${found}`);
  }

  type(): Type {
    const options = [this.#controlled()];
    while (this.#takes("/")) options.push(this.#controlled());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: "choice", options };
  }

  #controlled(): Type {
    const of = this.#plain();
    if (this.#takes(".size")) return { kind: "size", of, size: this.#plain() };
    if (this.#takes(".cbor")) return { kind: "cbor", content: this.#plain() };
    return of;
  }

  #plain(): Type {
    const token = this.next();
    if (token === "[") return { kind: "array", entries: this.#entries() };
    if (token === "(") {
      const type = this.type();
      this.expect(")");
      return type;
    }
    if (token.startsWith('"')) return { kind: "literal", value: token.slice(1, -1) };
    if (!/^\d/.test(token)) return { kind: "rule", name: token };
    return this.#takes("..")
      ? { kind: "range", min: Number(token), max: Number(this.next()) }
      : { kind: "literal", value: Number(token) };
  }

  #entries(): readonly Entry[] {
    const entries: Entry[] = [];
    while (!this.#takes("]")) {
      entries.push(this.#entry());
      if (this.#peek() !== "]") this.expect(",");
    }
    return entries;
  }

  #entry(): Entry {
    const { min, max } = this.#occurrence();
    if (this.#peek(1) === ":") this.#place += 2; // the name of a place binds nothing
    return { min, max, type: this.type() };
  }

  #occurrence(): { readonly min: number; readonly max: number } {
    const isBounded = this.#peek(1) === "*";
    if (!isBounded && this.#peek() !== "*") return { min: 1, max: 1 };
    const min = isBounded ? Number(this.next()) : 0;
    this.expect("*");
    const max = /^\d+$/.test(this.#peek() ?? "") ? Number(this.next()) : Number.POSITIVE_INFINITY;
    return { min, max };
  }

  #peek(ahead = 0): string | undefined {
    return this.#tokens[this.#place + ahead];
  }

  #takes(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#place += 1;
    return true;
  }
}
