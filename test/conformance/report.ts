// The table of a run: each section with the ways its cases went, what is left out and why, and why cases need the test profile.
// It counts and words; it runs nothing twice.

import { LEFT_OUT, type Section } from "./cases.ts";
import { type CaseReport, runCase, type Way } from "./run-case.ts";

export interface SectionReport {
  readonly name: string;
  readonly size: number;
  readonly ways: Readonly<Record<Way, number>>;
  readonly leftOut: number;
  readonly failures: readonly CaseReport[];
}

export interface Report {
  readonly sections: readonly SectionReport[];
  readonly cases: readonly CaseReport[];
}

/** Why the language of contracts refuses a case as it stands, by its first finding. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ["ARGUMENTS", "a function of contracts with arguments of another type"],
  ["EXPRESSION_CHARACTER", "a name in backticks"],
  ["EXPRESSION_SYNTAX", "a message literal, or a name with a leading dot"],
  ["FIELD_UNKNOWN", "a field of a value that has none, to fail when it runs"],
  ["FRACTION_NOT_ALLOWED", "a double"],
  ["FUNCTION_UNKNOWN", "a function that contracts do not have: dyn, type, double, timestamp, duration, matches, ..."],
  ["LIST_ALWAYS_EMPTY", "a macro or an index over []"],
  ["MAP_NOT_ALLOWED", "a map"],
  ["NAME_UNKNOWN", "a type as a value, or a name that is not declared, to fail when it runs"],
  ["NOT_DECLARABLE", "a container, a declared function, or a variable of a type that contracts do not have"],
  ["TYPE_MISMATCH", "null as a value, a list of several types, or an operand of a wrong type, to fail when it runs"],
  ["UNSIGNED_NOT_ALLOWED", "an unsigned integer"],
  ["VALUE_UNKNOWN", "two texts compared that are known to differ"],
]);

export function runSections(sections: readonly Section[]): Report {
  const reports = sections.map(({ name, leftOut, cases }) => ({ name, leftOut, cases: cases.map(runCase) }));
  return {
    cases: reports.flatMap(({ cases }) => cases),
    sections: reports.map(({ name, leftOut, cases }) => {
      const passed = cases.filter(({ failure }) => failure === undefined);
      const count = (way: Way) => passed.filter((report) => report.way === way).length;
      return {
        name,
        size: cases.length + leftOut.length,
        ways: { contract: count("contract"), parameters: count("parameters"), profile: count("profile") },
        leftOut: leftOut.length,
        failures: cases.filter(({ failure }) => failure !== undefined),
      };
    }),
  };
}

export function totals({ sections }: Report) {
  const sum = (value: (section: SectionReport) => number) =>
    sections.reduce((total, section) => total + value(section), 0);
  return {
    passed: sum(({ ways }) => ways.contract + ways.parameters + ways.profile),
    failed: sum(({ failures }) => failures.length),
    leftOut: sum(({ leftOut }) => leftOut),
    ways: {
      contract: sum(({ ways }) => ways.contract),
      parameters: sum(({ ways }) => ways.parameters),
      profile: sum(({ ways }) => ways.profile),
    },
  };
}

const HEADINGS = ["section", "cases", "contracts", "parameters", "test profile", "left out", "failed"] as const;

function row(cells: readonly (string | number)[]): string {
  return cells
    .map((cell, index) => {
      const width = index === 0 ? 16 : (HEADINGS[index]?.length ?? 0) + 1;
      return index === 0 ? String(cell).padEnd(width) : String(cell).padStart(width);
    })
    .join(" ");
}

/** Everything up to the last line, which counts. */
export function tableOf(report: Report): readonly string[] {
  const sum = totals(report);
  const lines = report.sections.map(({ name, size, ways, leftOut, failures }) => {
    const counts = row([name, size, ways.contract, ways.parameters, ways.profile, leftOut, failures.length]);
    return leftOut > 0 ? `${counts}  ${LEFT_OUT.get(name) ?? "NO REASON GIVEN"}` : counts;
  });
  const { contract, parameters, profile } = sum.ways;
  const all = sum.passed + sum.failed + sum.leftOut;
  return [
    row(HEADINGS),
    ...lines,
    row(["all", all, contract, parameters, profile, sum.leftOut, sum.failed]),
    "",
    "left out: the language of contracts accepts no expression of these sections.",
    "contracts: accepted as it stands by the language of contracts, with the result of cel-spec.",
    "parameters: accepted once its literals are parameters, so that the checker knows no values.",
    "test profile: needs something that contracts do not have. Every case of the other columns passes in the profile too.",
    "",
    ...profileLines(report),
    ...failureLines(report),
  ];
}

function profileLines({ cases }: Report): readonly string[] {
  const inProfile = cases.filter(({ way }) => way === "profile");
  const byRefusal = new Map<string, number>();
  for (const { refusal = "" } of inProfile) byRefusal.set(refusal, (byRefusal.get(refusal) ?? 0) + 1);
  const reasons = [...byRefusal].sort(([, left], [, right]) => right - left);
  const nodes = (kind: "own" | "foreign") => inProfile.reduce((total, report) => total + report.nodes[kind], 0);
  const [own, foreign] = [nodes("own"), nodes("foreign")];
  return [
    "Why cases need the test profile (the first finding of the language of contracts):",
    ...reasons.map(
      ([code, count]) => `${String(count).padStart(6)}  ${code}: ${REFUSALS.get(code) ?? "NO REASON GIVEN"}`,
    ),
    `Of the ${own + foreign} nodes of these cases ${own} are typed by the rules of contracts, ${foreign} are operations of the profile.`,
    "",
  ];
}

function failureLines({ sections }: Report): readonly string[] {
  return sections.flatMap(({ name, failures }) =>
    failures.map(({ test, failure }) => `FAILED ${name}/${test.name}: ${test.expression}: ${failure}`),
  );
}
