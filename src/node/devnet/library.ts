// Where the community's contract documents lie in this installation.
// Never changes a document: what is proposed and approved is the file, byte for byte.

import { readFile } from "node:fs/promises";

/** In force from the genesis on; everything else is deployed by governance. */
export const GENESIS_CONTRACTS = ["governance", "registry"] as const;
/** Deployed on the first day, in this order: each may import those before it. */
export const COMMUNITY_CONTRACTS = ["owners-vote", "device-repair", "fees"] as const;

export type LibraryContract = (typeof GENESIS_CONTRACTS)[number] | (typeof COMMUNITY_CONTRACTS)[number];

/** The source of a document of the library, exactly as it lies on disk. */
export function loadLibraryContract(name: LibraryContract): Promise<string> {
  return readFile(new URL(`../../contracts/library/${name}.yaml`, import.meta.url), "utf8");
}
