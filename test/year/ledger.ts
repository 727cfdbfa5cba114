// Reads what the ledger holds at the end, through the public API of the nodes: every row that a check looks at is proved against
// the genesis. Lists are the node's word; they only say whether there is a row that nobody expects.

import type { LinliClient } from "../../src/client/client.ts";
import type { Value } from "../../src/ledger/codec.ts";
import type { ValueJson } from "../../src/ledger/value-json.ts";

export type Fields = Readonly<Record<string, ValueJson>>;
const PAGE_ROWS = 500;
const READERS = 16;

export class Ledger {
  /** rows, or their absence, that were read with proof */
  proved = 0;
  private readonly clients: readonly LinliClient[];
  private turn = 0;

  constructor(clients: readonly LinliClient[]) {
    this.clients = clients;
  }

  /** One proved row by `contract.table`; undefined: proved to be absent. */
  async row(place: `${string}.${string}`, ...key: readonly Value[]): Promise<Fields | undefined> {
    const { contract, table } = partsOf(place);
    const { row } = await this.next().stateGet({ contract, table, key });
    this.proved += 1;
    return row?.fields;
  }

  /** All rows of a table as one node lists them: unproved. Keys joined with a slash. */
  async list(place: `${string}.${string}`): Promise<ReadonlyMap<string, Fields>> {
    const { contract, table } = partsOf(place);
    const rows = new Map<string, Fields>();
    const client = this.next();
    let after: string | undefined;
    do {
      const page = await client.stateList({ contract, table, after, limit: PAGE_ROWS });
      for (const { key, fields } of page.rows) rows.set(Object.values(key).join("/"), fields);
      after = page.next;
    } while (after !== undefined);
    return rows;
  }

  /** Does it for each item, several at a time. */
  async each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const all = [...items];
    let next = 0;
    const reader = async (): Promise<void> => {
      for (let index = next; index < all.length; index = next) {
        next += 1;
        await work(all[index] as T);
      }
    };
    await Promise.all(Array.from({ length: READERS }, reader));
  }

  private next(): LinliClient {
    this.turn += 1;
    const client = this.clients[this.turn % this.clients.length];
    if (client === undefined) throw new RangeError("no node to ask");
    return client;
  }
}

function partsOf(place: string): { readonly contract: string; readonly table: string } {
  const dot = place.indexOf(".");
  return { contract: place.slice(0, dot), table: place.slice(dot + 1) };
}
