// A row by the names of its columns, both proved: the values by the state, the names by the contract's own text on the ledger.
// Never takes a node's word for what a column is called or what a key is made of. Sends nothing.

import type { LinliClient, RowQuery, StateAnswer } from "../client/client.ts";
import { systemShape } from "../contracts/check-context.ts";
import type { TableShape } from "../contracts/scope.ts";
import { LEDGER_CONTRACT } from "../contracts/system.ts";
import { membership } from "../contracts/types.ts";
import { LedgerError } from "../errors.ts";
import { type ValueJson, valueToJson } from "../ledger/value-json.ts";
import { deployed, provedRows } from "./rule-pack-standing.ts";

export type StateReader = Pick<LinliClient, "stateGet">;

export interface NamedAnswer {
  readonly answer: StateAnswer;
  /** undefined: proved that there is no such row, of a key that the table can have */
  readonly fields: Readonly<Record<string, ValueJson>> | undefined;
}

/** Asked for and compiled once for all rows that a command reads. */
const textsOf = new WeakMap<StateReader, Map<string, ReturnType<typeof deployed>>>();

/**
 * N260: one row with its proof. A key that the table cannot have is absent whatever stands in the table, and two columns of one type look alike.
 * @throws LedgerError the node's refusal, `PROOF_REFUSED`
 */
export async function provedFields(client: StateReader, query: RowQuery): Promise<NamedAnswer> {
  const answer = await client.stateGet(query);
  const table = await provedTable(client, query, answer.height);
  if (table === undefined) throw refused("PROOF_TABLE_UNKNOWN");
  const keyColumns = table.columns.slice(0, table.keyLength);
  const isKey =
    query.key.length === keyColumns.length &&
    keyColumns.every(({ type }, index) => membership(type)(query.key[index] ?? null));
  if (!isKey) throw refused("PROOF_KEY_OF_NO_ROW");
  if (answer.row === undefined) return { answer, fields: undefined };
  const columns = table.columns.slice(table.keyLength);
  const { values } = answer.row;
  if (values.length > columns.length) throw refused("PROOF_ROW_SHAPE");
  const fields = Object.fromEntries(values.map((value, index) => [columns[index]?.name, valueToJson(value)]));
  return { answer, fields };
}

async function provedTable(
  client: StateReader,
  { contract, table }: RowQuery,
  height: number,
): Promise<TableShape | undefined> {
  if (contract === LEDGER_CONTRACT) return systemShape(contract, table);
  const known = textsOf.get(client) ?? new Map<string, ReturnType<typeof deployed>>();
  textsOf.set(client, known);
  const text = known.get(contract) ?? deployed(contract, provedRows(client), height + 1);
  known.set(contract, text);
  const inForce = await text;
  return inForce?.checked.tables.find(({ name }) => name === table);
}

function refused(reason: string): LedgerError {
  return new LedgerError(
    "PROOF_REFUSED",
    { reason },
    { remedy: "do not trust this node's answer; ask another node, and tell both operators" },
  );
}
