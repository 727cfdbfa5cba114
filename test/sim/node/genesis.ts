// The ledger of one seed at height 0: validators, organisations, clients, the library's governance and a small contract.
// Keys are keyed hashes or, in some seeds, Ed25519; everything follows from the seed.

import { readFileSync } from "node:fs";
import { decodeGenesis, encodeGenesis, type SealedGenesis } from "../../../src/ledger/genesis.ts";
import { compareBytes, hashTagged, toHex } from "../../../src/ledger/hash.ts";
import type { VerifySignature } from "../../../src/ledger/types.ts";
import { nativeSigner, verifyNative } from "../../../src/node/ed25519-native.ts";
import type { KeySigner } from "../../../src/ports.ts";
import { KeyRing } from "../chain.ts";
import type { Plan } from "./plan.ts";

export interface Person {
  readonly account: string;
  readonly organisation: string;
  readonly signer: KeySigner;
}

/** Who runs one node. */
export interface Operator {
  readonly organisation: string;
  readonly peerId: string;
  readonly key: KeySigner;
  readonly hex: string;
  readonly admin: Person;
  /** the node itself: signs with the validator's key that it is ready for a seat */
  readonly node: Person;
}

export interface Cast {
  readonly genesis: SealedGenesis;
  readonly verify: VerifySignature;
  /** validators in key order; the last ones may have no seat yet */
  readonly operators: readonly Operator[];
  readonly clients: readonly Person[];
}

const GENESIS_MS = 1_750_000_000_000;

function source(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

const CONTRACTS = [
  { name: "governance", source: source("../../../src/contracts/library/governance.yaml") },
  { name: "registry", source: source("../../../src/contracts/library/registry.yaml") },
  { name: "purse", source: source("purse.yaml") },
];
/** The next version of the contract above. */
export const UPGRADED_LATER = { name: "purse", source: source("purse-2.yaml") };
/** Deployed by governance in the middle of a run. */
export const DEPLOYED_LATER = { name: "notes", source: source("../../e2e/notes.yaml") };

export function castOf(plan: Plan): Cast {
  const ring = new KeyRing();
  const makeKey = (name: string): KeySigner => {
    if (plan.hasRealSignatures)
      return nativeSigner(hashTagged("DOCUMENT", new TextEncoder().encode(`${plan.seed}/${name}`)));
    const { publicKey, sign } = ring.create(`${plan.seed}/${name}`);
    return { suite: 1, publicKey, sign };
  };
  const nodeCount = plan.validatorCount + (plan.hasSpare ? 1 : 0);
  const keys = Array.from({ length: nodeCount }, (_, index) => makeKey(`node ${index}`));
  const seated = keys
    .slice(0, plan.validatorCount)
    .sort((left, right) => compareBytes(left.publicKey, right.publicKey));
  const operators = [...seated, ...keys.slice(plan.validatorCount)].map((key, index): Operator => {
    const organisation = `org-${index}`;
    const admin = { account: `admin-${index}`, organisation, signer: makeKey(`admin ${index}`) };
    const node = { account: `node-${index}`, organisation, signer: key };
    return { organisation, peerId: `peer-${index}`, key, hex: toHex(key.publicKey), admin, node };
  });
  const clients = Array.from({ length: plan.clientCount }, (_, index): Person => {
    const organisation = `org-${index % plan.validatorCount}`;
    return { account: `client-${index}`, organisation, signer: makeKey(`client ${index}`) };
  });
  const accountOf = ({ account, organisation, signer }: Person, role: string) => ({
    id: account,
    organisation,
    roles: [role],
    suite: 1,
    publicKey: signer.publicKey,
  });
  const decoded = decodeGenesis(
    encodeGenesis({
      version: 1,
      name: `sim ${plan.seed}`,
      hashSuite: "sha256",
      timeMs: GENESIS_MS,
      timeScale: 1,
      production: false,
      organisations: operators.map(({ organisation }) => ({ id: organisation, title: organisation, role: "street" })),
      validators: operators.slice(0, plan.validatorCount).map(({ organisation, peerId, key }) => ({
        organisation,
        suite: 1,
        publicKey: key.publicKey,
        peerId,
      })),
      endpoints: operators.map(({ peerId }) => ({ peerId, addresses: [`/sim/${peerId}`] })),
      parameters: plan.parameters,
      contracts: CONTRACTS,
      accounts: [
        ...operators.map(({ admin }) => accountOf(admin, "admin")),
        ...operators.slice(plan.validatorCount).map(({ node }) => accountOf(node, "node")),
        ...clients.map((client) => accountOf(client, "resident")),
      ],
    }),
  );
  if (!decoded.ok) throw new Error(`the genesis of seed ${plan.seed} is invalid: ${decoded.code} ${decoded.detail}`);
  return { genesis: decoded.value, verify: plan.hasRealSignatures ? verifyNative : ring.verify, operators, clients };
}
