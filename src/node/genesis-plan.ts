// From a plan and the members' public descriptions to a genesis: what `linli genesis` does.
// Reads public files only. No secret leaves the machine on which it was made.

import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Fields, type FieldsOptions } from "../client/fields.ts";
import { genesisFromJson, genesisToJson, readParameters, sealGenesis } from "../client/genesis-json.ts";
import { parseYaml } from "../config.ts";
import { newestOf, PROTOCOLS } from "../contracts/protocols.ts";
import { LedgerError } from "../errors.ts";
import type { GenesisAccount, GenesisContract, GenesisOrganisation, SealedGenesis } from "../ledger/genesis.ts";
import { toHex } from "../ledger/hash.ts";
import { FORMAT_VERSION, type Parameters } from "../ledger/types.ts";
import { GENESIS_CONTRACTS, loadLibraryContract } from "./devnet/library.ts";

/** What an organisation tells the others about itself: made by `linli keys node`, nothing in it is secret. */
export interface Member {
  readonly organisation: GenesisOrganisation;
  /** undefined: takes part with accounts, runs no node */
  readonly node:
    | {
        readonly suite: number;
        readonly publicKey: Uint8Array;
        readonly peerId: string;
        readonly addresses: readonly string[];
      }
    | undefined;
  readonly accounts: readonly Omit<GenesisAccount, "organisation">[];
}

const MEMBER_FORMAT = "linli-member-1";
/** Parameters of a new ledger; a plan may name others. */
export const PARAMETER_DEFAULTS: Parameters = Object.freeze({
  protocol: newestOf(PROTOCOLS),
  replayWindowMs: 600_000,
  clockSkewMsMax: 2_000,
  rotationHeights: 1_000,
  blockBytesMax: 4 << 20,
  blockTransactionsMax: 10_000,
  batchBytesMax: 512 << 10,
  // About 4 ns a unit (docs/gas.md): the costliest block takes 1.6 s, well within the patience of a view.
  blockGasMax: 400_000_000,
  timerGasMax: 100_000_000,
});

/** Bounds stated in wall time, as the ledger's clock counts them: they scale with it. */
export function inLedgerTime(parameters: Parameters, timeScale: number): Parameters {
  return {
    ...parameters,
    replayWindowMs: parameters.replayWindowMs * timeScale,
    clockSkewMsMax: parameters.clockSkewMsMax * timeScale,
  };
}

export function memberToJson(member: Member): string {
  const { organisation, node, accounts } = member;
  const content = {
    format: MEMBER_FORMAT,
    organisation: { id: organisation.id, title: organisation.title, role: organisation.role },
    ...(node === undefined
      ? {}
      : {
          node: { suite: node.suite, publicKey: toHex(node.publicKey), peerId: node.peerId, addresses: node.addresses },
        }),
    accounts: accounts.map(({ id, roles, suite, publicKey }) => ({ id, roles, suite, publicKey: toHex(publicKey) })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** @throws LedgerError `MEMBER_FILE_INVALID`, `FILE_MISSING` */
export async function loadMember(file: string): Promise<Member> {
  const remedy = "let the organisation send its member.json again, as `linli keys node` wrote it";
  const fields = await loadFields(file, { code: "MEMBER_FILE_INVALID", place: file, remedy });
  fields.oneOf("format", [MEMBER_FORMAT]);
  const member = {
    organisation: readOrganisation(fields.object("organisation")),
    node: fields.has("node") ? readNode(fields.object("node")) : undefined,
    accounts: fields.objects("accounts", readAccount, []),
  };
  fields.end();
  return member;
}

/**
 * Makes a genesis from a plan file; paths in it are relative to it.
 * @param nowMs time of the genesis, ms since 1970
 * @throws LedgerError `PLAN_INVALID`, `FILE_MISSING`, `MEMBER_FILE_INVALID`, `GENESIS_INVALID`
 */
export async function genesisFromPlan(planFile: string, nowMs: number): Promise<SealedGenesis> {
  const base = dirname(resolve(planFile));
  const remedy = "correct the plan; config/genesis-seven.yaml explains every key";
  const fields = await loadFields(planFile, { code: "PLAN_INVALID", place: planFile, remedy });
  const plan = {
    name: fields.text("name"),
    production: fields.flag("production", true),
    timeScale: fields.integer("timeScale", { min: 1 }, 1),
    members: fields.texts("members"),
    contracts: fields.has("contracts") ? fields.texts("contracts") : undefined,
    parameters: readParameters(fields.object("parameters", {}), PARAMETER_DEFAULTS),
  };
  fields.end();
  const members = await Promise.all(plan.members.map((file) => loadMember(resolve(base, file))));
  const contracts =
    plan.contracts === undefined
      ? await shippedContracts()
      : await Promise.all(plan.contracts.map((file) => loadContract(resolve(base, file))));
  const nodes = members.flatMap(({ organisation, node }) =>
    node === undefined ? [] : [{ organisation: organisation.id, ...node }],
  );
  return sealGenesis({
    version: FORMAT_VERSION,
    name: plan.name,
    hashSuite: "sha256",
    timeMs: nowMs,
    timeScale: plan.timeScale,
    production: plan.production,
    organisations: members.map(({ organisation }) => organisation),
    validators: nodes.map(({ organisation, suite, publicKey, peerId }) => ({ organisation, suite, publicKey, peerId })),
    endpoints: nodes.map(({ peerId, addresses }) => ({ peerId, addresses })),
    parameters: inLedgerTime(plan.parameters, plan.timeScale),
    contracts,
    accounts: members.flatMap(({ organisation, accounts }) =>
      accounts.map((account) => ({ ...account, organisation: organisation.id })),
    ),
  });
}

async function shippedContracts(): Promise<readonly GenesisContract[]> {
  return Promise.all(GENESIS_CONTRACTS.map(async (name) => ({ name, source: await loadLibraryContract(name) })));
}

/** @throws LedgerError `FILE_MISSING`, `CONTRACT_FILE_INVALID` */
export async function loadContract(file: string): Promise<GenesisContract> {
  const source = await loadText(file);
  const document = parseYaml(source, { code: "CONTRACT_FILE_INVALID", place: file });
  const name =
    typeof document === "object" && document !== null && "contract" in document ? document.contract : undefined;
  if (typeof name !== "string")
    throw new LedgerError("CONTRACT_FILE_INVALID", { file, expected: "a key contract with the contract's name" });
  return { name, source };
}

/** @throws LedgerError `FILE_MISSING`, `GENESIS_FILE_INVALID`, `GENESIS_INVALID`, `GENESIS_CHAIN_ID` */
export async function loadGenesisFile(file: string): Promise<SealedGenesis> {
  return genesisFromJson(await loadText(file));
}

/** Never replaces a genesis: another one would be another ledger. @throws LedgerError `FILE_EXISTS`, `FILE_UNWRITABLE` */
export async function saveGenesisFile(file: string, genesis: SealedGenesis): Promise<void> {
  await saveNewFile(file, genesisToJson(genesis));
}

function fileExists(file: string): LedgerError {
  return new LedgerError("FILE_EXISTS", { file }, { remedy: "choose another name, or move the old file away" });
}

/** @throws LedgerError `FILE_EXISTS` */
export async function refuseExistingFile(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) throw fileExists(file);
}

/** @throws LedgerError `FILE_EXISTS`, `FILE_UNWRITABLE` */
export async function saveNewFile(file: string, text: string, mode = 0o666): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { flag: "wx", mode }).catch((error: unknown) => {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (exists) throw fileExists(file);
    throw new LedgerError(
      "FILE_UNWRITABLE",
      { file },
      { cause: error, remedy: "check that the directory is yours and has room" },
    );
  });
}

/** Replaces a file whole. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.draft`;
  await writeFile(draft, text);
  await rename(draft, file);
}

/** @throws LedgerError `FILE_MISSING` */
export async function loadText(file: string): Promise<string> {
  return (await loadBytes(file)).toString("utf8");
}

/** @throws LedgerError `FILE_MISSING` */
export async function loadBytes(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    const remedy =
      error.code === "EISDIR"
        ? "this is a directory; name a file in it"
        : "check the name; what a plan names is relative to the plan, all else to where you are";
    throw new LedgerError("FILE_MISSING", { file }, { cause: error, remedy });
  });
}

async function loadFields(file: string, options: FieldsOptions): Promise<Fields> {
  return new Fields(parseYaml(await loadText(file), options), options);
}

function readOrganisation(fields: Fields): GenesisOrganisation {
  const organisation = { id: fields.text("id"), title: fields.text("title"), role: fields.text("role") };
  fields.end();
  return organisation;
}

function readNode(fields: Fields): Member["node"] {
  const node = {
    suite: fields.integer("suite", { min: 1, max: 255 }),
    publicKey: fields.bytes("publicKey"),
    peerId: fields.text("peerId"),
    addresses: fields.texts("addresses"),
  };
  fields.end();
  return node;
}

function readAccount(fields: Fields): Member["accounts"][number] {
  const account = {
    id: fields.text("id"),
    roles: fields.texts("roles"),
    suite: fields.integer("suite", { min: 1, max: 255 }),
    publicKey: fields.bytes("publicKey"),
  };
  fields.end();
  return account;
}
