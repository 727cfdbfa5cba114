// Runs that can be handed on: records and report in one file, signed. Whoever gets it checks it without asking anybody: that nothing
// was changed since, and that every summary follows from the raw data. That the data are true, only repeating the run can show.

import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { sha256 } from "#sha256";
import { LedgerError } from "../src/errors.ts";
import { fromHex, toHex } from "../src/ledger/hash.ts";
import { SUITE_ED25519 } from "../src/ledger/types.ts";
import { verifyNative } from "../src/node/ed25519-native.ts";
import { loadKeyFile } from "../src/node/key-file.ts";
import type { KeySigner } from "../src/ports.ts";
import { LatencyHistogram } from "./latency.ts";
import type { Phase } from "./phase.ts";
import { filesIn, limitOf, lineOf, type RunRecord, recordFrom, refusedOf } from "./record.ts";

const FORMAT = "linli-bench-bundle-1";
const NAME = "runs.bundle";
const PARTS = [".json", ".html"];
const ENCODER = new TextEncoder();

interface Bundle {
  readonly format: typeof FORMAT;
  /** Ed25519 public key and signature over `signedBytes`, lower-case hexadecimal */
  readonly signer: string;
  readonly signature: string;
  readonly files: Readonly<Record<string, string>>;
}

/** @param keyFile of an account, as `linli keys account` makes it. @returns the file that was written. @throws LedgerError BENCH_RECORD_INVALID and those of key files */
export async function writeBundle(directory: string, keyFile: string | undefined): Promise<string> {
  if (keyFile === undefined)
    throw new LedgerError(
      "BENCH_KEY_MISSING",
      {},
      { remedy: "--key FILE, a key made by `npm run linli -- keys account`" },
    );
  const names = (await filesIn(directory)).filter((name) => PARTS.some((part) => name.endsWith(part))).sort();
  const files: Record<string, string> = {};
  for (const name of names) files[name] = await readFile(join(directory, name), "utf8");
  if (names.length === 0)
    throw new LedgerError(
      "BENCH_RECORD_INVALID",
      { directory },
      { remedy: "run a scenario with --out and this directory" },
    );
  const { signer } = await loadKeyFile(keyFile, "account");
  const file = join(directory, NAME);
  await writeFile(file, sealBundle(files, signer));
  return file;
}

export function sealBundle(files: Readonly<Record<string, string>>, signer: KeySigner): string {
  const bundle: Bundle = {
    format: FORMAT,
    signer: toHex(signer.publicKey),
    signature: toHex(signer.sign(signedBytes(files))),
    files,
  };
  return `${JSON.stringify(bundle, null, 1)}\n`;
}

export interface BundleCheck {
  readonly signer: string;
  readonly runs: readonly RunRecord[];
  /** what is wrong; empty when nothing is */
  readonly faults: readonly string[];
}

/** @param expected public key that must have signed, if the reader knows it. @throws LedgerError BENCH_BUNDLE_INVALID when it is no bundle */
export async function checkBundle(file: string, expected: string | undefined): Promise<BundleCheck> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new LedgerError("BENCH_BUNDLE_INVALID", { file }, { cause, remedy: "name a file that `bundle` wrote" });
  });
  return checkBundleText(text, basename(file), expected);
}

export function checkBundleText(textOfBundle: string, name: string, expected: string | undefined): BundleCheck {
  const { signer, signature, files } = bundleFrom(textOfBundle, name);
  const [key, signed] = [fromHex(signer), fromHex(signature)];
  const isSigned =
    key !== undefined && signed !== undefined && verifyNative(SUITE_ED25519, key, signedBytes(files), signed);
  const faults = [
    ...(isSigned ? [] : ["the signature is not the signer's over these files"]),
    ...(expected === undefined || expected === signer ? [] : [`signed by ${signer}, not by ${expected}`]),
  ];
  const runs: RunRecord[] = [];
  for (const [part, text] of Object.entries(files)) {
    if (!part.endsWith(".json")) continue;
    const record = recordFrom(text, part);
    runs.push(record);
    faults.push(...faultsOf(record).map((fault) => `${part}: ${fault}`));
  }
  return { signer, runs, faults };
}

/** What of a record does not follow from its own raw data. */
export function faultsOf(record: RunRecord & { readonly line?: unknown }): readonly string[] {
  const { machine, nodes, verifyUs, limitTxPerSecond } = record;
  const faults: string[] = [];
  if (limitTxPerSecond !== limitOf(machine.cores, nodes, verifyUs)) faults.push("the limit is not cores / (nodes x V)");
  if (record.line === undefined || !follows(record.line, JSON.parse(JSON.stringify(lineOf(record)))))
    faults.push("the line does not follow from the loads");
  for (const { repetitions } of record.points)
    for (const phase of repetitions) {
      const { samples } = LatencyHistogram.decode(phase.latency).summary();
      if (samples !== phase.committed + phase.missing)
        faults.push(
          `${phase.name}: ${samples} latencies of ${phase.committed} commits and ${phase.missing} without answer`,
        );
      const known = phase.committed + refusedOf(phase) + phase.missing;
      if (known !== phase.sent) faults.push(`${phase.name}: ${phase.sent} sent, ${known} accounted for`);
      const counted = committedInWindow(phase);
      const told = Math.round(phase.txPerSecond * phase.windowSeconds);
      if (counted !== undefined && counted !== told)
        faults.push(`${phase.name}: the rate is that of ${told} commits, and ${counted} came while it was measured`);
    }
  return faults;
}

/** A152: by the account over time; undefined where a peer has none. */
function committedInWindow({ load, timeline, windowSeconds }: Phase): number | undefined {
  const { stepMs, committed } = timeline;
  if (committed.length === 0) return undefined;
  const from = Math.round(((load.seconds - windowSeconds) * 1000) / stepMs);
  return committed.slice(from, Math.round((load.seconds * 1000) / stepMs)).reduce((sum, count) => sum + count, 0);
}

/** Whether all that is told is among what was found; lines of older records tell less. */
function follows(told: unknown, found: unknown): boolean {
  if (typeof told !== "object" || told === null) return told === found;
  if (typeof found !== "object" || found === null || Array.isArray(told) !== Array.isArray(found)) return false;
  if (Array.isArray(told) && told.length !== (found as readonly unknown[]).length) return false;
  const values = new Map(Object.entries(found));
  return Object.entries(told).every(([name, value]) => values.has(name) && follows(value, values.get(name)));
}

/** The names and SHA-256 of all files in order of their names, behind words that no other signature of this ledger begins with. */
function signedBytes(files: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.keys(files)
    .sort()
    .map((name) => `${toHex(sha256(ENCODER.encode(files[name])))}  ${name}\n`);
  return ENCODER.encode(`${FORMAT}\n${lines.join("")}`);
}

function bundleFrom(text: string, name: string): Bundle {
  try {
    const bundle = JSON.parse(text) as Bundle;
    const { files } = bundle;
    if (bundle.format === FORMAT && Object.values(files).every((part) => typeof part === "string")) return bundle;
  } catch {
    // Not JSON: refused below, like JSON of another kind.
  }
  throw new LedgerError("BENCH_BUNDLE_INVALID", { file: name }, { remedy: "name a file that `bundle` wrote" });
}
