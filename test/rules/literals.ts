// Random values and the many ways in which CEL writes them down.
// It draws from a seeded generator alone.

import type { Random } from "../sim/random.ts";

const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  7n,
  10n,
  255n,
  1n << 31n,
  1n << 32n,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 53n) + 1n,
  3037000500n,
  1n << 62n,
  (1n << 63n) - 1n,
];

/** Where integers change their form or overflow, in order. */
export const INTEGER_EDGES: readonly bigint[] = [
  -(1n << 63n),
  ...EDGES.filter((edge) => edge > 0n)
    .map((edge) => -edge)
    .reverse(),
  ...EDGES,
];

const EXTREMES = [-(1n << 63n), (1n << 63n) - 1n, -1n];

const PIECES = [
  "a",
  "b",
  "ab",
  "z",
  " ",
  "0",
  "7",
  "12",
  "-3",
  "+",
  "é",
  "e\u0301",
  "邻",
  "里",
  "😀",
  "\ue000",
  "\uffff",
  "\u{10ffff}",
  "'",
  '"',
  "\\",
  "\n",
  "\t",
  "\ufeff",
  "邻里",
];

export function randomText(random: Random): string {
  if (random.chance(120)) return String(random.pick(INTEGER_EDGES));
  let text = "";
  for (let count = random.below(5); count > 0; count -= 1) text += random.pick(PIECES);
  return text;
}

export function randomBytes(random: Random): Uint8Array {
  if (random.chance(600)) return new TextEncoder().encode(randomText(random)).slice(0, 16);
  return random.bytes(random.below(5));
}

export function integerLiteral(random: Random): string {
  const value = random.chance(550)
    ? BigInt(random.between(-9, 12))
    : random.pick(random.chance(300) ? EXTREMES : INTEGER_EDGES);
  if (!random.chance(100)) return String(value);
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16).toUpperCase()}`;
}

export function textLiteral(random: Random, text: string): string {
  const quote = random.pick(["'", '"', "'''", '"""']);
  const isPlain = ![..."'\"\\\n"].some((mark) => text.includes(mark));
  if (isPlain && random.chance(150)) return `${random.pick(["r", "R"])}${quote}${text}${quote}`;
  let body = "";
  for (const character of text) body += textCharacter(random, character);
  return quote + body + quote;
}

function textCharacter(random: Random, character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === "\n") return "\\n";
  if ("'\"\\".includes(character)) return `\\${character}`;
  if (!random.chance(150)) return character;
  if (code < 0x80)
    return random.pick([`\\x${hex(code, 2)}`, `\\${code.toString(8).padStart(3, "0")}`, `\\u${hex(code, 4)}`]);
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

export function bytesLiteral(random: Random, bytes: Uint8Array): string {
  const quote = random.pick(["'", '"']);
  let body = "";
  for (const byte of bytes) {
    const isPlain = byte >= 48 && byte < 91;
    if (isPlain && random.chance(800)) body += String.fromCharCode(byte);
    else body += random.chance(700) ? `\\x${hex(byte, 2)}` : `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return `${random.pick(["b", "B"])}${quote}${body}${quote}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
