// The worst case of every part of two documents that use the whole language, against recorded figures: a formula that changes shows here.
// What changed on purpose is recorded anew by UPDATE_COSTS=1, and is a new version of the language.

import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { LIMITED } from "../../../src/contracts/usage.ts";
import { worstCaseOf } from "../../../src/contracts/worst-case.ts";
import { document } from "./support.ts";

const RECORDED = new URL("golden/worst-cases.json", import.meta.url);
const SOURCES = [
  document("desk.yaml"),
  readFileSync(new URL("../../rules/determinism.yaml", import.meta.url), "utf8"),
  ...["costs.yaml", "governance.yaml", "registry.yaml"].map(document),
];

it("R245: the worst case of every part of an action is the recorded one, in every dimension", () => {
  const costs = SOURCES.flatMap((source) => {
    const { contract, findings } = checkContract(source);
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    return (contract?.actions ?? []).flatMap((action) =>
      worstCaseOf(action).parts.map(
        ({ part, usage }) =>
          `${contract?.name} ${action.name.text} ${part}: ${[usage.units, ...LIMITED.map((one) => usage[one])].join(" ")}`,
      ),
    );
  });
  if (process.env.UPDATE_COSTS === "1") writeFileSync(RECORDED, `${JSON.stringify(costs, undefined, 2)}\n`);
  expect(costs).toEqual(JSON.parse(readFileSync(RECORDED, "utf8")));
});
