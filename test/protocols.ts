// A second version of the protocol, which exists for tests only: no program of the product is given it.
// It differs in what a header shows, the order of accounts, and in what a receipt shows, the price of a signer.

import { PROTOCOLS, type ProtocolRules, protocolsOf } from "../src/contracts/protocols.ts";
import { type Hash, hashTagged } from "../src/ledger/hash.ts";

const TEXT = new TextEncoder();

/** Dearer than everything else that the transactions of the simulator do: a receipt shows its version. */
export const SIGNER_GAS_2 = 400_000;

const PROTOCOL_2: ProtocolRules = {
  version: 2,
  placeOf: (parentHash: Hash, account: string) =>
    hashTagged("ORDER", new Uint8Array([2, ...TEXT.encode(account), ...parentHash])),
  signerGas: SIGNER_GAS_2,
};

/** A program that knows both. */
export const BOTH_PROTOCOLS = protocolsOf([...PROTOCOLS.values(), PROTOCOL_2]);
