// The layouts of the tables that the host reads and writes, made once. A contract's own, longer layout begins with the same columns.

import { invariant } from "../assert.ts";
import { systemShape } from "./check-context.ts";
import { RowLayout } from "./row-layout.ts";
import { GOVERNANCE_CONTRACT, LEDGER_CONTRACT, REGISTRY_CONTRACT } from "./system.ts";

function layout(contract: string, table: string): RowLayout {
  const shape = systemShape(contract, table);
  invariant(shape !== undefined, "R4: every table the host uses is declared in system.ts");
  return new RowLayout(shape);
}

export const MONEY = layout(LEDGER_CONTRACT, "money");
export const TIMERS = layout(LEDGER_CONTRACT, "timer");
export const VERSIONS = layout(LEDGER_CONTRACT, "version");
export const CATALOGUE = layout(LEDGER_CONTRACT, "catalogue");
export const ACCOUNTS = layout(REGISTRY_CONTRACT, "account");
export const ORGANISATIONS = layout(GOVERNANCE_CONTRACT, "organisation");
export const SEATS = layout(GOVERNANCE_CONTRACT, "seat");
export const ROSTER = layout(GOVERNANCE_CONTRACT, "roster");
export const PARAMETERS = layout(GOVERNANCE_CONTRACT, "parameter");
export const CONTRACTS = layout(GOVERNANCE_CONTRACT, "contract");
export const SOURCES = layout(GOVERNANCE_CONTRACT, "source");
export const SETTINGS = layout(GOVERNANCE_CONTRACT, "setting");
export const OBSERVERS = layout(GOVERNANCE_CONTRACT, "observer");
export const STOPS = layout(GOVERNANCE_CONTRACT, "stop");
