// Which accounts of money a contract may debit: whole names, or beginnings that end in ":". Everybody may pay into any account.
// It compares names; it never looks at balances.

import type { Typed } from "./typed.ts";

export const ACCOUNTS_MAX = 16;
const BEGINNING_END = ":";

/** What is known of a text before it is computed: all of it, or how it begins. */
export interface KnownText {
  readonly text: string;
  readonly isWhole: boolean;
}

const NOTHING_KNOWN: KnownText = { text: "", isWhole: false };

function isBeginning(declared: string): boolean {
  return declared.endsWith(BEGINNING_END);
}

/** Whether one of the declared names or beginnings is that of the account. */
export function coversAccount(declared: readonly string[], account: string): boolean {
  return declared.some((name) => name === account || (isBeginning(name) && account.startsWith(name)));
}

/** Two declarations under which some account falls at once; undefined when there is none. */
export function accountsOverlap(
  left: readonly string[],
  right: readonly string[],
): { readonly left: string; readonly right: string } | undefined {
  for (const one of left)
    for (const other of right) {
      // Of two beginnings the longer one lies inside the shorter one, or they are apart.
      if (coversAccount([one], other) || coversAccount([other], one)) return { left: one, right: other };
    }
  return undefined;
}

/** An account, or how one begins, that the expression gives and no declaration covers; undefined: only a run can tell. */
export function foreignAccount(declared: readonly string[], typed: Typed): string | undefined {
  const mayBeCovered = ({ text, isWhole }: KnownText) =>
    coversAccount(declared, text) || (!isWhole && declared.some((name) => name.startsWith(text)));
  return knownTexts(typed).find((known) => !mayBeCovered(known))?.text;
}

/** One of these the expression gives, each once. */
export function knownTexts(typed: Typed): readonly KnownText[] {
  return textsOf(typed, new Map());
}

/** @param defined what definitions give: each is looked at once, however often others stand on it */
function textsOf(typed: Typed, defined: Map<Typed, readonly KnownText[]>): readonly KnownText[] {
  if (typed.kind === "define") {
    const texts = defined.get(typed.body) ?? textsOf(typed.body, defined);
    defined.set(typed.body, texts);
    return texts;
  }
  if (typed.type.kind === "text" && typed.type.values !== undefined)
    return typed.type.values.map((text) => ({ text, isWhole: true }));
  if (typed.kind === "conditional")
    return distinctTexts([...textsOf(typed.whenTrue, defined), ...textsOf(typed.whenFalse, defined)]);
  if (typed.kind !== "concat") return [NOTHING_KNOWN];
  const [right, ...others] = textsOf(typed.right, defined);
  return textsOf(typed.left, defined).map(({ text, isWhole }) => {
    if (!isWhole || right === undefined || others.length > 0) return { text, isWhole: false };
    return { text: text + right.text, isWhole: right.isWhole };
  });
}

function distinctTexts(texts: readonly KnownText[]): readonly KnownText[] {
  return [...new Map(texts.map((known) => [`${known.isWhole} ${known.text}`, known])).values()];
}
