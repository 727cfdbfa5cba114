// The genesis as a file that people read and hand on: JSON with hexadecimal keys and the contracts' text.
// Only form: the facts are judged by ledger/genesis.ts over the canonical bytes, whose hash is the chain id.

import { LedgerError } from "../errors.ts";
import { decodeGenesis, encodeGenesis, type Genesis, type SealedGenesis } from "../ledger/genesis.ts";
import { compareBytes, toHex } from "../ledger/hash.ts";
import { FORMAT_VERSION, type Parameters } from "../ledger/types.ts";
import { Fields, type FieldsOptions } from "./fields.ts";

/** Written first in the file, so that whoever opens it knows what it is. */
const FORMAT = "linli-genesis-1";

/** @returns text of the file, ending in a newline */
export function genesisToJson(genesis: SealedGenesis): string {
  const addressesOf = new Map(genesis.endpoints.map((endpoint) => [endpoint.peerId, endpoint.addresses]));
  const file = {
    format: FORMAT,
    chainId: toHex(genesis.chainId),
    name: genesis.name,
    timeMs: genesis.timeMs,
    timeScale: genesis.timeScale,
    production: genesis.production,
    organisations: genesis.organisations.map(({ id, title, role }) => ({ id, title, role })),
    validators: genesis.validators.map(({ organisation, suite, publicKey, peerId }) => ({
      organisation,
      suite,
      publicKey: toHex(publicKey),
      peerId,
      addresses: addressesOf.get(peerId) ?? [],
    })),
    parameters: genesis.parameters,
    accounts: genesis.accounts.map(({ id, organisation, roles, suite, publicKey }) => ({
      id,
      organisation,
      roles,
      suite,
      publicKey: toHex(publicKey),
    })),
    contracts: genesis.contracts.map(({ name, source }) => ({ name, source })),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Reads the file and seals it: the chain id is computed, and must be the one that the file names.
 * @throws LedgerError `GENESIS_FILE_INVALID` (place and what was expected), `GENESIS_INVALID` (facts), `GENESIS_CHAIN_ID`
 */
export function genesisFromJson(text: string): SealedGenesis {
  const options: FieldsOptions = {
    code: "GENESIS_FILE_INVALID",
    place: "",
    remedy: "get the genesis file again from another member: every member has the same one",
  };
  const fields = new Fields(parse(text, options), options);
  fields.oneOf("format", [FORMAT]);
  const chainId = fields.bytes("chainId", 32);
  const genesis = sealGenesis(readGenesis(fields));
  fields.end();
  if (compareBytes(genesis.chainId, chainId) !== 0) {
    throw new LedgerError(
      "GENESIS_CHAIN_ID",
      { named: toHex(chainId), computed: toHex(genesis.chainId) },
      { remedy: "the file was changed after it was made; get it again from another member" },
    );
  }
  return genesis;
}

/** What to do about the faults that people make; all others are bounds of the format. */
const REMEDIES: Readonly<Record<string, string>> = {
  GENESIS_TIME_SCALE: "production: true goes with timeScale: 1 only",
  GENESIS_NAME_TWICE: "name each organisation, account and contract once",
  GENESIS_ORGANISATION_UNKNOWN: "name the organisation of every validator and account among the members",
  VALIDATOR_ORDER: "a validator's key stands twice: name each member once",
  VALIDATOR_PEER_TWICE: "a peer key stands twice: each node has its own",
  CBOR_COUNT: "a list is too short or too long: at least four members need a node",
  CBOR_LENGTH: "a name is empty or longer than 64 bytes",
};

/**
 * Canonical bytes and chain id of a genesis; validators and their endpoints are put in key order.
 * @throws LedgerError `GENESIS_INVALID` with the reason of ledger/genesis.ts
 */
export function sealGenesis(genesis: Genesis): SealedGenesis {
  const validators = [...genesis.validators].sort((left, right) => compareBytes(left.publicKey, right.publicKey));
  // In the validators' order too: the file names addresses beside each validator and keeps no order of their own.
  const placeOf = new Map(validators.map(({ peerId }, place) => [peerId, place]));
  const place = (peerId: string): number => placeOf.get(peerId) ?? validators.length;
  const endpoints = [...genesis.endpoints].sort((left, right) => place(left.peerId) - place(right.peerId));
  const sealed = decodeGenesis(encodeGenesis({ ...genesis, validators, endpoints }));
  if (!sealed.ok) {
    const remedy = REMEDIES[sealed.code] ?? "compare the plan and the members' files with config/genesis-seven.yaml";
    throw new LedgerError("GENESIS_INVALID", { reason: sealed.code, detail: sealed.detail }, { remedy });
  }
  return sealed.value;
}

/** @param fallback what stands for parameters that are not named; without it every one must be */
export function readParameters(fields: Fields, fallback?: Parameters): Parameters {
  const parameters: Parameters = {
    protocol: fields.integer("protocol", { min: 1 }, fallback?.protocol),
    replayWindowMs: fields.integer("replayWindowMs", { min: 1 }, fallback?.replayWindowMs),
    clockSkewMsMax: fields.integer("clockSkewMsMax", { min: 1 }, fallback?.clockSkewMsMax),
    rotationHeights: fields.integer("rotationHeights", { min: 1 }, fallback?.rotationHeights),
    blockBytesMax: fields.integer("blockBytesMax", { min: 1 }, fallback?.blockBytesMax),
    blockTransactionsMax: fields.integer("blockTransactionsMax", { min: 1 }, fallback?.blockTransactionsMax),
    batchBytesMax: fields.integer("batchBytesMax", { min: 1 }, fallback?.batchBytesMax),
    blockGasMax: fields.integer("blockGasMax", { min: 1 }, fallback?.blockGasMax),
    timerGasMax: fields.integer("timerGasMax", { min: 1 }, fallback?.timerGasMax),
  };
  fields.end();
  return parameters;
}

function parse(text: string, options: FieldsOptions): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LedgerError(options.code, { expected: "JSON" }, { cause: error, remedy: options.remedy ?? "" });
  }
}

function readGenesis(fields: Fields): Genesis {
  const validators = fields.objects("validators", (item) => {
    const validator = {
      organisation: item.text("organisation"),
      suite: item.integer("suite", { min: 1, max: 255 }),
      publicKey: item.bytes("publicKey"),
      peerId: item.text("peerId"),
      addresses: item.texts("addresses"),
    };
    item.end();
    return validator;
  });
  return {
    version: FORMAT_VERSION,
    name: fields.text("name"),
    hashSuite: "sha256",
    timeMs: fields.integer("timeMs", { min: 0 }),
    timeScale: fields.integer("timeScale", { min: 1 }),
    production: fields.flag("production"),
    organisations: fields.objects("organisations", (item) => {
      const organisation = { id: item.text("id"), title: item.text("title"), role: item.text("role") };
      item.end();
      return organisation;
    }),
    validators: validators.map(({ organisation, suite, publicKey, peerId }) => ({
      organisation,
      suite,
      publicKey,
      peerId,
    })),
    endpoints: validators.map(({ peerId, addresses }) => ({ peerId, addresses })),
    parameters: readParameters(fields.object("parameters")),
    contracts: fields.objects("contracts", (item) => {
      const contract = { name: item.text("name"), source: item.text("source") };
      item.end();
      return contract;
    }),
    accounts: fields.objects("accounts", (item) => {
      const account = {
        id: item.text("id"),
        organisation: item.text("organisation"),
        roles: item.texts("roles"),
        suite: item.integer("suite", { min: 1, max: 255 }),
        publicKey: item.bytes("publicKey"),
      };
      item.end();
      return account;
    }),
  };
}
