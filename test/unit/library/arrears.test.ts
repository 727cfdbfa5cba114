// Being in arrears has no consequence but the debt (Civil Code art. 944: utilities are never cut to collect fees): whoever cuts
// something off would have to know the arrears, and no document of the library may.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ContractDocument } from "../../../src/contracts/document.ts";
import { Findings } from "../../../src/contracts/finding.ts";
import { parseDocument } from "../../../src/contracts/parse-document.ts";

const LIBRARY = new URL("../../../src/contracts/library/", import.meta.url);

function documents(): readonly ContractDocument[] {
  const names = readdirSync(LIBRARY).filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"));
  return names.flatMap((name) => {
    const source = readFileSync(new URL(name, LIBRARY), "utf8");
    return parseDocument(source, new Findings(source)) ?? [];
  });
}

test("L255: no document reads bills or arrears; fees calls the return of an overcharge and the use of a bank's reference only", () => {
  const all = documents();
  expect(all.length).toBeGreaterThan(10);
  for (const { name, imports, importedActions } of all) {
    const known = [...imports, ...importedActions].map((imported) => imported.contract.text);
    if (name.text !== "fees") expect([name.text, known.includes("fees")]).toEqual([name.text, false]);
  }
  const fees = all.find(({ name }) => name.text === "fees");
  expect(fees?.importedActions.map(({ contract, action }) => `${contract.text}.${action.text}`)).toEqual([
    "registry.use_bank_reference",
    "device-repair.return_fee",
  ]);
  // What fees itself can do is about money alone: whoever adds an action comes by here.
  expect(fees?.actions.map(({ name }) => name.text)).toEqual([
    "adopt_tariff",
    "adopt_late_fee",
    "open_run",
    "bill",
    "hand_over",
    "close_run",
    "become_overdue",
    "confirm_payment",
    "settle",
    "waive",
    "correct_paid_bill",
    "dispute",
    "end_dispute",
    "ask_refund",
    "confirm_refund",
    "return_refund",
  ]);
});
