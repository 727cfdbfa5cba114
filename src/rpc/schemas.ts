// Parameters and results of every method as zod schemas: what is checked, and what rpc_discover publishes.
// The only file that imports zod here. Unknown fields are errors everywhere.

import { z } from "zod";
import { LIMITS } from "../ledger/limits.ts";
import type { ValueJson } from "../ledger/value-json.ts";

const hex = (bytes: number, what: string) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `expected ${bytes * 2} lower-case hexadecimal digits`)
    .meta({ description: `${what}: ${bytes} bytes in lower-case hexadecimal` });
const hexUpTo = (bytesMax: number, what: string) =>
  z
    .string()
    .min(2)
    .max(bytesMax * 2, `expected at most ${bytesMax} bytes, two digits each`)
    .regex(/^(?:[0-9a-f]{2})*$/, "expected an even number of lower-case hexadecimal digits")
    .meta({ description: `${what}: at most ${bytesMax} bytes in lower-case hexadecimal` });
const hexText = (what: string) => z.string().meta({ description: `${what}, in lower-case hexadecimal` });
const count = (what: string) => z.int().min(0).meta({ description: what });
const text = (what: string) => z.string().meta({ description: what });
const name = (what: string) => z.string().min(1).max(64).meta({ description: what });
const timeMs = count("ledger time in ms since 1970");

const txId = hex(32, "transaction id");
const value = (z.json() as z.ZodType<ValueJson>).meta({
  description:
    'a contract value: null, bool, whole number, text, list, {"int": "decimal"} beyond 2^53, {"hex": "bytes"}',
});
const values = z.record(z.string(), value).meta({ description: "values by name" });
const keyParts = z
  .array(z.json())
  .max(16)
  .meta({ description: "values of the table's key, in the order of its declaration" });
const transaction = hexUpTo(LIMITS.transactionBytesMax, "signed transaction");

export const TRANSACTIONS_PER_CALL_MAX = 100;
export const LIST_ROWS_MAX = 500;
export const WAIT_MS_MAX = 60_000;

const receivedSignature = hexText(
  "of the node's validator, over all ids that it took in by this call; volatile, only a receipt acknowledges",
);
const received = z.strictObject({ txId, timeMs, signature: receivedSignature });
const refusal = z.strictObject({
  code: z.int(),
  message: z.string(),
  data: z.strictObject({
    code: z.string(),
    cause: z.string(),
    remedy: z.string(),
    details: z.record(z.string(), z.json()),
  }),
});
const head = z.strictObject({
  height: count("height of the newest committed block"),
  blockHash: hex(32, "block hash"),
  resultHash: hex(32, "result hash"),
  stateRoot: hex(32, "state root"),
  timeMs,
  transactionsTotal: count("transactions committed since genesis"),
  certifiedHeader: hexText("CertifiedHeader (docs/formats.cddl): proves all of the above"),
});
const receipt = z.strictObject({
  txId,
  index: count("place in the block, timers first"),
  status: z.enum(["ok", "refused", "unauthorised", "out_of_gas", "failed"]),
  ruleId: text("the rule that refused, empty when ok"),
  values,
  gas: count("gas used"),
  events: z.array(z.strictObject({ contract: z.string(), name: z.string(), fields: values })),
  writes: z.array(
    z.strictObject({
      key: hexText("state key"),
      valueHash: hexText("hash of the new value, empty when deleted"),
      previousHeight: count("height of the write before"),
    }),
  ),
});
const status = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("unknown") }),
  z.strictObject({ status: z.literal("pending") }),
  z.strictObject({
    status: z.literal("committed"),
    height: count("height of the block"),
    receipt,
    explanation: z.strictObject({ zh: z.string(), en: z.string() }),
    receiptBytes: hexText("encoded receipt"),
    proof: hexText("ReceiptProof (docs/formats.cddl)"),
  }),
]);
const sentences = z.strictObject({ zh: z.string(), en: z.string() });
const row = z.strictObject({ key: values, fields: values, lastHeight: count("height of the last write") });
const column = z.strictObject({ name: z.string(), type: z.string() });
const block = z.strictObject({
  height: count("height"),
  blockHash: hex(32, "block hash"),
  view: count("view in which the header was made"),
  proposer: hexText("consensus key of the proposer"),
  timeMs,
  parentHash: hex(32, "hash of the block before"),
  transactionCount: count("executed transactions"),
  stateRoot: hex(32, "state root after the block"),
  receiptsRoot: hex(32, "root over the receipts"),
  headerBytes: hexText("encoded header"),
  resultBytes: hexText("encoded result"),
  certificateBytes: hexText("encoded certificate of q COMMITs"),
  transactionIds: z.array(txId).meta({ description: "in execution order" }),
  references: z.array(
    z.strictObject({
      digest: hex(32, "batch digest"),
      origin: hexText("consensus key of the validator that gathered it"),
      bytes: count("bytes"),
      count: count("transactions"),
    }),
  ),
});
const none = z.strictObject({});
const feed = z.strictObject({ feed: z.enum(["heads", "receipts"]) });

/** By method name. */
export const METHOD_SCHEMAS = {
  node_info: {
    params: z.strictObject({
      genesis: z.boolean().default(false).meta({ description: "also answer the canonical genesis bytes" }),
    }),
    result: z.strictObject({
      name: z.string(),
      organisation: z.string(),
      software: z.string(),
      chainId: hex(32, "chain id"),
      chainName: z.string(),
      protocol: z.int(),
      validatorKey: hexText("this node's consensus key"),
      peerId: z.string(),
      timeScale: z.int(),
      validators: z.array(
        z.strictObject({ organisation: z.string(), publicKey: hexText("consensus key"), peerId: z.string() }),
      ),
      genesis: hexText("canonical genesis; compare its hash with the chain id you trust").optional(),
    }),
  },
  chain_head: { params: none, result: head },
  chain_freshness: {
    params: none,
    result: z.strictObject({
      head,
      statements: z.array(hexText("encoded HEAD statement")).meta({
        description: "one for each validator that was heard of lately; q of them prove that the head is current",
      }),
    }),
  },
  chain_block: {
    params: z.strictObject({ height: z.int().min(1).meta({ description: "height, from 1" }) }),
    result: block,
  },
  chain_testimony: {
    params: z.strictObject({ height: z.int().min(1).meta({ description: "height, from 1" }) }),
    result: z.strictObject({ height: count("height"), testimony: hexText("Testimony (docs/formats.cddl)") }),
  },
  tx_send: { params: z.strictObject({ transaction }), result: received },
  tx_sendMany: {
    params: z.strictObject({ transactions: z.array(transaction).min(1).max(TRANSACTIONS_PER_CALL_MAX) }),
    result: z.strictObject({
      results: z
        .array(
          z.union([
            z.strictObject({ ok: z.literal(true), txId }),
            z.strictObject({ ok: z.literal(false), error: refusal }),
          ]),
        )
        .meta({ description: "one for each transaction, in the same order; each stands for itself" }),
      received: z
        .strictObject({ timeMs, signature: receivedSignature })
        .nullable()
        .meta({ description: "the node's word that it took in all that are ok, in this order; null: none is" }),
    }),
  },
  tx_wait: {
    params: z.strictObject({
      txId,
      timeoutMs: z
        .int()
        .min(0)
        .max(WAIT_MS_MAX)
        .default(10_000)
        .meta({ description: "how long to wait for the receipt, ms" }),
    }),
    result: status,
  },
  tx_receipt: { params: z.strictObject({ txId }), result: status },
  state_get: {
    params: z.strictObject({ contract: name("contract"), table: name("table"), key: keyParts }),
    result: z.strictObject({
      height: count("height of the state that answered"),
      row: row.nullable(),
      proof: hexText("StateProof (docs/formats.cddl), also of absence"),
    }),
  },
  state_list: {
    params: z.strictObject({
      contract: name("contract"),
      table: name("table"),
      index: name("index of the table; prefix is then one whole group of it").optional(),
      prefix: keyParts.default([]).meta({ description: "first values of the key; empty: the whole table" }),
      after: z.string().max(2048).optional().meta({ description: "field next of the page before" }),
      limit: z.int().min(1).max(LIST_ROWS_MAX).default(100),
    }),
    result: z.strictObject({
      height: count("height of the state that answered"),
      columns: z
        .strictObject({ key: z.array(column), fields: z.array(column) })
        .meta({ description: "names and types" }),
      rows: z.array(row),
      next: z.string().nullable().meta({ description: "pass as after for the next page; null: this was the last" }),
    }),
  },
  state_group: {
    params: z.strictObject({
      contract: name("contract"),
      table: name("table"),
      index: name("index of the table"),
      values: keyParts.meta({ description: "of the columns of the index, in its order" }),
    }),
    result: z.strictObject({
      height: count("height of the state that answered"),
      proof: hexText("StateProof of the group's leaf: how many rows there are"),
      rows: z
        .array(
          z.strictObject({
            row,
            entryProof: hexText("StateProof of the row's entry in the index"),
            rowProof: hexText("StateProof of the row"),
          }),
        )
        .meta({ description: "in key order" }),
    }),
  },
  contract_list: {
    params: none,
    result: z.strictObject({
      contracts: z.array(
        z.strictObject({
          name: z.string(),
          version: z.int(),
          title: z.string(),
          sourceHash: hex(32, "hash of the source"),
        }),
      ),
    }),
  },
  contract_get: {
    params: z.strictObject({ name: name("contract") }),
    result: z.strictObject({
      name: z.string(),
      version: z.int(),
      title: z.string(),
      sourceHash: hex(32, "hash of the source"),
      source: z.string(),
      tables: z.array(z.strictObject({ name: z.string(), key: z.array(column), fields: z.array(column) })),
      actions: z.array(z.strictObject({ name: z.string(), by: z.array(z.string()), params: z.array(column) })),
    }),
  },
  contract_explain: {
    params: z.strictObject({
      contract: name("contract"),
      action: name("action"),
      account: name("account that would sign"),
      cosigners: z.array(name("account")).max(7).default([]),
      args: values.default({}),
      timeMs: timeMs.optional().meta({ description: "ledger time of the trial; now by default" }),
    }),
    result: z.strictObject({
      height: count("height of the state that answered"),
      timeMs,
      status: receipt.shape.status,
      ruleId: receipt.shape.ruleId,
      explanation: sentences,
      conditions: z
        .array(
          z.strictObject({
            ruleId: z.string(),
            line: count("line of the contract's source"),
            condition: text("as the contract writes it"),
            outcome: z.enum(["passed", "failed", "error"]),
            error: z.string().optional().meta({ description: "why the condition has no value" }),
            values: z.array(z.strictObject({ name: z.string(), type: z.string(), value })),
            sentence: sentences,
          }),
        )
        .meta({ description: "all of them in order; empty when arguments or missing rows refuse the call before" }),
      events: receipt.shape.events,
      gas: count("gas that the trial used"),
    }),
  },
  consensus_status: { params: none, result: z.record(z.string(), z.json()) },
  subscribe: { params: feed, result: z.strictObject({ subscribed: z.enum(["heads", "receipts"]) }) },
  unsubscribe: { params: feed, result: z.strictObject({ unsubscribed: z.boolean() }) },
  rpc_discover: { params: none, result: z.record(z.string(), z.json()) },
} as const;

/** What a subscriber is sent: `{jsonrpc, method: "subscription", params}`. */
export const NOTIFICATION_SCHEMA = z.discriminatedUnion("feed", [
  z.strictObject({ feed: z.literal("heads"), head }),
  z.strictObject({
    feed: z.literal("receipts"),
    height: count("height of the block"),
    receipts: z
      .array(
        z.strictObject({
          txId,
          status: receipt.shape.status,
          receiptBytes: hexText("encoded receipt; its proof comes with tx_receipt"),
        }),
      )
      .min(1)
      .meta({ description: "in the order of the block; a large block comes in several notifications" }),
  }),
]);

export type MethodName = keyof typeof METHOD_SCHEMAS;
export type ParamsOf<Name extends MethodName> = z.output<(typeof METHOD_SCHEMAS)[Name]["params"]>;
export type ResultOf<Name extends MethodName> = z.output<(typeof METHOD_SCHEMAS)[Name]["result"]>;

/** At most this many faults of one request are named. */
const FAULTS_NAMED_MAX = 5;

/** @returns the parameters, or sentences that name each faulty field (no value of the request is repeated) */
export function checkParams(
  method: MethodName,
  params: unknown,
): { readonly ok: true; readonly params: unknown } | { readonly ok: false; readonly faults: readonly string[] } {
  const parsed = METHOD_SCHEMAS[method].params.safeParse(params);
  if (parsed.success) return { ok: true, params: parsed.data };
  const faults = parsed.error.issues
    .slice(0, FAULTS_NAMED_MAX)
    .map((issue) => `${issue.path.map(String).join(".") || "params"}: ${issue.message}`.slice(0, 200));
  return { ok: false, faults };
}

export function jsonSchemaOf(method: MethodName): {
  readonly params: Record<string, unknown>;
  readonly result: Record<string, unknown>;
} {
  return {
    params: z.toJSONSchema(METHOD_SCHEMAS[method].params, { io: "input" }),
    result: z.toJSONSchema(METHOD_SCHEMAS[method].result),
  };
}
