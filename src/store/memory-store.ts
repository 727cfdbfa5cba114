// A key-value store in memory behind the same port as LevelDB's, for tests and the simulator.
// Never persists: it models what a disk keeps (`losePower`), and nothing else.

import { LedgerError } from "../errors.ts";
import { compareBytes, toHex } from "../ledger/hash.ts";
import type { KeyRange, KeyValueReader, KeyValueSnapshot, KeyValueStore, WriteOperation } from "../ports.ts";

type Row = readonly [key: Uint8Array, value: Uint8Array];
/** by key in hexadecimal; never changed once a snapshot shares it */
type Rows = Map<string, Row>;

export class MemoryStore implements KeyValueStore {
  #rows: Rows = new Map();
  /** as it was after the last synced write */
  #durable: Rows = this.#rows;
  #isShared = false;
  #isClosed = false;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#current().get(toHex(key))?.[1];
  }

  async scan(range: KeyRange): Promise<readonly Row[]> {
    return scanRows(this.#current(), range);
  }

  async write(operations: Iterable<WriteOperation>, options: { readonly sync: boolean }): Promise<void> {
    this.#current();
    if (this.#isShared || this.#rows === this.#durable) this.#rows = new Map(this.#rows);
    this.#isShared = false;
    for (const operation of operations) {
      const name = toHex(operation.key);
      if (operation.kind === "delete") this.#rows.delete(name);
      else this.#rows.set(name, [operation.key.slice(), operation.value.slice()]);
    }
    if (options.sync) this.#durable = this.#rows;
  }

  snapshot(): KeyValueSnapshot {
    const rows = this.#current();
    this.#isShared = true;
    const reader: KeyValueReader = {
      get: (key) => rows.get(toHex(key))?.[1],
      scan: async (range) => scanRows(rows, range),
    };
    return { ...reader, release: async () => undefined };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  /** What a new process finds after power was lost: every write up to the last synced one, nothing after it. */
  losePower(): MemoryStore {
    const survivor = new MemoryStore();
    survivor.#rows = new Map(this.#durable);
    survivor.#durable = survivor.#rows;
    this.#isClosed = true;
    return survivor;
  }

  #current(): Rows {
    if (this.#isClosed) throw new LedgerError("STORE_CLOSED");
    return this.#rows;
  }
}

function scanRows(rows: Rows, range: KeyRange): readonly Row[] {
  const found = [...rows.values()]
    .filter(([key]) => compareBytes(key, range.from) >= 0 && compareBytes(key, range.to) < 0)
    .sort(([left], [right]) => compareBytes(left, right));
  if (range.reverse === true) found.reverse();
  return found.slice(0, range.limit);
}
