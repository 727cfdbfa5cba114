// The versions of the protocol that a program can execute, and everything in which they differ: one value each, read by version.
// Never decides which of them is in force at a height: governance's rows do.

import { invariant } from "../assert.ts";
import { placeByParent } from "../ledger/executed-list.ts";
import type { Hash } from "../ledger/hash.ts";
import { GAS } from "./gas.ts";

/** What a version says where versions differ. All else is the same in all of them. */
export interface ProtocolRules {
  readonly version: number;
  /** 32 bytes by which the accounts of a block follow each other */
  readonly placeOf: (parentHash: Hash, account: string) => Hash;
  /** units for each signer of a transaction: one row of the registry */
  readonly signerGas: number;
}

/** By version. A program is given all that it knows: what it is not given it neither votes on nor executes. */
export type Protocols = ReadonlyMap<number, ProtocolRules>;

const PROTOCOL_1: ProtocolRules = { version: 1, placeOf: placeByParent, signerGas: GAS.signer };

/** What this program speaks. */
export const PROTOCOLS: Protocols = protocolsOf([PROTOCOL_1]);

export function protocolsOf(rules: readonly ProtocolRules[]): Protocols {
  return new Map(rules.map((each) => [each.version, each]));
}

/** The rules of a version that is known to be spoken. */
export function rulesOf(protocols: Protocols, version: number): ProtocolRules {
  const rules = protocols.get(version);
  invariant(rules !== undefined, "N220: nothing is built, checked or executed under a version that this program lacks");
  return rules;
}

export function newestOf(protocols: Protocols): number {
  return Math.max(...protocols.keys());
}
