// Prints one hash over the results of all programs, and how many there were. Run under many settings by determinism.ts and its test;
// `--lines` prints the results themselves, to find the first that differs.

import { createHash } from "node:crypto";
import { EXPRESSIONS, results, TRANSACTIONS } from "./programs.ts";

const hash = createHash("sha256");
const isVerbose = process.argv.includes("--lines");
for (const line of results()) {
  hash.update(`${line}\n`);
  if (isVerbose) console.log(line);
}
if (!isVerbose) console.log(`${hash.digest("hex")} ${EXPRESSIONS + TRANSACTIONS} programs`);
