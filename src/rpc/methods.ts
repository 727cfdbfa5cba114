// Every method: what it costs and what it does. Parameters arrive checked against their schema.
// Methods read from and hand over to the NodeApi; they keep nothing themselves.

import { LedgerError, type Verdict } from "../errors.ts";
import type { Value } from "../ledger/codec.ts";
import { blockHashOf } from "../ledger/format-block.ts";
import { namedFromJson, valueFromJson } from "../ledger/value-json.ts";
import type { ContractView, NodeApi } from "../ports.ts";
import { type RpcErrorView, rpcRefusal } from "./errors.ts";
import type { FeedName } from "./feeds.ts";
import { bytesOf, hexOf } from "./hex.ts";
import { openRpcDocument } from "./openrpc.ts";
import type { MethodName, ParamsOf, ResultOf } from "./schemas.ts";
import {
  blockView,
  headView,
  infoView,
  receivedView,
  reportView,
  rowView,
  statusView,
  submittedView,
  trialView,
} from "./views.ts";

/** The connection a call came by, where it can be sent to later. */
export interface Subscriber {
  subscribe(feed: FeedName): void;
  unsubscribe(feed: FeedName): boolean;
}

export interface CallContext {
  readonly api: NodeApi;
  /** undefined over HTTP */
  readonly subscriber: Subscriber | undefined;
  readonly viewOfError: (error: unknown) => RpcErrorView;
}

interface Method<Name extends MethodName> {
  readonly summary: string;
  /** tokens of the rate limit; 1 is about as much work as checking one signature */
  readonly cost: (params: ParamsOf<Name>) => number;
  readonly run: (params: ParamsOf<Name>, context: CallContext) => ResultOf<Name> | Promise<ResultOf<Name>>;
}

export const METHODS: { readonly [Name in MethodName]: Method<Name> } = {
  node_info: {
    summary: "Who this node is, and of which chain.",
    cost: (params) => (params.genesis ? 20 : 1),
    run: (params, { api }) => infoView(api.info(), { withGenesis: params.genesis }),
  },
  chain_head: {
    summary: "The newest committed block, with its certificate.",
    cost: () => 1,
    run: (_, { api }) => headView(api.head()),
  },
  chain_freshness: {
    summary: "The newest committed block, and what the validators signed about their heads in the last seconds.",
    cost: () => 2,
    run: (_, { api }) => {
      const { head, statements } = api.freshness();
      return { head: headView(head), statements: statements.map(hexOf) };
    },
  },
  chain_block: {
    summary: "One committed block: header, result, certificate, ids of its transactions, batches.",
    cost: () => 5,
    run: ({ height }, { api }) => {
      const block = api.block(height);
      if (block === undefined) throw rpcRefusal("BLOCK_UNKNOWN", { height });
      return blockView(block, blockHashOf(block.headerBytes));
    },
  },
  chain_testimony: {
    summary: "What this node can say of a height if the ledger has forked: its certified header, and what led to it.",
    cost: () => 7,
    run: ({ height }, { api }) => {
      const testimony = api.testimony(height);
      if (testimony === undefined) throw rpcRefusal("BLOCK_UNKNOWN", { height });
      return { height, testimony: hexOf(testimony) };
    },
  },
  tx_send: {
    summary: "Hands a signed transaction to this node. The answer says received; only a receipt says committed.",
    cost: () => 1,
    run: async ({ transaction }, { api }) => receivedView(await api.submit(bytesOf(transaction))),
  },
  tx_sendMany: {
    summary: "Hands over up to 100 signed transactions; each is received or refused for itself.",
    cost: ({ transactions }) => transactions.length,
    run: async ({ transactions }, { api, viewOfError }) =>
      submittedView(await api.submitMany(transactions.map(bytesOf)), viewOfError),
  },
  tx_wait: {
    summary: "Waits until a transaction is committed, or the time is up, and answers like tx_receipt.",
    cost: () => 1,
    run: async ({ txId, timeoutMs }, { api }) =>
      statusView(await api.waitForTransaction(bytesOf(txId), { timeoutMs }), api),
  },
  tx_receipt: {
    summary: "What became of a transaction, with its receipt and the proof of it.",
    cost: () => 2,
    run: ({ txId }, { api }) => statusView(api.transaction(bytesOf(txId)), api),
  },
  state_get: {
    summary: "One row of a contract's table, with proof; also the proof that there is none.",
    cost: () => 2,
    run: async ({ contract, table, key }, { api }) => {
      const { height, row, proof } = await api.stateGet({ contract, table, key: valuesOf(key) });
      return { height, row: row === undefined ? null : rowView(row), proof: hexOf(proof) };
    },
  },
  state_list: {
    summary:
      "Rows of a contract's table, or of one group of its index, in key order, a page at a time. Not proved: prove single rows with state_get.",
    cost: ({ limit }) => 2 + Math.ceil(limit / 20),
    run: async ({ contract, table, index, prefix, after, limit }, { api }) => {
      const page = await api.stateList({ contract, table, index, prefix: valuesOf(prefix), after, limit });
      const columns = { key: [...page.columns.key], fields: [...page.columns.fields] };
      return { height: page.height, columns, rows: page.rows.map(rowView), next: page.next ?? null };
    },
  },
  state_group: {
    summary: "All rows of one group of an index, with proof of each and of their number: none is missing.",
    cost: () => 20,
    run: async ({ values, ...place }, { api }) => {
      const { height, proof, rows } = await api.stateGroup({ ...place, values: valuesOf(values) });
      return {
        height,
        proof: hexOf(proof),
        rows: rows.map(({ row, entryProof, rowProof }) => ({
          row: rowView(row),
          entryProof: hexOf(entryProof),
          rowProof: hexOf(rowProof),
        })),
      };
    },
  },
  contract_list: {
    summary: "The deployed contracts.",
    cost: () => 2,
    run: (_, { api }) => ({
      contracts: api
        .contracts()
        .map(({ name, version, title, sourceHash }) => ({ name, version, title, sourceHash: hexOf(sourceHash) })),
    }),
  },
  contract_get: {
    summary: "One contract: its source, tables and actions.",
    cost: () => 5,
    run: ({ name }, { api }) =>
      contractDetails(
        api.contracts().find((contract) => contract.name === name),
        name,
      ),
  },
  contract_explain: {
    summary: "Tries a call without doing it: every condition with its values, and what would happen or refuse it.",
    cost: () => 20,
    run: async ({ args, timeMs, ...call }, { api }) =>
      trialView(await api.explainCall({ ...call, args: argumentsOf(args), timeMs })),
  },
  consensus_status: {
    summary: "Where this node stands in consensus and what it waits for.",
    cost: () => 2,
    run: (_, { api }) => reportView(api.consensusStatus()) as ResultOf<"consensus_status">,
  },
  subscribe: {
    summary: 'Sends new heads or receipts as notifications of the method "subscription". WebSocket only.',
    cost: () => 5,
    run: ({ feed }, { subscriber }) => {
      subscriberOf(subscriber).subscribe(feed);
      return { subscribed: feed };
    },
  },
  unsubscribe: {
    summary: "Ends a subscription. WebSocket only.",
    cost: () => 1,
    run: ({ feed }, { subscriber }) => ({ unsubscribed: subscriberOf(subscriber).unsubscribe(feed) }),
  },
  rpc_discover: {
    summary: "This document: every method with its parameters, result and errors (OpenRPC).",
    cost: () => 20,
    run: () => openRpcDocument(summaries()) as ResultOf<"rpc_discover">,
  },
};

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name);
}

function summaries(): readonly (readonly [MethodName, string])[] {
  return (Object.keys(METHODS) as MethodName[]).map((name) => [name, METHODS[name].summary]);
}

function contractDetails(contract: ContractView | undefined, name: string): ResultOf<"contract_get"> {
  if (contract === undefined) throw rpcRefusal("CONTRACT_UNKNOWN", { contract: name });
  return {
    name: contract.name,
    version: contract.version,
    title: contract.title,
    sourceHash: hexOf(contract.sourceHash),
    source: contract.source,
    tables: contract.tables.map((table) => ({ name: table.name, key: [...table.key], fields: [...table.fields] })),
    actions: contract.actions.map((action) => ({ name: action.name, by: [...action.by], params: [...action.params] })),
  };
}

function subscriberOf(subscriber: Subscriber | undefined): Subscriber {
  if (subscriber === undefined) throw rpcRefusal("RPC_NEEDS_WEBSOCKET");
  return subscriber;
}

function argumentsOf(json: unknown): Readonly<Record<string, Value>> {
  const named = namedFromJson(json);
  if (!named.ok) throw new LedgerError("KEY_INVALID", { reason: named.detail });
  return named.value;
}

function valuesOf(json: readonly unknown[]): readonly Value[] {
  return json.map((item, index) => {
    const value: Verdict<Value> = valueFromJson(item);
    if (!value.ok) throw new LedgerError("KEY_INVALID", { part: index, reason: value.detail });
    return value.value;
  });
}
