// Key files and the vote record that is born with a validator's key. The only code that writes or reads private keys.
// Never overwrites a file, never reads one that others may read, never lets a seed into an error or a log.

import { constants } from "node:fs";
import { access, link, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Fields } from "../client/fields.ts";
import { decodeVoteRecord, emptyVoteRecord, encodeVoteRecord } from "../consensus/vote-record.ts";
import { LedgerError } from "../errors.ts";
import { bytesEqual, type Hash, toHex } from "../ledger/hash.ts";
import { SUITE_ED25519 } from "../ledger/types.ts";
import type { KeySigner } from "../ports.ts";
import { openVoteRecordFile } from "../store/vote-record-file.ts";
import { generateSeed, nativeSigner } from "./ed25519-native.ts";
import { makeDirectory } from "./make-directory.ts";

/** validator: signs votes. peer: identity in the network. account: signs transactions. Three different keys. */
export type KeyKind = "validator" | "peer" | "account";

export interface LoadedKey {
  readonly signer: KeySigner;
  /** 32 bytes */
  readonly seed: Uint8Array;
  /** id in the registry; account keys only */
  readonly account: string | undefined;
}

const FORMAT = "linli-key-1";
/** Bits of a file's mode that let anybody but its owner in. */
const OTHERS = 0o077;
const KEY_FILE_BYTES_MAX = 4_096;

/**
 * A record that belongs to no chain yet: what a validator's key is born with, before the genesis can exist.
 * The first start for a chain writes that chain into it, durably, before anything is signed; from then on it belongs to
 * that chain alone. The mark stands in the record and not in the key file on purpose: key files are copied and restored,
 * vote records never are, so a restored key meets no record and counts as one that lost it.
 */
const NO_CHAIN: Hash = new Uint8Array(32);

/**
 * Makes a key and writes it, readable for its owner only. On return it survives power loss.
 * @param key.seed 32 bytes; from the operating system's generator if not given
 * @throws LedgerError `KEY_FILE_EXISTS`, `KEY_FILE_UNWRITABLE`
 */
export async function createKeyFile(
  file: string,
  key:
    | { readonly kind: "peer"; readonly seed?: Uint8Array }
    | { readonly kind: "account"; readonly account: string; readonly seed?: Uint8Array },
): Promise<LoadedKey> {
  const account = key.kind === "account" ? key.account : undefined;
  return writeKeyFile(file, { kind: key.kind, account, seed: key.seed ?? generateSeed() });
}

/**
 * Makes a validator's key together with its vote record. The record is durable first: a key without one is never seen.
 * @throws LedgerError `KEY_FILE_EXISTS`, `KEY_FILE_UNWRITABLE`
 */
export async function createValidatorKey(key: {
  readonly keyFile: string;
  readonly votesDirectory: string;
  readonly seed?: Uint8Array;
}): Promise<LoadedKey> {
  const { keyFile, votesDirectory, seed = generateSeed() } = key;
  await refuseExisting(keyFile);
  const { publicKey } = nativeSigner(seed);
  await makeDirectory(votesDirectory).catch((error: unknown) => {
    throw unwritable(votesDirectory, error);
  });
  const record = await openVoteRecordFile(voteRecordPath(votesDirectory, publicKey));
  try {
    await record.save(encodeVoteRecord(emptyVoteRecord({ chainId: NO_CHAIN, publicKey })));
  } finally {
    await record.close();
  }
  return writeKeyFile(keyFile, { kind: "validator", account: undefined, seed });
}

/** Each key has a record of its own, so that a new key never inherits what an old one signed. */
export function voteRecordPath(votesDirectory: string, publicKey: Uint8Array): string {
  return join(votesDirectory, toHex(publicKey).slice(0, 32));
}

/**
 * Binds the record of a key that has never voted to the chain it is started for; leaves every other record alone.
 * On return it survives power loss. What a missing, corrupt or foreign record means is the signer's to say.
 */
export async function bindVoteRecord(key: {
  readonly path: string;
  readonly publicKey: Uint8Array;
  readonly chainId: Hash;
}): Promise<void> {
  const store = await openVoteRecordFile(key.path);
  try {
    const loaded = await store.load();
    if (loaded.kind !== "found") return;
    const unbound = emptyVoteRecord({ chainId: NO_CHAIN, publicKey: key.publicKey });
    const decoded = decodeVoteRecord(loaded.bytes);
    if (!decoded.ok || !bytesEqual(encodeVoteRecord(decoded.value), encodeVoteRecord(unbound))) return;
    await store.save(encodeVoteRecord({ ...unbound, chainId: key.chainId }));
  } finally {
    await store.close();
  }
}

/**
 * Reads a key file.
 * @throws LedgerError `KEY_FILE_MISSING`, `KEY_FILE_UNREADABLE`, `KEY_FILE_OPEN_TO_OTHERS`, `KEY_FILE_INVALID`, `KEY_FILE_KIND`
 */
export async function loadKeyFile(file: string, kind: KeyKind): Promise<LoadedKey> {
  const fields = new Fields(parseJson(await readPrivately(file), file), {
    code: "KEY_FILE_INVALID",
    place: file,
    remedy: "restore the file from your copy; it is never edited by hand",
  });
  fields.oneOf("format", [FORMAT]);
  const found = fields.oneOf<KeyKind>("kind", ["validator", "peer", "account"]);
  fields.integer("suite", { min: SUITE_ED25519, max: SUITE_ED25519 });
  const publicKey = fields.bytes("publicKey", 32);
  const seed = fields.bytes("seed", 32);
  const account = found === "account" ? fields.text("account") : undefined;
  fields.end();
  const signer = nativeSigner(seed);
  if (!bytesEqual(signer.publicKey, publicKey)) throw fields.fault("publicKey", "the public key of this seed");
  if (found !== kind)
    throw new LedgerError(
      "KEY_FILE_KIND",
      { file, found, expected: kind },
      { remedy: `name a file that holds a key of kind ${kind}` },
    );
  return { signer, seed, account };
}

async function writeKeyFile(
  file: string,
  key: { readonly kind: KeyKind; readonly account: string | undefined; readonly seed: Uint8Array },
): Promise<LoadedKey> {
  const signer = nativeSigner(key.seed);
  const account = key.account === undefined ? {} : { account: key.account };
  const content = {
    format: FORMAT,
    kind: key.kind,
    ...account,
    suite: signer.suite,
    publicKey: toHex(signer.publicKey),
    seed: toHex(key.seed),
  };
  await writeOnce(file, `${JSON.stringify(content, null, 2)}\n`).catch((error: unknown) => {
    throw unwritable(file, error);
  });
  return { signer, seed: key.seed, account: key.account };
}

// Whole under another name first, then linked: a link never replaces a file, and a crash leaves no half key.
async function writeOnce(file: string, text: string): Promise<void> {
  await makeDirectory(dirname(file));
  await refuseExisting(file);
  const draft = `${file}.${process.pid}.draft`;
  const handle = await open(draft, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await link(draft, file);
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
  await syncDirectory(dirname(file));
}

async function readPrivately(file: string): Promise<string> {
  const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new LedgerError(
        "KEY_FILE_MISSING",
        { file },
        { remedy: "make it with `linli keys`, or restore it from your copy" },
      );
    throw new LedgerError(
      "KEY_FILE_UNREADABLE",
      { file },
      { cause: error, remedy: "run this as the user who owns the file" },
    );
  });
  try {
    const status = await handle.stat();
    if (!status.isFile() || status.size > KEY_FILE_BYTES_MAX)
      throw new LedgerError("KEY_FILE_INVALID", { file, expected: "a key file" });
    if ((status.mode & OTHERS) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
      throw new LedgerError(
        "KEY_FILE_OPEN_TO_OTHERS",
        { file, mode },
        { remedy: `others on this machine could read the key; run: chmod 600 ${file}` },
      );
    }
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message would quote the file, and so the seed.
    throw new LedgerError(
      "KEY_FILE_INVALID",
      { file, expected: "JSON" },
      { remedy: "restore the file from your copy" },
    );
  }
}

/** @throws LedgerError `KEY_FILE_EXISTS` */
export async function refuseExisting(file: string): Promise<void> {
  const exists = await access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
  if (exists) throw existing(file);
}

function existing(file: string): LedgerError {
  return new LedgerError(
    "KEY_FILE_EXISTS",
    { file },
    { remedy: "keys are never overwritten; move the old one away first if it is really no longer needed" },
  );
}

function unwritable(file: string, error: unknown): LedgerError {
  if (error instanceof LedgerError) return error;
  if (error instanceof Error && "code" in error && error.code === "EEXIST") return existing(file);
  return new LedgerError(
    "KEY_FILE_UNWRITABLE",
    { file },
    { cause: error, remedy: "check that the directory exists, is yours and has room" },
  );
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
