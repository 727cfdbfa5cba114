// `npm run contracts [-- NAME...]`: checks, tests and costs every document of the library; ends with `N passed, 0 failed`.
// `--roles` also writes docs/roles.md, the table of who may call what.

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type LibraryDocument, libraryDocuments } from "./library-files.ts";
import { ROLES_PAGE, rolesPage } from "./roles.ts";

const { values, positionals } = parseArgs({
  options: { roles: { type: "boolean", default: false } },
  allowPositionals: true,
});

/** What failed of a document, a line each; and how many things were looked at. An action above the cap is a finding: GAS_TOO_HIGH. */
function judge({ name, findings, tests, costs }: LibraryDocument): {
  readonly looked: number;
  readonly faults: readonly string[];
} {
  const faults = [
    ...findings.map(({ line, code, message }) => `${name}:${line}: ${code}: ${message}`),
    ...tests.flatMap(({ line, problem, name: test }) =>
      problem === undefined ? [] : [`${name} test, line ${line} (${test}): ${problem}`],
    ),
  ];
  return { looked: 1 + tests.length + costs.length, faults };
}

function lineOf({ name, findings, tests, coverage, costs }: LibraryDocument): string {
  const dearest = [...costs].sort((left, right) => right.gas - left.gas)[0];
  return [
    name.padEnd(20),
    `${findings.length} findings`.padStart(12),
    `${tests.length} tests`.padStart(10),
    `${coverage.reached}/${coverage.total} reached`.padStart(17),
    dearest === undefined ? "" : `  dearest ${dearest.action}: ${dearest.gas} units`,
  ].join("");
}

const documents = await libraryDocuments(positionals);
const unknown = positionals.filter((name) => !documents.some((document) => document.name === name));
if (unknown.length > 0) {
  console.error(`no such document in the library: ${unknown.join(", ")}`);
  process.exit(2);
}
let [looked, failed] = [0, 0];
for (const document of documents) {
  console.log(lineOf(document));
  const { looked: count, faults } = judge(document);
  for (const fault of faults) console.log(`  ${fault}`);
  looked += count;
  failed += faults.length;
}
if (values.roles) await writeFile(ROLES_PAGE, rolesPage(documents));
console.log(`${Math.max(0, looked - failed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
