// Reads the ledger through the organisations' nodes: proved single rows, and lists of rows that only guide what to send.
// Never takes a node's list for a fact: what counts is read again with its proof.

import { setTimeout as pause } from "node:timers/promises";
import type { UnprovedRow } from "../../client/client.ts";
import { LedgerError } from "../../errors.ts";
import type { Value } from "../../ledger/codec.ts";
import type { ValueJson } from "../../ledger/value-json.ts";
import type { DayNode } from "./sender.ts";

export type RowFields = Readonly<Record<string, ValueJson>>;

const PAGE_ROWS = 500;
const READ_PAUSE_MS = 200;
const READ_ATTEMPTS_MAX = 150;
/** There is nothing to read yet: as good as an empty table. */
const EMPTY_CODES: ReadonlySet<string> = new Set(["CONTRACT_UNKNOWN", "NO_BLOCK_YET"]);

export class LedgerReader {
  private readonly nodes: readonly DayNode[];

  constructor(nodes: readonly DayNode[]) {
    this.nodes = nodes;
  }

  /** All rows of a table, unproved, by their key's values joined with line ends. */
  async rows(contract: string, table: string): Promise<ReadonlyMap<string, RowFields>> {
    const rows = new Map<string, RowFields>();
    let after: string | undefined;
    do {
      const page = await this.page(contract, table, after);
      for (const { key, fields } of page.rows) rows.set(Object.values(key).join("\n"), fields);
      after = page.next;
    } while (after !== undefined);
    return rows;
  }

  /** One proved row, its fields by name; undefined: proved to be absent. */
  async row(contract: string, table: string, key: readonly Value[]): Promise<RowFields | undefined> {
    return this.read(async ({ client }) => (await client.stateGet({ contract, table, key })).row?.fields, undefined);
  }

  /** Asks one node after another until one answers. */
  async read<T>(ask: (node: DayNode) => Promise<T>, empty: T): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask(this.nodes[attempt % this.nodes.length]!);
      } catch (error) {
        if (!(error instanceof LedgerError) || error.code === "PROOF_REFUSED") throw error;
        if (EMPTY_CODES.has(error.code)) return empty;
        if (attempt >= READ_ATTEMPTS_MAX) throw error;
        await pause(READ_PAUSE_MS);
      }
    }
  }

  private page(
    contract: string,
    table: string,
    after: string | undefined,
  ): Promise<{ readonly rows: readonly UnprovedRow[]; readonly next: string | undefined }> {
    return this.read(({ client }) => client.stateList({ contract, table, after, limit: PAGE_ROWS }), {
      height: 0,
      rows: [],
      next: undefined,
    });
  }
}
