// `linli tx ready`: the node of a proposed seat says with the key that would vote that it runs and has caught up.
// Signs nothing for a node that does not answer, runs with another key, or is behind the one that takes the transaction.

import { LinliClient } from "../../client/client.ts";
import { LedgerError } from "../../errors.ts";
import { toHex } from "../../ledger/hash.ts";
import { verifyNative } from "../ed25519-native.ts";
import { loadKeyFile } from "../key-file.ts";
import { type Connection, type ConnectOptions, connect } from "./connect.ts";
import { printRemark } from "./output.ts";
import { type CommitOptions, sendCall } from "./tx.ts";

export interface ReadyOptions extends ConnectOptions, CommitOptions {
  /** key file of the validator whose seat was proposed */
  readonly key: string;
  /** that key's account, of role `node` */
  readonly account: string;
  /** id of the proposal */
  readonly proposal: string;
  /** where the node with that key answers: it has no seat, so another one takes the transaction */
  readonly node: string;
}

/** A busy ledger is some blocks further when the second node is asked. */
const BEHIND_HEIGHTS_MAX = 10;

/** @throws LedgerError NODE_OF_ANOTHER_KEY, NODE_BEHIND, KEY_FILE_*, what asking and sending throw */
export async function declareReady(options: ReadyOptions): Promise<void> {
  const { signer } = await loadKeyFile(options.key, "validator");
  const connection = await connect(options);
  const height = await expectReady(connection, { url: options.node, publicKey: signer.publicKey });
  printRemark(`the node with this key is at height ${height}`);
  const call = { contract: "registry", action: "declare_ready", args: { proposal: options.proposal } };
  await sendCall(connection, { account: options.account, signer }, call, options);
}

/** @returns the height of the node that has that key */
async function expectReady(
  { client, genesis }: Connection,
  node: { readonly url: string; readonly publicKey: Uint8Array },
): Promise<number> {
  const own = new LinliClient({ url: node.url, genesis, verify: verifyNative });
  const runsWith = (await own.call("node_info")).text("validatorKey");
  const expected = toHex(node.publicKey);
  if (runsWith !== expected)
    throw new LedgerError(
      "NODE_OF_ANOTHER_KEY",
      { node: node.url, runsWith, expected },
      { remedy: "start the node with this validator key, and name it with --node" },
    );
  // Its own word will do: who lies to himself gets a seat that does not vote.
  const height = (await own.call("chain_head")).integer("height", { min: 0 });
  const { height: needed } = (await client.head()).header;
  if (height + BEHIND_HEIGHTS_MAX < needed)
    throw new LedgerError(
      "NODE_BEHIND",
      { node: node.url, height, needed },
      { remedy: "let it catch up: `linli query status` shows its height" },
    );
  return height;
}
