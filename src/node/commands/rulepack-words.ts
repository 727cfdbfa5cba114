// The words of `linli rulepack`: what is asked for and what an example looks like. What it does stands in rulepack.ts.
// Loads nothing but words.

import type { Command } from "../../main.ts";

export function addRulePack(linli: Command): void {
  linli
    .command("rulepack")
    .description("rule packs: the numbers that law sets for a place, each for a setting of a contract")
    .command("check <file>")
    .description("does every number name a setting of the library and fit it, and which ones differ from the documents")
    .addHelpText("after", "\nExample:\n  linli rulepack check config/rulepacks/hangzhou.yaml\n")
    .action(async (file: string) => (await import("./rulepack.ts")).checkRulePack(file));
}
