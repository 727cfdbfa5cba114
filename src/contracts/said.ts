// Words that were put together, and how tightly they hold: what needs brackets inside something else.
// Knows no language.

import type { BinaryOperator } from "./expression.ts";

export const SIGNS: Readonly<Record<string, string>> = {
  "<": "<",
  "<=": "≤",
  ">": ">",
  ">=": "≥",
  "+": "+",
  "-": "−",
  "*": "×",
};
export const LEVELS: Readonly<Record<BinaryOperator, number>> = {
  "||": 1,
  "&&": 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  in: 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
};
const LEVEL_OF_LEAF = 9;
const LEVEL_OF_PHRASE = 0;

/** `level` tells how tightly the text holds together. */
export interface Said {
  readonly text: string;
  readonly level: number;
}

export function leaf(text: string): Said {
  return { text, level: LEVEL_OF_LEAF };
}

export function phrase(text: string): Said {
  return { text, level: LEVEL_OF_PHRASE };
}
