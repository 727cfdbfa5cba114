// The words of `linli ballot`: what is asked for and what an example looks like. What it does stands in ballot.ts.
// Loads nothing but words.

import type { Command } from "../../main.ts";

const load = () => import("./ballot.ts");

/** @param asking adds the options of a command that asks a node */
export function addBallot(linli: Command, asking: (command: Command) => Command): void {
  const ballot = linli
    .command("ballot")
    .description("sealed ballots of owners' votes: keys of key organisations, sealing, opening (docs/adr/0030)");
  ballot
    .command("key <motion>")
    .description("make a key organisation's key of a motion; prints the arguments of offer_key")
    .requiredOption("--out <file>", "where to keep the secret key until voting has closed")
    .addHelpText("after", "\nExample:\n  linli ballot key lifts-1 --out lifts-1.key\n")
    .action(async (motion: string, options) => (await load()).makeBallotKey(motion, options));
  asking(ballot.command("seal <motion> <head> <choice>"))
    .description("seal a choice (for, against, abstain); prints the arguments of vote")
    .requiredOption("--text <file>", "the text that the voter read: it must be the published one")
    .addHelpText("after", "\nExample:\n  linli ballot seal lifts-1 h1 for --text lifts-1.txt\n")
    .action(async (motion: string, head: string, choice: string, options) =>
      (await load()).sealForMotion({ motion, head, choice }, options),
    );
  asking(ballot.command("open <motion>"))
    .description("open all ballots with the keys that are published, and hand the openings in")
    .requiredOption("--key <file>", "key file of the account that signs: anybody may open")
    .addHelpText("after", "\nExample:\n  linli ballot open lifts-1 --key clerk.key\n")
    .action(async (motion: string, options) => (await load()).openMotion(motion, options));
}
