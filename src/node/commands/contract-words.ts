// `linli contract render`, `diff` and `explain`: what documents mean, for people who decide about them.
// Prints; it writes no file.

import { toHtml, toMarkdown } from "../../contracts/blocks.ts";
import { diffContracts } from "../../contracts/diff.ts";
import { renderContract } from "../../contracts/render.ts";
import { LANGUAGES, type Language } from "../../contracts/words.ts";
import { sound, type WithOption } from "./contract.ts";
import { loadDocument } from "./contract-files.ts";
import { printRemark } from "./output.ts";

export interface LanguageOption {
  /** undefined: both, one after the other */
  readonly language: Language | undefined;
}

export async function renderDocument(
  path: string,
  options: WithOption & LanguageOption & { readonly html: boolean },
): Promise<void> {
  const { file, set } = await loadDocument(path, options.with);
  const source = sound(set.check(file));
  const rendered = languagesOf(options).map((language) => renderContract(source, language));
  const blocks = rendered.flatMap(({ blocks: own }, index) =>
    index === 0 ? own : [{ kind: "rule" as const }, ...own],
  );
  process.stdout.write(options.html ? toHtml(blocks, { title: source.checked.title.zh }) : toMarkdown(blocks));
  const missing = [...new Set(rendered.flatMap((one) => one.missing))].sort();
  if (missing.length > 0) printRemark(`no words for: ${missing.join(", ")}; give them in words: or title:`);
}

/** @returns whether the upgrade would be accepted */
export async function diffDocuments(
  paths: { readonly before: string; readonly after: string },
  options: WithOption & LanguageOption,
): Promise<boolean> {
  const [before, after] = await Promise.all([
    loadDocument(paths.before, options.with),
    loadDocument(paths.after, options.with),
  ]);
  const sources = { before: sound(before.set.check(before.file)), after: sound(after.set.check(after.file)) };
  const differences = languagesOf(options).map((language) => diffContracts(sources, language));
  process.stdout.write(toMarkdown(differences.flatMap(({ blocks }) => blocks)));
  return differences.every(({ isAccepted }) => isAccepted);
}

function languagesOf({ language }: LanguageOption): readonly Language[] {
  return language === undefined ? LANGUAGES : [language];
}
