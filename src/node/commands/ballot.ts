// `linli ballot`: keys of key organisations, sealed ballots of voters, and the opening of ballots when keys are published.
// Prints what goes onto the ledger; a voter's choice and an organisation's secret key never leave this process but sealed or on purpose.

import { sha256 } from "#sha256";
import {
  CHOICES,
  type KeyHolder,
  keysNeeded,
  newBallotKey,
  openBallot,
  type SealedBallot,
  sealBallot,
} from "../../client/ballot.ts";
import type { LinliClient } from "../../client/client.ts";
import type { CallRequest } from "../../client/transaction.ts";
import { LedgerError } from "../../errors.ts";
import { bytesEqual, EMPTY_BYTES } from "../../ledger/hash.ts";
import { namedToJson, type ValueJson, valueFromJson } from "../../ledger/value-json.ts";
import { loadBytes, saveNewFile } from "../genesis-plan.ts";
import { loadKeyFile } from "../key-file.ts";
import { provedFields, type StateReader } from "../proved-fields.ts";
import { type ConnectOptions, connect } from "./connect.ts";
import { handIn } from "./hand-in.ts";
import { argumentInvalid, printRemark, printResult } from "./output.ts";

const CONTRACT = "owners-vote";
const OWNER_ONLY = 0o600;
const PAGE_ROWS = 500;
const CALLS_PER_TRANSACTION = 100;
/** above the worst case of open_ballot */
const GAS_PER_OPENING = 10_000;

/** S20: earlier not every organisation has a key, and a share for none is lost; later no ballot is taken. */
const SEALED_IN = {
  states: ["noticed", "open"],
  remedy: "ballots are sealed from the notice on, when every key organisation has its key, until voting closes",
};
/** S21: before, every ballot would look unreadable. */
const OPENED_IN = {
  states: ["closed"],
  remedy: "ballots are opened when voting has closed (`closes` of the motion), until they are counted",
};

type Row = Readonly<Record<string, ValueJson>>;

/** A key organisation's key of one motion: the file is readable for its owner only, and secret until voting has closed. */
export async function makeBallotKey(motion: string, { out }: { readonly out: string }): Promise<void> {
  const { secret, publicKey, secretHash } = newBallotKey();
  const offer = namedToJson([
    ["motion", motion],
    ["public", publicKey],
    ["secret_hash", secretHash],
  ]);
  const publish = namedToJson([
    ["motion", motion],
    ["secret", secret],
  ]);
  await saveNewFile(out, `${JSON.stringify({ kind: "ballot-key", publish_key: publish }, null, 2)}\n`, OWNER_ONLY);
  printResult({ contract: CONTRACT, action: "offer_key", args: offer });
  printRemark(
    `${out} holds the arguments of publish_key: keep it secret until the vote has closed, and publish it then`,
  );
}

/**
 * A ballot sealed for the motion's key organisations, as arguments of the action `vote`.
 * @throws LedgerError `ARGUMENT_INVALID` when the text is not the published one, the head is not on the roll, or there is no
 *   such motion or choice; `BALLOT_UNTIMELY`, `FILE_MISSING`
 */
export async function sealForMotion(
  ballot: { readonly motion: string; readonly head: string; readonly choice: string },
  options: ConnectOptions & { readonly text: string },
): Promise<void> {
  const { motion, head } = ballot;
  const choice = CHOICES.find((known) => known === ballot.choice);
  if (choice === undefined) throw argumentInvalid("choice", CHOICES.join(", "));
  const { client } = await connect(options);
  const textHash = sha256(await loadBytes(options.text));
  const row = await readMotion(client, motion, SEALED_IN);
  if (!bytesEqual(textHash, bytesOf(row.text_hash))) throw argumentInvalid("--text", `the published text of ${motion}`);
  await expectOnRoll(client, row, head);
  const keys = await publicKeys(client, motion, row);
  const { commitment, sealed } = await sealBallot({ motion, head }, choice, keys);
  const args = namedToJson([
    ["motion", motion],
    ["text_hash", textHash],
    ["commitment", commitment],
    ["sealed", sealed],
  ]);
  printResult({ contract: CONTRACT, action: "vote", args });
}

/**
 * Opens every ballot that the published keys open, and hands the openings in: anybody may.
 * @throws LedgerError `BALLOT_UNTIMELY`, `BALLOT_KEYS_FEW`, `KEY_FILE_*`; `TX_WITHOUT_EFFECT` when openings are refused, e.g.
 *   because somebody else handed them in meanwhile
 */
export async function openMotion(motion: string, options: ConnectOptions & { readonly key: string }): Promise<void> {
  const author = await loadKeyFile(options.key, "account");
  const connection = await connect(options);
  const { client } = connection;
  const row = await readMotion(client, motion, OPENED_IN);
  const holders = await readHolders(client, motion, row);
  const published = expectKeys(motion, holders);
  const calls: CallRequest[] = [];
  let unreadable = 0;
  let listed = 0;
  const cast = Number(row.cast_heads);
  for await (const { head, ballot } of ballots(client, motion)) {
    listed += 1;
    // L321: voting has closed, so no ballot comes any more, and a list that goes on is made up.
    if (!(listed <= cast)) throw listTooLong(motion, cast);
    if (ballot === undefined) continue;
    const opening = await openBallot({ motion, head }, ballot, holders);
    if (opening === undefined) unreadable += 1;
    else calls.push({ contract: CONTRACT, action: "open_ballot", args: { motion, head, ...opening } });
  }
  for (let first = 0; first < calls.length; first += CALLS_PER_TRANSACTION) {
    const batch = calls.slice(first, first + CALLS_PER_TRANSACTION);
    await handIn(connection, author, { calls: batch, gasLimit: GAS_PER_OPENING * batch.length });
    printRemark(`${first + batch.length} of ${calls.length} openings are on the ledger`);
  }
  const sealed = await stillSealed(client, motion);
  printResult({ motion, keysPublished: published, keys: holders.length, opened: calls.length, unreadable, sealed });
  if (sealed > unreadable)
    printRemark(
      `${sealed} ballots are still sealed, and the node showed only ${unreadable} of them: run it again with --url of another node`,
    );
}

async function readMotion(client: LinliClient, motion: string, when: typeof SEALED_IN): Promise<Row> {
  const { fields } = await provedFields(client, { contract: CONTRACT, table: "motion", key: [motion] });
  if (fields === undefined) throw argumentInvalid("motion", `a motion on the ledger; ${motion} is none`);
  const state = String(fields.state);
  if (!when.states.includes(state))
    throw new LedgerError("BALLOT_UNTIMELY", { motion, state }, { remedy: when.remedy });
  return fields;
}

/** S22: a ballot is sealed for one head; with a slip in it nobody could open it, and it would count without consent. */
async function expectOnRoll(client: LinliClient, { roll }: Row, head: string): Promise<void> {
  const { row } = await client.stateGet({ contract: "registry", table: "roll_entry", key: [String(roll), head] });
  if (row === undefined) throw argumentInvalid("head", `an owner on the roll ${String(roll)}; ${head} is none`);
}

/** L321: a node that answers with rows of before the keys were offered would have the ballot sealed for nobody. */
export async function publicKeys(client: StateReader, motion: string, row: Row): Promise<readonly Uint8Array[]> {
  const keys = (await readHolders(client, motion, row)).map(({ publicKey }) => publicKey);
  const offered = keys.filter(({ length }) => length > 0).length;
  if (offered === keys.length) return keys;
  const remedy = "every key organisation has its key once the notice is out: this answer is old; ask another node";
  throw new LedgerError("BALLOT_KEYS_FEW", { motion, offered, needed: keys.length }, { remedy });
}

/** S21. @returns how many are published */
function expectKeys(motion: string, holders: readonly KeyHolder[]): number {
  const published = holders.filter(({ secret }) => secret !== undefined).length;
  const needed = keysNeeded(holders.length);
  if (published >= needed) return published;
  const remedy =
    "each key organisation publishes its key by the action publish_key: `linli query list owners-vote ballot_key`";
  throw new LedgerError("BALLOT_KEYS_FEW", { motion, published, needed }, { remedy });
}

/** In the order of the motion's list, each proved. */
async function readHolders(client: StateReader, motion: string, { holders }: Row): Promise<readonly KeyHolder[]> {
  const organisations = Array.isArray(holders) ? holders.map(String) : [];
  return Promise.all(
    organisations.map(async (organisation) => {
      const key = [motion, organisation];
      const { fields } = await provedFields(client, { contract: CONTRACT, table: "ballot_key", key });
      const secret = bytesOf(fields?.secret);
      return { publicKey: bytesOf(fields?.public), secret: secret.length === 0 ? undefined : secret };
    }),
  );
}

/** L321: how many ballots are not open, proved: a node may have left some out of its list. */
async function stillSealed(client: LinliClient, motion: string): Promise<number> {
  const { fields = {} } = await provedFields(client, { contract: CONTRACT, table: "motion", key: [motion] });
  const { cast_heads, for_heads, against_heads, abstain_heads } = fields;
  return Number(cast_heads) - Number(for_heads) - Number(against_heads) - Number(abstain_heads);
}

function listTooLong(motion: string, cast: number): LedgerError {
  const remedy = "the node makes ballots up; ask another node, and tell both operators";
  return new LedgerError("CLIENT_ANSWER_INVALID", { motion, cast }, { remedy });
}

/** A list is the node's word; a ballot that it makes up is refused by the contract. `ballot` is undefined when it is open already. */
async function* ballots(
  client: LinliClient,
  motion: string,
): AsyncGenerator<{ readonly head: string; readonly ballot: SealedBallot | undefined }> {
  let after: string | undefined;
  do {
    const page = await client.stateList({
      contract: CONTRACT,
      table: "ballot",
      prefix: [motion],
      after,
      limit: PAGE_ROWS,
    });
    for (const { key, fields } of page.rows) {
      const isSealed = fields.choice === "sealed";
      const ballot = isSealed && { commitment: bytesOf(fields.commitment), sealed: bytesOf(fields.sealed) };
      yield { head: String(key.head), ballot: ballot || undefined };
    }
    after = page.rows.length === 0 ? undefined : page.next;
  } while (after !== undefined);
}

function bytesOf(json: ValueJson | undefined): Uint8Array {
  const value = valueFromJson(json);
  return value.ok && value.value instanceof Uint8Array ? value.value : EMPTY_BYTES;
}
