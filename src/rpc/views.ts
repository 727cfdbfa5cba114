// What the node's objects look like in JSON: bytes as lower-case hexadecimal, contract values in their typed form.
// Only shapes; nothing here reads state or decides anything.

import { invariant } from "../assert.ts";
import { decodeHeader, decodeResult } from "../ledger/format-block.ts";
import { decodeReceipt } from "../ledger/format-receipt.ts";
import { toHex } from "../ledger/hash.ts";
import type { Receipt } from "../ledger/types.ts";
import { namedToJson, valueToJson } from "../ledger/value-json.ts";
import type {
  BlockView,
  HeadView,
  NodeApi,
  NodeInfo,
  ReceivedStatement,
  RowView,
  TransactionStatus,
  TrialView,
} from "../ports.ts";
import type { ResultOf } from "./schemas.ts";

export function infoView(info: NodeInfo, options: { readonly withGenesis: boolean }): ResultOf<"node_info"> {
  return {
    name: info.name,
    organisation: info.organisation,
    software: info.software,
    chainId: toHex(info.chainId),
    chainName: info.chainName,
    protocol: info.protocol,
    validatorKey: toHex(info.validatorKey),
    peerId: info.peerId,
    timeScale: info.timeScale,
    validators: info.validators.map(({ organisation, publicKey, peerId }) => ({
      organisation,
      publicKey: toHex(publicKey),
      peerId,
    })),
    ...(options.withGenesis ? { genesis: toHex(info.genesisBytes) } : {}),
  };
}

export function headView(head: HeadView): ResultOf<"chain_head"> {
  return {
    height: head.height,
    blockHash: toHex(head.blockHash),
    resultHash: toHex(head.resultHash),
    stateRoot: toHex(head.stateRoot),
    timeMs: head.timeMs,
    transactionsTotal: head.transactionsTotal,
    certifiedHeader: toHex(head.certifiedHeader),
  };
}

export function receivedView(statement: ReceivedStatement): ResultOf<"tx_send"> {
  return { txId: toHex(statement.txId), timeMs: statement.timeMs, signature: toHex(statement.signature) };
}

export function receiptView(receipt: Receipt): Extract<ResultOf<"tx_receipt">, { status: "committed" }>["receipt"] {
  return {
    txId: toHex(receipt.txId),
    index: receipt.index,
    status: receipt.status,
    ruleId: receipt.ruleId,
    values: namedToJson(receipt.values),
    gas: receipt.gas,
    events: receipt.events.map((event) => ({
      contract: event.contract,
      name: event.name,
      fields: namedToJson(event.fields),
    })),
    writes: receipt.writes.map((write) => ({
      key: toHex(write.key),
      valueHash: toHex(write.valueHash),
      previousHeight: write.previousHeight,
    })),
  };
}

export function statusView(status: TransactionStatus, api: NodeApi): ResultOf<"tx_receipt"> {
  if (status.kind !== "committed") return { status: status.kind };
  return {
    status: "committed",
    height: status.height,
    receipt: receiptView(ownReceipt(status.receiptBytes)),
    explanation: api.explainReceipt(status.receiptBytes, status.height),
    receiptBytes: toHex(status.receiptBytes),
    proof: toHex(status.proof),
  };
}

/** A receipt from the own store. */
export function ownReceipt(receiptBytes: Uint8Array): Receipt {
  const decoded = decodeReceipt(receiptBytes);
  invariant(decoded.ok, "A1: receipts of the own store decode");
  return decoded.value;
}

export function rowView(row: RowView): ResultOf<"state_list">["rows"][number] {
  return { key: namedToJson(row.key), fields: namedToJson(row.fields), lastHeight: row.lastHeight };
}

export function trialView(trial: TrialView): ResultOf<"contract_explain"> {
  const { height, timeMs, status, ruleId, explanation, conditions, events, gas } = trial;
  return {
    height,
    timeMs,
    status,
    ruleId,
    explanation,
    conditions: conditions.map(({ outcome, values, ...condition }) => ({
      ...condition,
      ...(typeof outcome === "string" ? { outcome } : { outcome: "error" as const, error: outcome.error }),
      values: values.map(({ name, type, value }) => ({ name, type, value: valueToJson(value) })),
    })),
    events: events.map((event) => ({ contract: event.contract, name: event.name, fields: namedToJson(event.fields) })),
    gas,
  };
}

export function blockView(block: BlockView, blockHash: Uint8Array): ResultOf<"chain_block"> {
  const header = decodeHeader(block.headerBytes);
  const result = decodeResult(block.resultBytes);
  invariant(header.ok && result.ok, "A2: blocks of the own store decode");
  return {
    height: header.value.height,
    blockHash: toHex(blockHash),
    view: header.value.view,
    proposer: toHex(header.value.proposer),
    timeMs: header.value.timeMs,
    parentHash: toHex(header.value.parentHash),
    transactionCount: header.value.transactionCount,
    stateRoot: toHex(result.value.stateRoot),
    receiptsRoot: toHex(result.value.receiptsRoot),
    headerBytes: toHex(block.headerBytes),
    resultBytes: toHex(block.resultBytes),
    certificateBytes: toHex(block.certificateBytes),
    transactionIds: block.transactionIds.map(toHex),
    references: block.references.map((reference) => ({
      digest: toHex(reference.digest),
      origin: toHex(reference.origin),
      bytes: reference.bytes,
      count: reference.count,
    })),
  };
}

/** Any record of plain data as JSON: for status reports, whose fields the node chooses. */
export function reportView(report: unknown): unknown {
  if (report instanceof Uint8Array) return toHex(report);
  if (typeof report === "bigint") return report.toString();
  if (Array.isArray(report)) return report.map(reportView);
  if (typeof report === "object" && report !== null) {
    const members = Object.entries(report).filter(([, member]) => member !== undefined && typeof member !== "function");
    return Object.fromEntries(members.map(([name, member]) => [name, reportView(member)]));
  }
  return report;
}
