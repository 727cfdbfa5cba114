// `linli verify`: checks a saved proof with nothing but the genesis file. Needs no node and no network.
// Believes nothing that stands in the file beside the proof.

import { LedgerError } from "../../errors.ts";
import { toHex } from "../../ledger/hash.ts";
import { verifyReceiptProof, verifyStateProof } from "../../ledger/proofs.ts";
import { verifyNative } from "../ed25519-native.ts";
import { loadGenesisFile, loadText } from "../genesis-plan.ts";
import { blockFacts, receiptFacts } from "./connect.ts";
import { argumentInvalid, hexArgument, printResult } from "./output.ts";

type ProofKind = "receipt" | "state";

/**
 * Checks a proof file as `linli tx` and `linli query state` save it, or the proof's bytes in hexadecimal.
 * @throws LedgerError `PROOF_REFUSED` with the reason
 */
export async function verifyProof(
  fileOrHex: string,
  options: { readonly genesis: string; readonly kind: ProofKind | undefined },
): Promise<void> {
  const genesis = await loadGenesisFile(options.genesis);
  const { kind, bytes } = await readProof(fileOrHex, options.kind);
  const claim = { bytes, genesis, verify: verifyNative };
  if (kind === "receipt") {
    const proven = verifyReceiptProof(claim);
    if (!proven.ok) throw refused(kind, proven.code);
    return printResult({
      proved: true,
      kind,
      ledger: genesis.name,
      chainId: toHex(genesis.chainId),
      ...receiptFacts(proven.value),
    });
  }
  const proven = verifyStateProof(claim);
  if (!proven.ok) throw refused(kind, proven.code);
  const { key, value, lastHeight, certified } = proven.value;
  printResult({
    proved: true,
    kind,
    ledger: genesis.name,
    chainId: toHex(genesis.chainId),
    key: readableKey(key),
    keyBytes: toHex(key),
    exists: value !== undefined,
    valueBytes: value === undefined ? null : toHex(value),
    lastHeight: lastHeight ?? null,
    asOf: blockFacts(certified),
  });
}

async function readProof(
  fileOrHex: string,
  kind: ProofKind | undefined,
): Promise<{ readonly kind: ProofKind; readonly bytes: Uint8Array }> {
  const text = /^[0-9a-f]{64,}$/.test(fileOrHex) ? fileOrHex : (await loadText(fileOrHex)).trim();
  if (!text.startsWith("{")) return { kind: kind ?? "receipt", bytes: hexArgument(text, "proof") };
  const saved = savedProof(text);
  return { kind: kind ?? saved.kind, bytes: hexArgument(saved.proof, "proof") };
}

function savedProof(text: string): { readonly kind: ProofKind; readonly proof: string } {
  try {
    const { kind, proof } = JSON.parse(text) as Record<string, unknown>;
    if ((kind === "receipt" || kind === "state") && typeof proof === "string") return { kind, proof };
  } catch {
    // Not JSON: the same complaint as for JSON of another shape.
  }
  throw argumentInvalid("proof", "a proof file as saved with --out, or hexadecimal digits");
}

function refused(kind: ProofKind, reason: string): LedgerError {
  return new LedgerError(
    "PROOF_REFUSED",
    { kind, reason },
    { remedy: "it proves nothing: it was changed, or belongs to another ledger than this genesis" },
  );
}

/** `contract / table` of a state key; what follows is the row's key in bytes. */
function readableKey(key: Uint8Array): string {
  const text = new TextDecoder().decode(key);
  const [contract = "", table = "", ...rest] = text.split("\0");
  return `${contract} / ${table} / ${rest.join(" ")}`.replace(/\p{C}/gu, "·");
}
