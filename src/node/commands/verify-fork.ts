// `linli verify fork`: who is guilty when nodes have certified different blocks of one height. Needs no node and no network.
// Believes nothing but the genesis file: every name comes with evidence that anybody can check again.

import { judgeTestimonies } from "../../consensus/fork.ts";
import { LedgerError } from "../../errors.ts";
import { toHex } from "../../ledger/hash.ts";
import { verifyNative } from "../ed25519-native.ts";
import { loadGenesisFile, loadText } from "../genesis-plan.ts";
import { argumentInvalid, hexArgument, printRemark, printResult } from "./output.ts";

/** A100: names nobody without evidence. @throws LedgerError `FORK_UNPROVED` with the reason */
export async function verifyFork(files: readonly string[], options: { readonly genesis: string }): Promise<void> {
  const genesis = await loadGenesisFile(options.genesis);
  const testimonies = await Promise.all(files.map(loadTestimony));
  const fork = judgeTestimonies({ genesis, verify: verifyNative, testimonies });
  if (!fork.ok) {
    const remedy =
      "two testimonies of one height that differ are needed, of the lowest height at which the nodes differ";
    throw new LedgerError("FORK_UNPROVED", { reason: fork.code }, { remedy });
  }
  const { height, guilty, guiltyMin } = fork.value;
  const organisations = new Map(
    genesis.validators.map(({ publicKey, organisation }) => [toHex(publicKey), organisation]),
  );
  printResult({
    forked: true,
    ledger: genesis.name,
    chainId: toHex(genesis.chainId),
    height,
    guilty: guilty.map(({ offender, rule, label, evidence }) => {
      const key = toHex(offender);
      return { key, organisation: organisations.get(key) ?? null, rule, label, evidence: toHex(evidence) };
    }),
    isComplete: guilty.length >= guiltyMin,
  });
  if (guilty.length < guiltyMin)
    printRemark(
      `A fork takes ${guiltyMin} guilty keys at least: ask more nodes of either side for their testimony of height ${height}.`,
    );
}

async function loadTestimony(file: string): Promise<Uint8Array> {
  try {
    const { kind, testimony } = JSON.parse(await loadText(file)) as Record<string, unknown>;
    if (kind === "testimony" && typeof testimony === "string") return hexArgument(testimony, file);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw argumentInvalid(file, "a file as saved by linli query testimony");
}
