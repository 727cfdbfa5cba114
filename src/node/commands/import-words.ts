// The words of `linli import`: what is asked for and what an example looks like. What it does stands in import.ts.
// Loads nothing but words.

import type { Command } from "../../main.ts";

const EXAMPLE = `
Example, three times with the same files, by two people of two organisations:
  linli import register/ --community linli --dry-run
  linli import register/ --community linli --key registrar.key
  linli import register/ --community linli --key officer.key --digest 5f0c...
  linli import register/ --community linli --key registrar.key
`;

/** @param asking adds the options of a command that asks a node */
export function addImport(linli: Command, asking: (command: Command) => Command): void {
  asking(linli.command("import <path>"))
    .description(
      "registers from CSV files or an .xlsx workbook, signed by two people (docs/community.md); does what is next",
    )
    .requiredOption("--community <id>", "community whose register it is")
    .option("--dry-run", "only say what would change, and the digest that both signers see", false)
    .option("--key <file>", "key file of the account that uploads, signs or takes over")
    .option("--digest <hex>", "the digest of your own dry run, to sign as the second person")
    .addHelpText("after", EXAMPLE)
    .action(async (path: string, options) => (await import("./import.ts")).importRegisters(path, options));
}
