// `linli keys`: makes the keys of a node and of people, and the public descriptions that go to the others.
// Secrets stay in their files; what is printed is public.

import { join, resolve } from "node:path";
import { CONFIG_DEFAULTS, CONFIG_FILE } from "../../config.ts";
import { LedgerError } from "../../errors.ts";
import { toHex } from "../../ledger/hash.ts";
import { LIMITS } from "../../ledger/limits.ts";
import { isDiallable } from "../../p2p/address.ts";
import { peerIdOf } from "../../p2p/peer-id.ts";
import {
  loadMember,
  type Member,
  memberToJson,
  refuseExistingFile,
  replaceFile,
  saveNewFile,
} from "../genesis-plan.ts";
import { createKeyFile, createValidatorKey, loadKeyFile, refuseExisting } from "../key-file.ts";
import { argumentInvalid, printRemark, printResult } from "./output.ts";

export interface NodeKeysOptions {
  readonly home: string;
  readonly organisation: string;
  readonly title: string;
  readonly role: string;
  /** multiaddrs by which the other members reach this node */
  readonly address: readonly string[];
}

/** Public description of a node's home, beside its node.yaml. */
const MEMBER_FILE = "member.json";
const ADMIN_KEY_FILE = "keys/admin.key";

/** A new node's home: keys, vote record, node.yaml, member.json. */
export async function makeNodeKeys(options: NodeKeysOptions): Promise<void> {
  const home = resolve(options.home);
  const { keys, data } = CONFIG_DEFAULTS;
  const account = `${options.organisation}-admin`;
  checkId("--organisation", options.organisation, account);
  checkId("--role", options.role, options.role);
  for (const address of options.address)
    if (!isDiallable(address)) throw argumentInvalid("--address", "e.g. /dns4/node.property.example/tcp/26000");
  if (!isTitle(options.title)) throw argumentInvalid("--title", `text of 1 to ${LIMITS.titleBytesMax} bytes`);
  // N256: what is there already is found before anything is made, or half a home with another key would be left.
  for (const file of [keys.validator, keys.peer, ADMIN_KEY_FILE]) await refuseExisting(join(home, file));
  for (const file of [MEMBER_FILE, CONFIG_FILE]) await refuseExistingFile(join(home, file));
  const validator = await createValidatorKey({
    keyFile: join(home, keys.validator),
    votesDirectory: join(home, data.votes),
  });
  const peer = await createKeyFile(join(home, keys.peer), { kind: "peer" });
  const admin = await createKeyFile(join(home, ADMIN_KEY_FILE), { kind: "account", account });
  const member: Member = {
    organisation: { id: options.organisation, title: options.title, role: options.role },
    node: {
      suite: validator.signer.suite,
      publicKey: validator.signer.publicKey,
      peerId: await peerIdOf(peer.seed),
      addresses: options.address,
    },
    accounts: [{ id: account, roles: ["admin"], suite: admin.signer.suite, publicKey: admin.signer.publicKey }],
  };
  await saveNewFile(join(home, MEMBER_FILE), memberToJson(member));
  await saveNewFile(join(home, CONFIG_FILE), nodeYaml(options));
  printResult({
    home,
    organisation: options.organisation,
    validatorKey: toHex(validator.signer.publicKey),
    peerId: member.node?.peerId,
    administrator: account,
  });
  printRemark(`Send ${join(home, MEMBER_FILE)} to whoever makes the genesis; it holds nothing secret.`);
  printRemark(
    `Back up ${join(home, "keys")}, and never ${join(home, data.votes)}: a restored vote record could make this key vote twice.`,
  );
}

export interface AccountKeyOptions {
  readonly id: string;
  readonly role: readonly string[];
  readonly out: string;
  /** member.json to add the account to, so that it is in the genesis */
  readonly member: string | undefined;
}

/** The key of a person or a machine that signs transactions. */
export async function makeAccountKey(options: AccountKeyOptions): Promise<void> {
  checkId("--id", options.id, options.id);
  if (options.member === undefined && options.role.length > 0)
    throw argumentInvalid("--role", "--member too: without it an administrator gives the roles (registry.enrol_staff)");
  const member = options.member === undefined ? undefined : await loadMember(options.member);
  if (member?.accounts.some(({ id }) => id === options.id) === true) {
    throw new LedgerError(
      "ACCOUNT_EXISTS",
      { account: options.id, file: options.member ?? "" },
      { remedy: "choose another id" },
    );
  }
  const key = await createKeyFile(resolve(options.out), { kind: "account", account: options.id });
  const { suite, publicKey } = key.signer;
  if (member !== undefined && options.member !== undefined) {
    const account = { id: options.id, roles: options.role, suite, publicKey };
    await replaceFile(options.member, memberToJson({ ...member, accounts: [...member.accounts, account] }));
  }
  printResult({
    account: options.id,
    roles: options.role,
    suite,
    publicKey: toHex(publicKey),
    file: resolve(options.out),
  });
  if (member === undefined)
    printRemark("Let an administrator of your organisation enrol this public key; until then it cannot sign.");
}

/** The public half of a key file. */
export async function showKey(file: string): Promise<void> {
  for (const kind of ["validator", "peer", "account"] as const) {
    try {
      const { signer, seed, account } = await loadKeyFile(file, kind);
      const identity = kind === "peer" ? { peerId: await peerIdOf(seed) } : {};
      return printResult({
        kind,
        ...(account === undefined ? {} : { account }),
        suite: signer.suite,
        publicKey: toHex(signer.publicKey),
        ...identity,
      });
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code !== "KEY_FILE_KIND") throw error;
    }
  }
}

/** The ledger's own rule for ids, so that nobody learns it only when the genesis is made. */
function checkId(argument: string, id: string, longest: string): void {
  if (!/^[^\s\p{C}]+$/u.test(id) || new TextEncoder().encode(longest).length > LIMITS.nameBytesMax)
    throw argumentInvalid(argument, `a short name without spaces, at most ${LIMITS.nameBytesMax} bytes`);
}

function isTitle(text: string): boolean {
  return text.trim() !== "" && new TextEncoder().encode(text).length <= LIMITS.titleBytesMax;
}

function nodeYaml(options: NodeKeysOptions): string {
  return [
    "# Local facts of this node. Every key with its default and meaning stands in config/node.yaml of the project.",
    `name: ${JSON.stringify(`${options.organisation}-1`)}`,
    "",
  ].join("\n");
}
