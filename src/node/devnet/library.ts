// Where the community's contract documents lie in this installation.
// Never changes a document: what is proposed and approved is the file, byte for byte.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { LIBRARY } from "../../installation.ts";
import { runTests, type TestsShown } from "../author-tests.ts";
import { loadDocument } from "../commands/contract-files.ts";

/** In force from the genesis on; everything else is deployed by governance. */
export const GENESIS_CONTRACTS = ["governance", "registry"] as const;
/** Deployed in the morning, in this order: each may import those before it. */
export const MORNING_CONTRACTS = [
  "holders",
  "polls",
  "owners-vote",
  "service-rating",
  "device-repair",
  "fees",
  "disclosure",
  "maintenance-fund",
  "finance",
] as const;
/** Deployed when the vote is counted and the network has time, in this order. */
export const AFTERNOON_CONTRACTS = ["service-directory", "home-service", "device-care", "supervision"] as const;

export type LibraryContract =
  | (typeof GENESIS_CONTRACTS)[number]
  | (typeof MORNING_CONTRACTS)[number]
  | (typeof AFTERNOON_CONTRACTS)[number];

/** The source of a document of the library, exactly as it lies on disk. */
export function loadLibraryContract(name: LibraryContract): Promise<string> {
  return readFile(new URL(`${name}.yaml`, LIBRARY), "utf8");
}

/** The tests that lie beside a document, and what it imports: for what is said about it when it is proposed. */
export async function testsOfLibraryContract(name: LibraryContract): Promise<TestsShown> {
  const { file, set } = await loadDocument(fileURLToPath(new URL(`${name}.yaml`, LIBRARY)));
  const tests = await readFile(new URL(`${name}.test.yaml`, LIBRARY), "utf8");
  return runTests(
    tests,
    set.withImports(file).map(({ source }) => source),
  );
}
