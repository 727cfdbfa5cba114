// Bytes of validator sets and parameters: the facts of the cluster that headers and results commit to.
// Never decides who may change them: that is governance.

import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode, type Reader, type Value } from "./codec.ts";
import { compareBytes, type Hash, hashTagged } from "./hash.ts";
import { LIMITS, publicKeyBounds } from "./limits.ts";
import { FORMAT_VERSION, type Parameters, type Validator } from "./types.ts";

const VALIDATORS_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.validatorsBytesMax };
const PARAMETERS_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.parametersBytesMax };

/** @param validators in ascending byte order of their keys */
export function encodeValidators(validators: readonly Validator[]): Uint8Array {
  return encode(validatorsItems(validators));
}

/** Refuses sets out of key order or with a key or peer id twice (pitfall 4). */
export function decodeValidators(bytes: Uint8Array): Verdict<readonly Validator[]> {
  return decodeWith(bytes, VALIDATORS_LIMITS, readValidators);
}

/** The same set is asked about ten times for each block: what it hashes to is kept with it, for as long as it is in use. */
const validatorsHashes = new WeakMap<readonly Validator[], Hash>();

export function validatorsHashOf(validators: readonly Validator[]): Hash {
  const known = validatorsHashes.get(validators);
  if (known !== undefined) return known;
  const hash = hashTagged("VALIDATORS", encodeValidators(validators));
  validatorsHashes.set(validators, hash);
  return hash;
}

export function encodeParameters(parameters: Parameters): Uint8Array {
  return encode(parametersItems(parameters));
}

export function decodeParameters(bytes: Uint8Array): Verdict<Parameters> {
  return decodeWith(bytes, PARAMETERS_LIMITS, readParameters);
}

const parametersHashes = new WeakMap<Parameters, Hash>();

export function parametersHashOf(parameters: Parameters): Hash {
  const known = parametersHashes.get(parameters);
  if (known !== undefined) return known;
  const hash = hashTagged("PARAMETERS", encodeParameters(parameters));
  parametersHashes.set(parameters, hash);
  return hash;
}

/** `[version, [[organisation, suite, publicKey, peerId]...]]`. */
export function validatorsItems(validators: readonly Validator[]): Value {
  return [
    FORMAT_VERSION,
    validators.map((validator) => [validator.organisation, validator.suite, validator.publicKey, validator.peerId]),
  ];
}

export function readValidators(reader: Reader): readonly Validator[] {
  reader.tuple(2);
  reader.version(FORMAT_VERSION);
  const validators = reader.list(LIMITS.validatorsMin, LIMITS.validatorsMax, readValidator);
  for (let index = 1; index < validators.length; index += 1) {
    const before = validators[index - 1] as Validator;
    if (compareBytes(before.publicKey, (validators[index] as Validator).publicKey) >= 0) reader.fail("VALIDATOR_ORDER");
  }
  if (new Set(validators.map((validator) => validator.peerId)).size !== validators.length) {
    reader.fail("VALIDATOR_PEER_TWICE");
  }
  return validators;
}

/** `[version, protocol, replayWindowMs, ...]` in the order of the type's fields. */
export function parametersItems(parameters: Parameters): Value {
  return [
    FORMAT_VERSION,
    parameters.protocol,
    parameters.replayWindowMs,
    parameters.clockSkewMsMax,
    parameters.rotationHeights,
    parameters.blockBytesMax,
    parameters.blockTransactionsMax,
    parameters.batchBytesMax,
    parameters.blockGasMax,
    parameters.timerGasMax,
  ];
}

export function readParameters(reader: Reader): Parameters {
  reader.tuple(10);
  reader.version(FORMAT_VERSION);
  return {
    protocol: reader.uint(1),
    replayWindowMs: reader.uint(1),
    clockSkewMsMax: reader.uint(1),
    rotationHeights: reader.uint(1),
    blockBytesMax: reader.uint(1, LIMITS.blockBytesMax),
    blockTransactionsMax: reader.uint(1, LIMITS.blockTransactionsMax),
    batchBytesMax: reader.uint(1, LIMITS.batchBytesMax),
    blockGasMax: reader.uint(1),
    timerGasMax: reader.uint(1),
  };
}

function readValidator(reader: Reader): Validator {
  reader.tuple(4);
  const organisation = reader.text(1, LIMITS.nameBytesMax);
  const suite = reader.uint(1, LIMITS.suiteMax);
  const publicKey = reader.byteString(...publicKeyBounds(suite));
  return { organisation, suite, publicKey, peerId: reader.text(1, LIMITS.peerIdBytesMax) };
}
