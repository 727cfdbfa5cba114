// What a planted bug is, and how it gets into a copy of the sources: the working tree is never touched.
// Knows nothing of what finds it.

import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Profile } from "../node/plan.ts";

/** What runs a seed: the core alone, one of the profiles of whole nodes, or twins that fork. */
export type Hunt = Profile | "core" | "fork";

export interface Edit {
  /** from the root of the repository */
  readonly file: string;
  /** stands there exactly once */
  readonly before: string;
  readonly after: string;
}

export interface Mutant {
  readonly name: string;
  /** what is wrong, in a few words */
  readonly says: string;
  /** lines of docs/pitfalls-covered.md */
  readonly pitfalls: readonly number[];
  readonly edits: readonly Edit[];
  /** where it can be found at all, the likeliest first; all of them take turns */
  readonly hunts: readonly Hunt[];
  /** seeds without it cannot show the bug and are passed over, but counted; undefined: every seed may */
  readonly needs?: Need;
}

/**
 * What a plan must have: somebody who lies in what it proposes and answers, or such a one beside stores that are lost and fetched, or
 * vote records that are lost.
 */
export type Need = "liars" | "liarsAndFetches" | "lostRecords";

const ROOT = join(import.meta.dirname, "../../..");
/** All that a run of the simulator loads. */
const COPIED = ["src", "test"];

export function sourceOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** @throws Error when the place is not there exactly once: the sources have moved on and the bug has to follow */
export function planted(text: string, { file, before, after }: Edit): string {
  const count = text.split(before).length - 1;
  if (count !== 1) throw new Error(`${file} has this place ${count} times, not once:\n${before}`);
  return text.replace(before, () => after);
}

/** A folder with a copy of what the simulator needs, to be removed by the caller; the bug is in it. */
export function plantedCopy(mutant: Mutant | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), "linli-mutant-"));
  for (const part of COPIED) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  for (const part of ["package.json", "node_modules"]) symlinkSync(join(ROOT, part), join(folder, part));
  for (const edit of mutant?.edits ?? []) {
    const path = join(folder, edit.file);
    writeFileSync(path, planted(readFileSync(path, "utf8"), edit));
  }
  return folder;
}
