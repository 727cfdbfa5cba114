// The catalogue of refusals that cross the RPC border: code, JSON-RPC number, cause and remedy, in one table.
// Whatever is not listed leaves as RPC_INTERNAL: no stack, no message and no data of an unlisted error gets out.

import { type ErrorData, LedgerError } from "../errors.ts";

/** JSON-RPC numbers. Below -32000 they are this node's own. */
export const RPC_NUMBERS = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  /** the transaction is refused at the door; nothing of it was kept */
  refused: -32001,
  /** what was asked for is not here */
  unknown: -32004,
  /** later, or slower */
  busy: -32010,
} as const;

export interface CatalogueEntry {
  readonly number: number;
  readonly cause: string;
  readonly remedy: string;
}

/** What a client gets to see of an error. */
export interface RpcErrorView {
  readonly code: number;
  readonly message: string;
  readonly data: {
    readonly code: string;
    readonly cause: string;
    readonly remedy: string;
    readonly details: ErrorData;
  };
}

const { parse, request, method, params, internal, refused, unknown, busy } = RPC_NUMBERS;

const entry = (number: number, cause: string, remedy: string): CatalogueEntry => ({ number, cause, remedy });

const INTERNAL = entry(
  internal,
  "The node failed to answer; the fault is on its side.",
  "Give the incident number to the node's operator, who finds it in the log.",
);

export const RPC_CATALOGUE: Readonly<Record<string, CatalogueEntry>> = Object.freeze({
  RPC_JSON_INVALID: entry(parse, "The body is not JSON in UTF-8.", "Send one JSON-RPC 2.0 object or an array of them."),
  RPC_JSON_TOO_DEEP: entry(
    parse,
    "The JSON is nested too deeply.",
    "No call needs more than a few levels; see rpc_discover.",
  ),
  RPC_JSON_TOO_MANY_ITEMS: entry(parse, "The JSON has too many items.", "Split the call into several."),
  RPC_BODY_TOO_LARGE: entry(
    request,
    "The request is larger than this node accepts.",
    "Split it, or raise rpc.bodyBytesMax in node.yaml.",
  ),
  RPC_MEDIA_TYPE: entry(
    request,
    "The content type is not application/json.",
    "Send the header content-type: application/json.",
  ),
  RPC_HTTP_INVALID: entry(
    request,
    "The HTTP request cannot be read.",
    "Send POST / with a JSON body, or open a WebSocket at /.",
  ),
  RPC_PATH_UNKNOWN: entry(
    request,
    "There is nothing at this address or for this HTTP method.",
    "Send POST / for JSON-RPC, or GET /health.",
  ),
  RPC_ORIGIN_REFUSED: entry(
    request,
    "A web page of this origin may not ask this node.",
    "Add the origin to rpc.corsOrigins in node.yaml.",
  ),
  RPC_REQUEST_INVALID: entry(
    request,
    "This is not a JSON-RPC 2.0 request.",
    'Send {"jsonrpc":"2.0","id":1,"method":"...","params":{...}} and nothing else.',
  ),
  RPC_BATCH_INVALID: entry(
    request,
    "The batch is empty or has too many requests.",
    "Send between 1 and the stated maximum of requests in one array.",
  ),
  RPC_NEEDS_WEBSOCKET: entry(
    request,
    "Subscriptions need a connection that stays open.",
    "Open a WebSocket at the same address and call it there.",
  ),
  RPC_METHOD_UNKNOWN: entry(method, "There is no such method.", "Call rpc_discover for the list of methods."),
  RPC_PARAMS_INVALID: entry(
    params,
    "The parameters do not fit the method.",
    "Compare them with the method's schema in rpc_discover; unknown fields are errors.",
  ),
  RPC_INTERNAL: INTERNAL,
  RPC_RATE_LIMITED: entry(
    busy,
    "Too many requests from this address or connection.",
    "Send more slowly; several transactions fit into one tx_sendMany.",
  ),
  RPC_TOO_MANY_CONNECTIONS: entry(
    busy,
    "Too many connections from this address, or to this node.",
    "Use one connection for many calls, and close those no longer needed.",
  ),
  RPC_TOO_MANY_OPEN_CALLS: entry(
    busy,
    "Too many calls of this address are still waiting for their answer.",
    "Wait for some of them before sending the next.",
  ),
  RPC_SLOW_CONSUMER: entry(
    busy,
    "The connection does not read as fast as it is sent to.",
    "Read faster, subscribe to less, and connect again.",
  ),
  RPC_NODE_STOPPING: entry(busy, "The node is stopping.", "Ask another node, or connect again later."),

  BLOCK_PRUNED: entry(
    unknown,
    "The block is committed, but from before the first height that this node keeps.",
    "Ask a node that keeps older blocks; firstHeight says what is here.",
  ),
  RECEIPT_PRUNED: entry(
    unknown,
    "The transaction is committed in a block from before the first height that this node keeps.",
    "Ask a node that keeps older blocks for the receipt; height says in which block it is.",
  ),
  BLOCK_UNKNOWN: entry(
    unknown,
    "This block is not known here: it does not exist yet, or it was pruned.",
    "Compare with chain_head, or ask another node.",
  ),
  CONTRACT_UNKNOWN: entry(
    unknown,
    "No contract of this name is deployed.",
    "Call contract_list for the deployed contracts.",
  ),
  ACTION_UNKNOWN: entry(unknown, "The contract has no action of this name.", "Call contract_get for its actions."),
  ACCOUNT_UNKNOWN: entry(unknown, "No account of this id is registered.", "List registry.account with state_list."),
  INDEX_UNKNOWN: entry(unknown, "The table has no index of this name.", "Call contract_get and read the source."),
  TABLE_UNKNOWN: entry(
    unknown,
    "The contract has no table of this name.",
    "Call contract_get for the contract's tables.",
  ),
  KEY_INVALID: entry(
    params,
    "The key does not fit the key of the table.",
    "Call contract_get for the names and types of the key.",
  ),
  GROUP_TOO_LARGE: entry(
    params,
    "The group has more rows than one proved answer holds.",
    "Page through state_list with this index, and prove single rows with state_get.",
  ),
  CURSOR_INVALID: entry(
    params,
    "The cursor is none that this node gave out for this list.",
    "Pass the field next of the page before, unchanged.",
  ),

  NODE_HAS_NO_SEAT: entry(
    busy,
    "This node follows the ledger and has no seat: nobody takes transactions from it.",
    "Send it to the node of a validator; consensus_status says which nodes those are.",
  ),
  PROTOCOL_UNSUPPORTED: entry(
    busy,
    "The ledger has gone on to a protocol that this node's program does not speak: it shows what it has and takes nothing new.",
    "Send it to another node, and tell this one's operator to replace its program.",
  ),
  MEMPOOL_FULL: entry(
    busy,
    "This node holds as many waiting transactions as it may.",
    "Send it again later, or to another node.",
  ),
  MEMPOOL_SENDER_FULL: entry(
    busy,
    "This account has as many waiting transactions as one account may.",
    "Wait until some of them are committed.",
  ),

  TX_EXPIRED: entry(
    refused,
    "The transaction's time has passed: validUntilMs lies before the ledger's time.",
    "Build it again with a later validUntilMs, in ledger time, and sign it again.",
  ),
  TX_VALID_TOO_LONG: entry(
    refused,
    "The transaction would stay valid for longer than the replay window.",
    "Build it again with a validUntilMs not after latestMs.",
  ),
  TX_SIGNER_UNKNOWN: entry(
    refused,
    "A signer is not registered, not active, or has another key.",
    "Let an administrator enrol the account with this key, or sign with the registered one.",
  ),
  TX_WRONG_CHAIN: entry(
    refused,
    "The transaction was made for another ledger.",
    "Build it with the chain id of this ledger's genesis.",
  ),
  TX_SIGNATURE: entry(
    refused,
    "A signature does not fit the transaction and the signer's key.",
    "Sign the transaction's id with the key named in the signer's entry.",
  ),
  TX_TOO_SMALL: entry(
    refused,
    "These bytes are too few for a transaction.",
    "Send the bytes that the client library builds.",
  ),
  TX_SIGNER_TWICE: entry(refused, "An account stands twice among the signers.", "Name each account once."),
  TX_ARGUMENT_ORDER: entry(
    refused,
    "The arguments of a call are not in order of their names, or one stands twice.",
    "Build transactions with the client library; it orders them.",
  ),
  VERSION_UNKNOWN: entry(
    refused,
    "The format's version is none that this node knows.",
    "Use a client of this node's version, or let the node be upgraded.",
  ),
  NODE_HALTED: entry(
    busy,
    "This node had to stop by itself.",
    "Ask another node, and tell this one's operator, who finds the reason in its log.",
  ),
  NO_BLOCK_YET: entry(
    unknown,
    "The ledger has no block yet, so nothing can be proved.",
    "Ask again after the first transaction is committed.",
  ),
  TOO_MANY_WAITING: entry(
    busy,
    "This node holds as many waiting calls as it may.",
    "Ask tx_receipt later instead of waiting.",
  ),
});

/** Families of codes that share cause and remedy; the exact code still goes out. */
const FAMILIES: readonly (readonly [prefix: string, entry: CatalogueEntry])[] = [
  [
    "CBOR_",
    entry(
      refused,
      "The bytes are not in the ledger's canonical encoding.",
      "Build transactions with the client library; it encodes canonically.",
    ),
  ],
];

/** @returns undefined when the code is none that a client may see */
export function catalogueEntry(code: string): CatalogueEntry | undefined {
  if (Object.hasOwn(RPC_CATALOGUE, code)) return RPC_CATALOGUE[code];
  return FAMILIES.find(([prefix]) => code.startsWith(prefix))?.[1];
}

/** Throws as a refusal that the dispatcher turns into its catalogue entry. */
export function rpcRefusal(code: string, details: ErrorData = {}): LedgerError {
  return new LedgerError(code, details);
}

/**
 * The view of anything thrown while a call was answered.
 * @param onIncident told of errors that are not in the catalogue; returns the incident number that the client gets
 */
export function errorView(error: unknown, onIncident: (error: unknown) => string): RpcErrorView {
  if (error instanceof LedgerError) {
    const found = catalogueEntry(error.code);
    if (found !== undefined) return viewOf(error.code, found, error.data);
  }
  return viewOf("RPC_INTERNAL", INTERNAL, { incident: onIncident(error) });
}

function viewOf(code: string, found: CatalogueEntry, details: ErrorData): RpcErrorView {
  return {
    code: found.number,
    message: `${code}: ${found.cause}`,
    data: { code, cause: found.cause, remedy: found.remedy, details },
  };
}
