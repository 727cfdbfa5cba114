// The first facts of a ledger: who validates, by which parameters, with which contracts and accounts. Its hash is the chain id.
// Never holds a private key; never changes after the first start (governance changes the state, not the genesis).

import { invariant } from "../assert.ts";
import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, ownBytes, type Reader } from "./codec.ts";
import { encodeResult, receiptsRootOf, resultHashOf } from "./format-block.ts";
import {
  parametersHashOf,
  parametersItems,
  readParameters,
  readValidators,
  validatorsHashOf,
  validatorsItems,
} from "./format-cluster.ts";
import { type Hash, hashTagged } from "./hash.ts";
import { historyLeaf } from "./history.ts";
import { LIMITS, publicKeyBounds } from "./limits.ts";
import { FORMAT_VERSION, type Parameters, type Result, type Validator } from "./types.ts";

const GENESIS_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.genesisBytesMax };

export interface GenesisOrganisation {
  readonly id: string;
  /** what residents read */
  readonly title: string;
  readonly role: string;
}

/** How a peer is reached at first; addresses are multiaddrs without the /p2p part. */
export interface GenesisEndpoint {
  readonly peerId: string;
  readonly addresses: readonly string[];
}

export interface GenesisContract {
  readonly name: string;
  /** the text of the rule file */
  readonly source: string;
}

export interface GenesisAccount {
  readonly id: string;
  readonly organisation: string;
  readonly roles: readonly string[];
  readonly suite: number;
  readonly publicKey: Uint8Array;
}

export interface Genesis {
  readonly version: number;
  readonly name: string;
  readonly hashSuite: "sha256";
  /** ledger time of the genesis, ms since 1970 */
  readonly timeMs: number;
  /** how many times faster than the wall the ledger's clock runs; 1 in earnest */
  readonly timeScale: number;
  readonly production: boolean;
  readonly organisations: readonly GenesisOrganisation[];
  /** in key order */
  readonly validators: readonly Validator[];
  readonly endpoints: readonly GenesisEndpoint[];
  readonly parameters: Parameters;
  /** deployed from the start, in this order */
  readonly contracts: readonly GenesisContract[];
  readonly accounts: readonly GenesisAccount[];
}

/** What proofs are checked against: nothing else needs to be trusted. */
export interface TrustAnchor {
  readonly chainId: Hash;
  /** validators(1) */
  readonly validators: readonly Validator[];
}

/** A genesis with the bytes it was read from and their hash. */
export interface SealedGenesis extends Genesis, TrustAnchor {
  readonly bytes: Uint8Array;
}

export function encodeGenesis(genesis: Genesis): Uint8Array {
  return encode([
    genesis.version,
    genesis.name,
    genesis.hashSuite,
    genesis.timeMs,
    genesis.timeScale,
    genesis.production,
    genesis.organisations.map((organisation) => [organisation.id, organisation.title, organisation.role]),
    validatorsItems(genesis.validators),
    genesis.endpoints.map((endpoint) => [endpoint.peerId, endpoint.addresses]),
    parametersItems(genesis.parameters),
    genesis.contracts.map((contract) => [contract.name, contract.source]),
    genesis.accounts.map((account) => [
      account.id,
      account.organisation,
      account.roles,
      account.suite,
      account.publicKey,
    ]),
  ]);
}

/** Refuses production together with a fast clock, names that stand twice, and members of unknown organisations. */
export function decodeGenesis(bytes: Uint8Array): Verdict<SealedGenesis> {
  const own = ownBytes(bytes);
  return decodeWith(own, GENESIS_LIMITS, (reader) => {
    const genesis = readGenesis(reader);
    checkFacts(genesis, reader);
    return { ...genesis, chainId: chainIdOf(own), bytes: own };
  });
}

export function chainIdOf(genesisBytes: Uint8Array): Hash {
  return hashTagged("GENESIS", genesisBytes);
}

/** The facts from which height 1 starts. Height 0 has no header: its block hash is the chain id. */
export interface GenesisHead {
  readonly height: 0;
  readonly blockHash: Hash;
  readonly result: Result;
  readonly resultBytes: Uint8Array;
  readonly resultHash: Hash;
  /** leaf 0 of the history */
  readonly historyLeaf: Hash;
  /** the lead of height 1 is its first validator */
  readonly proposer: Uint8Array;
  readonly headerView: 0;
  readonly certificateView: 0;
  readonly timeMs: number;
  readonly validators: readonly Validator[];
  readonly parameters: Parameters;
}

/** @param stateRoot root of the state after the genesis writes */
export function genesisHead(genesis: SealedGenesis, stateRoot: Hash): GenesisHead {
  const { chainId, validators, parameters, timeMs } = genesis;
  const [first] = validators;
  invariant(first !== undefined, "L8: a genesis has validators");
  const result: Result = {
    version: FORMAT_VERSION,
    stateRoot,
    receiptsRoot: receiptsRootOf([]),
    nextValidatorsHash: validatorsHashOf(validators),
    nextParametersHash: parametersHashOf(parameters),
  };
  const resultBytes = encodeResult(result);
  const resultHash = resultHashOf(resultBytes);
  return {
    height: 0,
    blockHash: chainId,
    result,
    resultBytes,
    resultHash,
    historyLeaf: historyLeaf({ height: 0, blockHash: chainId, resultHash }),
    proposer: first.publicKey,
    headerView: 0,
    certificateView: 0,
    timeMs,
    validators,
    parameters,
  };
}

function readGenesis(reader: Reader): Genesis {
  reader.tuple(12);
  const version = reader.version(FORMAT_VERSION);
  const name = reader.text(1, LIMITS.nameBytesMax);
  if (reader.text(1, LIMITS.nameBytesMax) !== "sha256") reader.fail("GENESIS_HASH_SUITE");
  return {
    version,
    name,
    hashSuite: "sha256",
    timeMs: reader.uint(0),
    timeScale: reader.uint(1),
    production: reader.bool(),
    organisations: reader.list(1, LIMITS.validatorsMax, readOrganisation),
    validators: readValidators(reader),
    endpoints: reader.list(0, LIMITS.validatorsMax, readEndpoint),
    parameters: readParameters(reader),
    contracts: reader.list(0, LIMITS.genesisContractsMax, readContract),
    accounts: reader.list(0, LIMITS.genesisAccountsMax, readAccount),
  };
}

function readOrganisation(reader: Reader): GenesisOrganisation {
  reader.tuple(3);
  return { id: readName(reader), title: reader.text(1, LIMITS.titleBytesMax), role: readName(reader) };
}

function readEndpoint(reader: Reader): GenesisEndpoint {
  reader.tuple(2);
  const peerId = reader.text(1, LIMITS.peerIdBytesMax);
  const readAddress = (inner: Reader): string => inner.text(1, LIMITS.addressBytesMax);
  return { peerId, addresses: reader.list(0, LIMITS.addressesMax, readAddress) };
}

function readContract(reader: Reader): GenesisContract {
  reader.tuple(2);
  return { name: readName(reader), source: reader.text(1, LIMITS.contractSourceBytesMax) };
}

function readAccount(reader: Reader): GenesisAccount {
  reader.tuple(5);
  const id = readName(reader);
  const organisation = readName(reader);
  const roles = reader.list(0, LIMITS.rolesMax, readName);
  const suite = reader.uint(1, LIMITS.suiteMax);
  return { id, organisation, roles, suite, publicKey: reader.byteString(...publicKeyBounds(suite)) };
}

function readName(reader: Reader): string {
  return reader.text(1, LIMITS.nameBytesMax);
}

function checkFacts(genesis: Genesis, reader: Reader): void {
  if (genesis.production && genesis.timeScale > 1) reader.fail("GENESIS_TIME_SCALE");
  const organisations = new Set(genesis.organisations.map((organisation) => organisation.id));
  if (
    organisations.size !== genesis.organisations.length ||
    isRepeated(genesis.endpoints.map((endpoint) => endpoint.peerId)) ||
    isRepeated(genesis.contracts.map((contract) => contract.name)) ||
    isRepeated(genesis.accounts.map((account) => account.id))
  ) {
    reader.fail("GENESIS_NAME_TWICE");
  }
  for (const member of [...genesis.validators, ...genesis.accounts]) {
    if (!organisations.has(member.organisation)) reader.fail("GENESIS_ORGANISATION_UNKNOWN");
  }
}

function isRepeated(names: readonly string[]): boolean {
  return new Set(names).size !== names.length;
}
