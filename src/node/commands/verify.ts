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

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * N261: `contract / table / "part" ...`: texts in quotes, what is none, and a text that does not end as a key's does, in digits. No two keys
 * look alike: a key that no row can have would be proved absent, and taken for one that stands there.
 */
function readableKey(key: Uint8Array): string {
  const shown: string[] = [];
  let rest = key;
  for (let end = rest.indexOf(0); end > 0; end = rest.indexOf(0)) {
    const text = visibleText(rest.subarray(0, end));
    const isName = shown.length >= 2 || NAME.test(text ?? "");
    if (text === undefined || !isName) break;
    shown.push(shown.length < 2 ? `${text} /` : JSON.stringify(text));
    rest = rest.subarray(end + 1);
  }
  if (rest.length > 0) shown.push(`0x${toHex(rest)}`);
  return shown.join(" ");
}

/** undefined: bytes that are no text, or of which a part is not seen. */
function visibleText(bytes: Uint8Array): string | undefined {
  try {
    const text = TEXT.decode(bytes);
    return /\p{C}/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
