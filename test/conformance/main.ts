// `npm run conformance`: the simple tests of cel-spec, as a table; the last line counts, and the exit code is 1 if one failed.
// What runs and what is left out stands in cases.ts.

import { loadSections } from "./cases.ts";
import { runSections, tableOf, totals } from "./report.ts";

const report = runSections(loadSections());
const { passed, failed, leftOut } = totals(report);
for (const line of tableOf(report)) console.log(line);
console.log(`${passed} passed, ${failed} failed, ${leftOut} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
