// What the host itself reads from and writes to the tables of contracts: accounts, validators, parameters, code, settings.
// The documents `governance` and `registry` must declare these tables as written here, and may append fields with defaults.

/** Tables of the ledger itself; no document may take this name. */
export const LEDGER_CONTRACT = "ledger";
export const GOVERNANCE_CONTRACT = "governance";
export const REGISTRY_CONTRACT = "registry";

/** Role under which due timers run; accounts cannot hold it. */
export const TIMER_ROLE = "timer";
/** `by: [contract:fees]`: contract `fees` may call the action, whoever signed; accounts cannot hold such a role. */
export const CONTRACT_ROLE_PREFIX = "contract:";
/** Role that every registered account has. */
export const ANYONE_ROLE = "anyone";
/** Accounts of money outside the ledger (the bank's side): the only ones that may go below zero. */
export const OUTSIDE_PREFIX = "outside:";

/** A table as documents declare it: names and types of the key and of the fields, in order. */
export interface SystemTable {
  readonly key: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
}

export const SOURCE_BYTES_MAX = 131_072;

/**
 * The host writes `contract` and `source` (statement `deploy`) and, at genesis, all of them. Governance's own actions write the others:
 * - seats are numbered 0 to roster["main"].seats - 1 without gaps; the validators of the next height are exactly these rows;
 * - `parameter` has one row per name of PARAMETER_NAMES and PROTOCOL_ROWS;
 * - `setting` overrides the number of the same name in a contract's `settings`, from the next block on;
 * - `observer` names the peers that may follow without a seat;
 * - `stop` keeps every action of a contract from running while block time is before `until`, from the next block on (`stop.ts`).
 * After each transaction that wrote seat, roster, parameter or setting the host checks the outcome (`governance-rows.ts`)
 * and refuses the transaction when the next set or a value would be unusable.
 */
const SYSTEM_TABLES: Readonly<Record<string, Readonly<Record<string, SystemTable>>>> = {
  [GOVERNANCE_CONTRACT]: {
    organisation: { key: { id: "id" }, fields: { title: "text(256)", role: "text(64)" } },
    seat: {
      key: { index: "int(0..99)" },
      fields: { organisation: "id", suite: "int(1..255)", key: "bytes(32)", peer: "text(128)" },
    },
    roster: { key: { id: "text(8)" }, fields: { seats: "int(0..100)" } },
    parameter: { key: { name: "text(32)" }, fields: { value: "int" } },
    contract: {
      key: { name: "text(64)" },
      fields: { version: "count", source_hash: "bytes(32)", active_height: "count", previous_hash: "bytes(32)" },
    },
    source: { key: { hash: "bytes(32)" }, fields: { text: `text(${SOURCE_BYTES_MAX})` } },
    setting: { key: { contract: "text(64)", name: "text(64)" }, fields: { value: "int" } },
    observer: { key: { peer: "text(128)" }, fields: { organisation: "id", since: "time" } },
    stop: {
      key: { contract: "text(64)" },
      fields: {
        since: "time",
        until: "time",
        organisations: "list(id, 16)",
        proposal: "text(32)",
        reason: "text(256)",
      },
    },
  },
  [REGISTRY_CONTRACT]: {
    account: {
      key: { id: "id" },
      fields: {
        org: "id",
        roles: "list(text(64), 8)",
        suite: "int(1..255)",
        key: "bytes(32)",
        status: "enum(active,suspended,ended)",
      },
    },
  },
  [LEDGER_CONTRACT]: {
    /** names of all deployed contracts, in order */
    catalogue: { key: { id: "text(8)" }, fields: { names: "list(text(64), 256)" } },
    /** every version of every contract, by number from 1 on; those that were withdrawn are not here */
    version: {
      key: { contract: "text(64)", version: "count" },
      fields: { source_hash: "bytes(32)", active_height: "count" },
    },
    /** fen by account name; any contract may read it without an import */
    money: { key: { account: "text(128)" }, fields: { fen: "int" } },
    /** args: canonical CBOR of the pairs [name, value] in order of names */
    timer: {
      key: { contract: "text(64)", key: "text(128)" },
      fields: { at: "time", action: "text(64)", args: "bytes(4096)" },
    },
  },
};

/** Asked with names that authors chose: `constructor` and the like are no tables. */
export function systemTable(contract: string, table: string): SystemTable | undefined {
  const tables = Object.hasOwn(SYSTEM_TABLES, contract) ? SYSTEM_TABLES[contract] : undefined;
  return tables !== undefined && Object.hasOwn(tables, table) ? tables[table] : undefined;
}

export function systemTableNames(contract: string): readonly string[] {
  return Object.hasOwn(SYSTEM_TABLES, contract) ? Object.keys(SYSTEM_TABLES[contract] ?? {}) : [];
}

/** The key of the one row of governance's roster. */
export const ROSTER_KEY = "main";

/** The key of the one row of the ledger's catalogue. */
export const CATALOGUE_KEY = "main";
export const CONTRACTS_MAX = 256;
export const SETTINGS_OF_CONTRACT_MAX = 64;

/**
 * Rows of governance's table `parameter` that say which protocol is in force: `protocol` below the height, `next` from it on.
 * With both the same, no other is decided.
 */
export const PROTOCOL_ROWS = { protocol: "protocol", next: "next_protocol", height: "next_protocol_height" } as const;

/**
 * A version comes into force no sooner than this many heights after the block that decides it: those who run the nodes are warned
 * before, and a slip of the hand can be taken back.
 */
export const PROTOCOL_LEAD_HEIGHTS = 20;

/** Row names of the others, by the names of `Parameters`. */
export const PARAMETER_NAMES = {
  replayWindowMs: "replay_window_ms",
  clockSkewMsMax: "clock_skew_ms_max",
  rotationHeights: "rotation_heights",
  blockBytesMax: "block_bytes_max",
  blockTransactionsMax: "block_transactions_max",
  batchBytesMax: "batch_bytes_max",
  blockGasMax: "block_gas_max",
  timerGasMax: "timer_gas_max",
} as const;

export type AccountStatus = "active" | "suspended" | "ended";
