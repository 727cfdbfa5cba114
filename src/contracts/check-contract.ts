// The whole check of a contract document: sections in the order in which they may refer to each other.
// Gives the checked contract only when no error was found; findings in any case.

import { ACCOUNTS_MAX, accountsOverlap } from "./accounts.ts";
import { analyseContract } from "./analyse-contract.ts";
import { checkAction, checkSignature } from "./check-action.ts";
import { ACCOUNT_NAME, CheckContext } from "./check-context.ts";
import { checkImport, checkImportedAction, type ImportSource } from "./check-import.ts";
import { checkSettings, checkSystemTables, checkTable } from "./check-table.ts";
import { checkWords } from "./check-words.ts";
import type { CheckedContract } from "./checked.ts";
import type { ContractDocument, MigrationDocument, Name, Sentence } from "./document.ts";
import { type Finding, Findings, type Offset } from "./finding.ts";
import { parseDocument } from "./parse-document.ts";
import { LEDGER_CONTRACT, SETTINGS_OF_CONTRACT_MAX } from "./system.ts";
import { membership, typeName } from "./types.ts";
import { droppedName, type Migration } from "./upgrade.ts";

const TABLES_MAX = 64;
const ACTIONS_MAX = 128;
const IMPORTS_MAX = 32;

export interface CheckOutcome {
  readonly findings: readonly Finding[];
  /** undefined when a finding is an error */
  readonly contract: CheckedContract | undefined;
  /** 1-based line of an offset into the source */
  readonly lineOf: (at: number) => number;
}

/** @param imports the tables of other contracts; without a contract its declaration in this document is believed */
export function checkContract(source: string, imports: ImportSource = () => undefined): CheckOutcome {
  const findings = new Findings(source);
  const document = parseDocument(source, findings);
  const contract = document && checkDocument(document, findings, imports);
  return {
    findings: findings.list(),
    contract: findings.hasErrors ? undefined : contract,
    lineOf: (at) => findings.lineOf(at),
  };
}

function checkDocument(document: ContractDocument, findings: Findings, imports: ImportSource): CheckedContract {
  const context = new CheckContext(document.name.text, findings);
  if (document.name.text === LEDGER_CONTRACT)
    findings.error(document.name.at, "NAME_RESERVED", `${LEDGER_CONTRACT} is the ledger itself`);
  checkCounts(document, context);
  checkAccounts(document.accounts, context);
  checkSettings(document.settings, context);
  for (const imported of document.imports) checkImport(imported, context, imports);
  for (const imported of document.importedActions) checkImportedAction(imported, context, imports);
  context.distinct(
    document.tables.map(({ name }) => name),
    "tables",
  );
  for (const table of document.tables) context.tables.set(table.name.text, checkTable(table, context));
  checkSystemTables(context);
  context.distinct(
    document.actions.map(({ name }) => name),
    "actions",
  );
  const signatures = new Map(
    document.actions.map((action) => [action.name.text, checkSignature(action, context)] as const),
  );
  const actions = document.actions.map((action) => checkAction(action, context, signatures));
  reportUnused(document, context);
  checkWords(document, context, actions);
  const contract: CheckedContract = {
    name: document.name.text,
    title: titleOf(document.title),
    imports: [...new Set([...document.imports, ...document.importedActions].map(({ contract }) => contract.text))],
    accounts: context.accounts,
    settings: context.settings,
    migration: checkMigration(document.migration, context),
    tables: [...context.tables.values()],
    actions,
  };
  // Of parts that are broken nothing is certain.
  if (!findings.hasErrors) analyseContract(contract, document.accounts, findings);
  return contract;
}

function checkAccounts(accounts: readonly Name[], context: CheckContext): void {
  const isName = membership(ACCOUNT_NAME);
  context.atMost(accounts.length, ACCOUNTS_MAX, { at: accounts[0]?.at ?? 0, what: "accounts" });
  for (const { text, at } of accounts.slice(0, ACCOUNTS_MAX)) {
    const overlap = accountsOverlap(context.accounts, [text]);
    if (!isName(text)) context.findings.error(at, "ACCOUNT_NAME", `an account is a ${typeName(ACCOUNT_NAME)}`);
    else if (overlap !== undefined)
      context.findings.error(at, "ACCOUNT_OVERLAP", `${text} and ${overlap.left} have accounts in common`);
    context.accounts.push(text);
  }
}

/** Names of the new version; those of the version before are compared at deployment. */
function checkMigration(migration: MigrationDocument, context: CheckContext): Migration {
  const requireColumn = (table: Name, column: string, at: Offset) => {
    const names = context.tables.get(table.text)?.columns.map(({ name }) => name);
    if (names === undefined)
      context.findings.error(table.at, "TABLE_UNKNOWN", `this contract has no table ${table.text}`, [
        ...context.tables.keys(),
      ]);
    else if (!names.includes(column))
      context.findings.error(at, "FIELD_UNKNOWN", `table ${table.text} has no ${column}`, names);
  };
  for (const { table, to } of migration.renames) requireColumn(table, to.text, to.at);
  for (const { table, field } of migration.drops) requireColumn(table, droppedName(field.text), field.at);
  for (const { text, at } of migration.settings) {
    if (context.settings.some(({ name }) => name === text))
      context.findings.error(at, "SETTING_KEPT", `${text} is still a setting of this version`);
  }
  return {
    renames: migration.renames.map(({ table, from, to }) => ({ table: table.text, from: from.text, to: to.text })),
    drops: migration.drops.map(({ table, field }) => ({ table: table.text, field: field.text })),
    settings: migration.settings.map(({ text }) => text),
  };
}

function checkCounts(document: ContractDocument, context: CheckContext): void {
  const { at } = document.name;
  context.atMost(document.tables.length, TABLES_MAX, { at, what: "tables" });
  context.atMost(document.actions.length, ACTIONS_MAX, { at, what: "actions" });
  context.atMost(document.imports.length, IMPORTS_MAX, { at, what: "imported tables" });
  context.atMost(document.importedActions.length, IMPORTS_MAX, { at, what: "imported actions" });
  context.atMost(document.settings.length, SETTINGS_OF_CONTRACT_MAX, { at, what: "settings" });
}

/** Settings and imported tables that nothing reads, and a contract that does nothing. */
function reportUnused(document: ContractDocument, context: CheckContext): void {
  if (!context.findings.hasErrors) {
    for (const { name } of document.settings)
      if (!context.usedSettings.has(`settings.${name.text}`))
        context.findings.warning(name.at, "UNUSED", `the setting ${name.text} is never used`);
    for (const { contract, table } of document.imports)
      if (!context.usedImports.has(`${contract.text}.${table.text}`))
        context.findings.warning(table.at, "UNUSED", `the imported table ${contract.text}.${table.text} is never used`);
  }
  if (document.actions.length === 0)
    context.findings.error(document.name.at, "ACTION_MISSING", "a contract has at least one action");
}

function titleOf(title: Sentence): CheckedContract["title"] {
  const plain = (template: Sentence["zh"] | undefined) =>
    template?.map((part) => (typeof part === "string" ? part : `{${part.text}}`)).join("");
  return { zh: plain(title.zh) ?? "", en: plain(title.en) };
}
