// Damages contract documents in every place in the same way each time: words, values, entries, lines and single letters.
// It says nothing about what should be found in them: recorded-findings.test.ts does.

import { Findings } from "../../../src/contracts/finding.ts";
import { readYaml, type SourceNode } from "../../../src/contracts/yaml-document.ts";

export type Damaged = readonly [label: string, source: string];

const replaced = (source: string, from: number, to: number, text: string) =>
  source.slice(0, from) + text + source.slice(to);

/** Every word without its second letter; a single letter twice. */
export function misspelt(source: string): readonly Damaged[] {
  return [...source.matchAll(/[A-Za-z_]\w*/g)].map(({ 0: word, index }): Damaged => {
    const wrong = word.length === 1 ? word + word : word[0] + word.slice(2);
    return [`${index} ${word} as ${wrong}`, replaced(source, index, index + word.length, wrong)];
  });
}

/** Every scalar, quotes included, as `text`. */
export function revalued(source: string, text: string): readonly Damaged[] {
  return places(source).values.map(([from, to]): Damaged => {
    const label = `${from} ${source.slice(from, to)} as ${text}`;
    return [label, replaced(source, from, to, text)];
  });
}

/** Every entry of a map left out whose value is a scalar. */
export function withoutEntries(source: string): readonly Damaged[] {
  return places(source).entries.map(([from, to]): Damaged => {
    const comma = /^, */.exec(source.slice(to))?.[0].length ?? 0;
    return [`${from} without ${source.slice(from, to)}`, replaced(source, from, to + comma, "")];
  });
}

/** Every line left out, twice, further in, further out; the document ending after it. */
export function relined(source: string): readonly Damaged[] {
  const lines = source.split("\n").slice(0, -1);
  return lines.flatMap((line, index): readonly Damaged[] => {
    const label = `${index + 1}`;
    const put = (...instead: readonly string[]) => `${lines.toSpliced(index, 1, ...instead).join("\n")}\n`;
    return [
      [`line ${label} left out`, put()],
      [`line ${label} twice`, put(line, line)],
      [`line ${label} further in`, put(` ${line}`)],
      [`line ${label} further out`, put(line.replace(/^ {2}/, ""))],
      [`line ${label} is the last`, lines.slice(0, index + 1).join("\n")],
    ];
  });
}

/** Every sign and every space left out, and every sign twice. */
export function mispunctuated(source: string): readonly Damaged[] {
  return [...source.matchAll(/[^\w\s]| (?=\S)/g)].flatMap(({ 0: sign, index }): readonly Damaged[] => [
    [`${index} without ${sign}`, replaced(source, index, index + 1, "")],
    [`${index} twice ${sign}`, replaced(source, index, index, sign)],
  ]);
}

type Place = readonly [from: number, to: number];

function places(source: string): { readonly values: readonly Place[]; readonly entries: readonly Place[] } {
  const values: Place[] = [];
  const entries: Place[] = [];
  const walk = (node: SourceNode): void => {
    if (node.kind === "scalar") values.push([node.at, node.end]);
    if (node.kind === "list") node.items.forEach(walk);
    if (node.kind !== "map") return;
    for (const { keyAt, value } of node.entries) {
      if (value.kind === "scalar") entries.push([keyAt, value.end]);
      walk(value);
    }
  };
  const tree = readYaml(source, new Findings(source));
  if (tree !== undefined) walk(tree);
  return { values, entries };
}

/** What is made of 0 to `length` - 1. */
export const counted = <T>(length: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length }, (_, index) => make(index));
