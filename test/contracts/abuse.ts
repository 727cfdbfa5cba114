// `npm run abuse [-- NAME...]`: every abuse that a test of the library tries, with the sentence that refused it; ends with
// `N refused, M got through`. A test is one of abuse when its name begins with "abuse:".

import { type LibraryDocument, libraryDocuments } from "./library-files.ts";

const BEGINNING = "abuse:";

interface Attempts {
  readonly refused: number;
  readonly through: number;
}

function show({ name: contract, tests }: LibraryDocument): Attempts {
  let [refused, through] = [0, 0];
  for (const { name, line, problem, refusals } of tests.filter(({ name: test }) => test.startsWith(BEGINNING))) {
    console.log(`${contract}: ${name.slice(BEGINNING.length).trim()}`);
    for (const { action, as, ruleId, sentence } of refusals) {
      console.log(`  ${as === "" ? "" : `${as}: `}${action}, refused by ${ruleId}`);
      console.log(`    ${sentence.zh}`);
      console.log(`    ${sentence.en}`);
    }
    refused += refusals.length;
    if (problem !== undefined) {
      through += 1;
      console.log(`  GOT THROUGH (line ${line}): ${problem}`);
    } else if (refusals.length === 0)
      console.log(`  cannot be refused: what the ledger does about it instead, line ${line} of its tests`);
  }
  return { refused, through };
}

const wanted = process.argv.slice(2);
const documents = await libraryDocuments(wanted);
const unknown = wanted.filter((name) => !documents.some((document) => document.name === name));
if (unknown.length > 0) {
  console.error(`no such document in the library: ${unknown.join(", ")}`);
  process.exit(2);
}
const totals = documents.map(show);
const [refused, through] = (["refused", "through"] as const).map((key) =>
  totals.reduce((sum, attempts) => sum + attempts[key], 0),
) as [number, number];
console.log(`${refused} refused, ${through} got through`);
process.exitCode = through === 0 && refused > 0 ? 0 : 1;
