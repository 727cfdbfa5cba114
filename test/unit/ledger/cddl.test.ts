// docs/formats.cddl against the bytes that the code makes: the document is held to what it says.
// Never a decoder as judge of itself.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeEvidence, type Statement } from "../../../src/consensus/evidence.ts";
import {
  encodeCertified,
  encodePrePrepare,
  encodeSuspect,
  encodeSuspicionMessage,
  encodeViewChange,
  encodeVote,
  encodeWaiting,
} from "../../../src/consensus/messages.ts";
import { encodeTrail } from "../../../src/consensus/trail.ts";
import { makeNewView, makeSuspicion, viewChangeItems } from "../../../src/consensus/view-formats.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import { encodeHeader, encodeResult } from "../../../src/ledger/format-block.ts";
import { encodeParameters, encodeValidators } from "../../../src/ledger/format-cluster.ts";
import { encodeReceipt } from "../../../src/ledger/format-receipt.ts";
import { encodeTransactionBody } from "../../../src/ledger/format-transaction.ts";
import { decodeCertificate, encodeCertificate, encodeHeadStatement } from "../../../src/ledger/format-vote.ts";
import { fromHex, toHex } from "../../../src/ledger/hash.ts";
import type { Vote } from "../../../src/ledger/types.ts";
import { Schema } from "./cddl.ts";
import { goldenVectors } from "./golden.ts";
import {
  anyBody,
  anyCertificate,
  anyHeader,
  anyHeadStatement,
  anyParameters,
  anyReceipt,
  anyResult,
  anyValidators,
  anyValue,
  hashOf,
} from "./samples.ts";

const TEXT = readFileSync(new URL("../../../docs/formats.cddl", import.meta.url), "utf8");
const SCHEMA = new Schema(TEXT);
const VECTORS = new Map(goldenVectors().map(({ name, bytes }) => [name, fromHex(bytes) ?? new Uint8Array(0)]));

function vectorOf(name: string): Uint8Array {
  const bytes = VECTORS.get(name);
  if (bytes === undefined) throw new Error(`no vector ${name}`);
  return bytes;
}

/** The payload behind a tag: what follows the first zero byte. */
function untagged(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.indexOf(0) + 1);
}

/** Bytes by the rule that must accept them: the golden vectors, and consensus frames made here. */
function examples(): readonly (readonly [rule: string, bytes: Uint8Array])[] {
  return [...ledgerExamples(), ...frameExamples(), ...requestExamples()];
}

function ledgerExamples(): readonly (readonly [rule: string, bytes: Uint8Array])[] {
  const sameName = ["transaction", "batch", "validators", "parameters", "genesis", "header", "result", "proposal"];
  return [
    ...[...sameName, "receipt", "history"].map((name) => [name, vectorOf(name)] as const),
    ["value", vectorOf("values: null, false, true, integers, texts, bytes, arrays")],
    ["transaction-body", vectorOf("transaction body")],
    ["batch-body", vectorOf("batch body")],
    ["certificate", vectorOf("commit certificate")],
    ["head-statement", vectorOf("head statement")],
    ["certified-header", vectorOf("certified header")],
    ["receipt-proof", vectorOf("receipt proof")],
    ["state-proof", vectorOf("state proof, present")],
    ["state-proof", vectorOf("state proof, absent")],
    ["state-chunk", vectorOf("state chunk")],
    ["snapshot-manifest", vectorOf("snapshot manifest")],
    ["snapshot-anchor", vectorOf("snapshot anchor")],
    ["vote", untagged(vectorOf("prepare, what is signed"))],
    ["vote", untagged(vectorOf("commit, what is signed"))],
    ["head-request", vectorOf("head request")],
    ["head-answer", vectorOf("head answer")],
    ["head-answer-signed", untagged(vectorOf("head answer, what is signed"))],
    ["head-signed", untagged(vectorOf("head, what is signed"))],
    ["received-signed", untagged(vectorOf("received, what a node signs"))],
  ];
}

const SIGNATURE = new Uint8Array(64).fill(1);
const PREPARED = { view: 1, blockHash: hashOf(2) };

function frameExamples(): readonly (readonly [rule: string, bytes: Uint8Array])[] {
  const place = { height: 2, view: 3 };
  const proposalBytes = vectorOf("proposal");
  const certificateBytes = vectorOf("commit certificate");
  const suspect = { signer: 1, waitingFor: [hashOf(1)], signature: SIGNATURE };
  const suspicion = makeSuspicion(2, 2, [suspect, { ...suspect, signer: 0 }]);
  const commit: Vote = {
    ...place,
    kind: "commit",
    blockHash: hashOf(1),
    resultHash: hashOf(2),
    signer: 3,
    signature: SIGNATURE,
  };
  const prepare: Vote = { ...commit, kind: "prepare", resultHash: new Uint8Array(0) };
  const locked = { signer: 0, prepared: PREPARED, signature: SIGNATURE };
  const free = { signer: 1, prepared: undefined, signature: SIGNATURE };
  const newView = makeNewView({ ...place, blockHash: hashOf(1), viewChanges: [locked, free], certificate: undefined });
  const statement: Statement = { kind: "newView", view: 3, content: newView, signature: SIGNATURE };
  const certificate = decodeCertificate(certificateBytes);
  if (!certificate.ok) throw new Error(certificate.code);
  const trail = encodeTrail({
    height: 2,
    newViews: [{ signer: 1, content: newView, signature: SIGNATURE }],
    prepared: [certificate.value],
  });
  const twoVotes = { rule: "TWO_VOTES", height: 2, offender: hashOf(1) } as const;
  const viewChangeParts = { height: 2, targetView: 3, suspicionBytes: suspicion.bytes };
  const freeChange = { viewChange: free, certificateBytes: undefined, proposalBytes: undefined };
  const firstView = { height: 2, view: 0, proposalBytes, signature: SIGNATURE };
  return [
    ["frame", encodePrePrepare({ ...firstView, newView: undefined, suspicionBytes: undefined })],
    [
      "frame",
      encodePrePrepare({
        ...firstView,
        view: 3,
        newView: { bytes: newView.bytes, signature: SIGNATURE },
        suspicionBytes: suspicion.bytes,
      }),
    ],
    ["prepare-frame", encodeVote(prepare)],
    ["commit-frame", encodeVote(commit)],
    ["suspect-frame", encodeSuspect(2, 3, suspect)],
    ["suspicion-frame", encodeSuspicionMessage(suspicion)],
    ["view-change-frame", encodeViewChange({ ...viewChangeParts, ...freeChange })],
    [
      "view-change-frame",
      encodeViewChange({ ...viewChangeParts, viewChange: locked, certificateBytes, proposalBytes }),
    ],
    ["prepared-frame", encodeCertified("prepared", { ...place, proposalBytes, certificateBytes })],
    ["decided-frame", encodeCertified("decided", { ...place, proposalBytes, certificateBytes })],
    ["waiting-frame", encodeWaiting(2, 0, [hashOf(1)])],
    ["new-view", newView.bytes],
    ["signed-view-change", encode(viewChangeItems(locked))],
    ["trail", trail],
    ["testimony", encode([1, vectorOf("certified header"), trail])],
    ["evidence", encodeEvidence({ ...twoVotes, statements: [prepare, { ...prepare, blockHash: hashOf(9) }] })],
    ["evidence", encodeEvidence({ ...twoVotes, rule: "BAD_NEW_VIEW", statements: [statement] })],
    [
      "evidence",
      encodeEvidence({ ...twoVotes, rule: "AMNESIA", statements: [commit, { ...free, kind: "viewChange", view: 4 }] }),
    ],
  ];
}

function requestExamples(): readonly (readonly [rule: string, bytes: Uint8Array])[] {
  const batch = vectorOf("batch");
  const block = [vectorOf("proposal"), vectorOf("result"), vectorOf("commit certificate"), [batch]];
  return [
    ["fetch-request", encode([hashOf(1), hashOf(2)])],
    ["fetch-answer", encode([batch])],
    ["sync-request", encode([7])],
    ["sync-answer", encode([block, block])],
    ["sync-answer", encode([7])],
    ["sync-request", encode(["snapshots"])],
    ["sync-request", encode(["chunk", 7, 0])],
    ["sync-request", encode(["window", 7])],
    ["snapshots-answer", encode([[vectorOf("snapshot manifest"), vectorOf("snapshot anchor")]])],
    ["window-answer", encode([[vectorOf("header"), hashOf(1)]])],
  ];
}

describe("docs/formats.cddl", () => {
  test("L40: every name it uses is defined", () => {
    expect(SCHEMA.undefinedNames()).toEqual([]);
  });

  test("L40: it accepts every golden vector and every consensus frame", () => {
    for (const [rule, bytes] of examples()) expect(SCHEMA.accepts(rule, bytes), `${rule} ${toHex(bytes)}`).toBe(true);
  });

  test("L40: it refuses each of them with an item more, an item less or an item of another type", () => {
    for (const [rule, bytes] of examples()) {
      if (rule === "value") continue;
      const decoded = decode(bytes);
      const items = decoded.ok ? (decoded.value as readonly Value[]) : [];
      expect(SCHEMA.accepts(rule, encode([...items, null])), rule).toBe(false);
      for (const place of items.keys()) {
        const changed = items.map((item, at) => (at === place ? false : item));
        if (typeof items[place] !== "boolean") expect(SCHEMA.accepts(rule, encode(changed)), rule).toBe(false);
      }
    }
  });

  const arbitrary: readonly (readonly [rule: string, bytes: fc.Arbitrary<Uint8Array>])[] = [
    ["value", anyValue.map(encode)],
    ["transaction-body", anyBody.map(encodeTransactionBody)],
    ["header", anyHeader.map(encodeHeader)],
    ["result", anyResult.map(encodeResult)],
    ["receipt", anyReceipt.map(encodeReceipt)],
    ["certificate", anyCertificate.map(encodeCertificate)],
    ["head-statement", anyHeadStatement.map(encodeHeadStatement)],
    ["validators", anyValidators.map(encodeValidators)],
    ["parameters", anyParameters.map(encodeParameters)],
  ];
  test.each(arbitrary)("L40: it accepts any %s that the code makes", (rule, bytes) => {
    fc.assert(fc.property(bytes, (example) => SCHEMA.accepts(rule, example)));
  });
});
