// What the node's objects look like in JSON: bytes as lower-case hexadecimal, contract values in their typed form.
// Only shapes; nothing here reads state or decides anything.

import { invariant } from "../assert.ts";
import { decodeHeader, decodeResult } from "../ledger/format-block.ts";
import { decodeReceipt } from "../ledger/format-receipt.ts";
import type { Receipt } from "../ledger/types.ts";
import { namedToJson, valueToJson } from "../ledger/value-json.ts";
import type {
  BlockView,
  HeadView,
  NodeApi,
  NodeInfo,
  ReceivedStatement,
  RowView,
  Submitted,
  TransactionStatus,
  TrialView,
} from "../ports.ts";
import type { RpcErrorView } from "./errors.ts";
import { hexOf } from "./hex.ts";
import type { ResultOf } from "./schemas.ts";

export function infoView(info: NodeInfo, options: { readonly withGenesis: boolean }): ResultOf<"node_info"> {
  return {
    name: info.name,
    organisation: info.organisation,
    software: info.software,
    chainId: hexOf(info.chainId),
    chainName: info.chainName,
    protocol: info.protocol,
    validatorKey: hexOf(info.validatorKey),
    peerId: info.peerId,
    timeScale: info.timeScale,
    validators: info.validators.map(({ organisation, publicKey, peerId }) => ({
      organisation,
      publicKey: hexOf(publicKey),
      peerId,
    })),
    ...(options.withGenesis ? { genesis: hexOf(info.genesisBytes) } : {}),
  };
}

export function headView(head: HeadView): ResultOf<"chain_head"> {
  return {
    height: head.height,
    blockHash: hexOf(head.blockHash),
    resultHash: hexOf(head.resultHash),
    stateRoot: hexOf(head.stateRoot),
    timeMs: head.timeMs,
    transactionsTotal: head.transactionsTotal,
    certifiedHeader: hexOf(head.certifiedHeader),
  };
}

export function receivedView({ txIds, timeMs, signature }: ReceivedStatement): ResultOf<"tx_send"> {
  const [txId] = txIds;
  invariant(txId !== undefined && txIds.length === 1, "A128: one transaction handed over is one signed for");
  return { txId: hexOf(txId), timeMs, signature: hexOf(signature) };
}

type SubmittedView = ResultOf<"tx_sendMany">;
type RefusalView = Extract<SubmittedView["results"][number], { ok: false }>["error"];

export function submittedView(
  { outcomes, received }: Submitted,
  viewOfError: (error: unknown) => RpcErrorView,
): SubmittedView {
  return {
    results: outcomes.map((outcome) =>
      outcome.ok
        ? { ok: true, txId: hexOf(outcome.txId) }
        : { ok: false, error: viewOfError(outcome.error) as RefusalView },
    ),
    received: received === undefined ? null : { timeMs: received.timeMs, signature: hexOf(received.signature) },
  };
}

export function receiptView(receipt: Receipt): Extract<ResultOf<"tx_receipt">, { status: "committed" }>["receipt"] {
  return {
    txId: hexOf(receipt.txId),
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
      key: hexOf(write.key),
      valueHash: hexOf(write.valueHash),
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
    receiptBytes: hexOf(status.receiptBytes),
    proof: hexOf(status.proof),
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
    blockHash: hexOf(blockHash),
    view: header.value.view,
    proposer: hexOf(header.value.proposer),
    timeMs: header.value.timeMs,
    parentHash: hexOf(header.value.parentHash),
    transactionCount: header.value.transactionCount,
    stateRoot: hexOf(result.value.stateRoot),
    receiptsRoot: hexOf(result.value.receiptsRoot),
    headerBytes: hexOf(block.headerBytes),
    resultBytes: hexOf(block.resultBytes),
    certificateBytes: hexOf(block.certificateBytes),
    transactionIds: block.transactionIds.map(hexOf),
    references: block.references.map((reference) => ({
      digest: hexOf(reference.digest),
      origin: hexOf(reference.origin),
      bytes: reference.bytes,
      count: reference.count,
    })),
  };
}

/** Any record of plain data as JSON: for status reports, whose fields the node chooses. */
export function reportView(report: unknown): unknown {
  if (report instanceof Uint8Array) return hexOf(report);
  if (typeof report === "bigint") return report.toString();
  if (Array.isArray(report)) return report.map(reportView);
  if (typeof report === "object" && report !== null) {
    const members = Object.entries(report).filter(([, member]) => member !== undefined && typeof member !== "function");
    return Object.fromEntries(members.map(([name, member]) => [name, reportView(member)]));
  }
  return report;
}
