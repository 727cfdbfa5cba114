// The words of `linli rulepack`: what is asked for and what an example looks like. What it does stands in rulepack.ts.
// Loads nothing but words.

import type { Command } from "../../main.ts";

const PROPOSE_EXAMPLE = `
Example, by one organisation after the other with the same file; the last one puts the numbers into force:
  linli rulepack diff config/rulepacks/hangzhou.yaml
  linli rulepack propose config/rulepacks/hangzhou.yaml --key admin.key
`;

/** @param asking adds the options of a command that asks a node */
export function addRulePack(linli: Command, asking: (command: Command) => Command): void {
  const rulepack = linli
    .command("rulepack")
    .description("rule packs: the numbers that law sets for a place, each for a setting of a contract");
  rulepack
    .command("check <file>")
    .description("does every number name a setting of the library and fit it, and which ones differ from the documents")
    .addHelpText("after", "\nExample:\n  linli rulepack check config/rulepacks/hangzhou.yaml\n")
    .action(async (file: string) => (await import("./rulepack.ts")).checkRulePack(file));
  asking(rulepack.command("diff <file>"))
    .description("what differs from what is in force on a ledger, with the clause of law, proved")
    .addHelpText("after", "\nExample:\n  linli rulepack diff config/rulepacks/hangzhou.yaml\n")
    .action(async (file: string, options) => (await import("./rulepack.ts")).diffRulePack(file, options));
  asking(rulepack.command("propose <file>"))
    .description("propose the numbers that differ to governance, approve those that others proposed, and enact them")
    .requiredOption("--key <file>", "key file of your organisation's administrator")
    .addHelpText("after", PROPOSE_EXAMPLE)
    .action(async (file: string, options) => (await import("./rulepack.ts")).proposeRulePack(file, options));
}
