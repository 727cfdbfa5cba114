// What an import would change: each of its rows against the register, read from the ledger with proof.
// Never takes a node's word: names of columns are this file's, values come from proved bytes. Sends nothing.

import type { LinliClient } from "../../client/client.ts";
import { LedgerError } from "../../errors.ts";
import type { Value } from "../../ledger/codec.ts";
import { valueToJson } from "../../ledger/value-json.ts";
import type { Register, RegisterFiles, RegisterRow } from "./register-rows.ts";
import { problemSentences, type TableProblem } from "./table-file.ts";

/** Asked at once: far below what a node allows one address. */
const OPEN_QUESTIONS = 8;
const ABSENT: Named = {};

type Named = Readonly<Record<string, Value>>;

/** The fields of the tables in the order of their declaration in src/contracts/library. */
export const PROVED_FIELDS = {
  "registry.community": [
    "title",
    "street",
    "firm",
    "committee",
    "bank",
    "residents",
    "developer",
    "units",
    "heads",
    "area",
    "revision",
  ],
  "registry.account": ["org", "roles", "suite", "key", "status"],
  "registry.building": ["community", "title", "floors"],
  "registry.head": ["community", "kind"],
  "registry.unit": ["community", "building", "use", "area", "status", "head"],
  "registry.device": ["community", "building", "kind", "gateway", "limit", "warranty_until"],
  "data-import.batch": [
    "community",
    "kind",
    "files",
    "by",
    "by_org",
    "signer",
    "signer_org",
    "rows",
    "left",
    "area",
    "area_left",
    "revision",
    "added",
    "same",
    "next",
    "at",
    "state",
  ],
} as const;

export interface Difference {
  /** revision of the titles with which it was compared */
  readonly revision: number;
  readonly added: readonly RegisterRow[];
  readonly same: number;
}

/** Reads one row with its proof; undefined: proved to be absent. */
export async function provedRow(
  client: Pick<LinliClient, "stateGet">,
  path: keyof typeof PROVED_FIELDS,
  key: Value,
): Promise<Named | undefined> {
  const [contract = "", table = ""] = path.split(".");
  const { row } = await client.stateGet({ contract, table, key: [key] });
  return row && Object.fromEntries(PROVED_FIELDS[path].map((name, index) => [name, row.values[index] ?? null]));
}

/**
 * Compares the rows with the register. A row that stands there otherwise cannot be imported: titles change by transfers.
 * @throws LedgerError `IMPORT_DIFFERS` with the first 20 problems; `PROOF_REFUSED`; what the node refuses
 */
export async function differenceOf(
  client: Pick<LinliClient, "stateGet">,
  community: string,
  { rows }: RegisterFiles,
): Promise<Difference> {
  const registered = await provedRow(client, "registry.community", community);
  const problems: TableProblem[] = [];
  const added = new Set<RegisterRow>();
  const known = new Set(rows.map(({ register, id }) => `${register} ${id}`));
  const references = new Map<string, { readonly to: Register; readonly id: string; readonly row: RegisterRow }>();
  if (registered === undefined)
    throw new LedgerError(
      "IMPORT_DIFFERS",
      { count: 1, problems: [`community ${community} is not registered`] },
      { remedy: "register it first (registry.add_community), or correct --community" },
    );
  for (const row of rows) {
    for (const to of ["building", "head"] as const) {
      const id = row.fields[to];
      if (typeof id === "string" && !known.has(`${to} ${id}`)) references.set(`${to} ${id}`, { to, id, row });
    }
  }
  await each(rows, async (row) => {
    const there = await standingRow(client, row);
    if (there === undefined) added.add(row);
    else problems.push(...faultsOf(row, { community, ...row.fields }, there));
  });
  await each([...references.values()], async ({ to, id, row }) => {
    const there = await provedRow(client, `registry.${to}`, id);
    if (there?.community !== community)
      problems.push(problemOf(row, `${to} ${id} is neither in the files nor in the register`, "add it"));
  });
  if (problems.length > 0)
    throw new LedgerError("IMPORT_DIFFERS", { count: problems.length, problems: problemSentences(problems) });
  return {
    revision: Number(registered.revision),
    added: rows.filter((row) => added.has(row)),
    same: rows.length - added.size,
  };
}

async function standingRow(client: Pick<LinliClient, "stateGet">, row: RegisterRow): Promise<Named | undefined> {
  const there = await provedRow(client, `registry.${row.register}`, row.id);
  if (row.register !== "head") return there;
  const account = await provedRow(client, "registry.account", row.id);
  // An account of that name that is no owner's stands in the way as much as a head with another key.
  return there === undefined && account === undefined ? undefined : { ...ABSENT, ...there, key: account?.key ?? null };
}

function faultsOf(row: RegisterRow, wanted: Named, there: Named): readonly TableProblem[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const [here, standing] = [value, there[name] ?? null].map((one) => JSON.stringify(valueToJson(one)));
    return here === standing
      ? []
      : [problemOf(row, `${name} of ${row.id} is ${here}, in the register ${standing}`, "an import changes nothing")];
  });
}

function problemOf({ file, line }: RegisterRow, cause: string, remedy: string): TableProblem {
  return { file, line, cause, remedy };
}

async function each<T>(items: readonly T[], ask: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[next]; item !== undefined; item = items[next]) {
      next += 1;
      await ask(item);
    }
  };
  await Promise.all(Array.from({ length: OPEN_QUESTIONS }, worker));
}
