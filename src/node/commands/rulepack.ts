// `linli rulepack`: a rule pack against the contract documents of this installation, and against a running ledger; and its way
// into force there. Each number is a proposal of governance of its own; what is sent is decided in ../rule-pack-proposals.ts.

import { fileURLToPath } from "node:url";
import { ledgerTimeMs } from "../../client/ledger-time.ts";
import { LedgerError } from "../../errors.ts";
import { LIBRARY } from "../../installation.ts";
import { loadKeyFile } from "../key-file.ts";
import { changesOf, readRulePack } from "../rule-pack.ts";
import { approvalsNeeded, type Step, stepFor, type Voice, voiceOf } from "../rule-pack-proposals.ts";
import { type NumberStanding, provedRows, standingOf } from "../rule-pack-standing.ts";
import { type Connection, type ConnectOptions, connect } from "./connect.ts";
import { loadDocuments } from "./contract-files.ts";
import { handIn } from "./hand-in.ts";
import { argumentInvalid, printResult } from "./output.ts";

/** above the worst case of every action of governance that is called here */
const GAS_PER_CALL = 12_000;
/** numbers in one transaction: what refuses one of them refuses these, not the pack */
const NUMBERS_PER_TRANSACTION = 16;

/** @throws LedgerError `RULE_PACK_INVALID`, `FILE_MISSING` */
export async function checkRulePack(file: string): Promise<void> {
  const pack = await readRulePack(file);
  const { files, set } = await loadDocuments([fileURLToPath(LIBRARY)]);
  const contracts = files.flatMap((document) => set.check(document).checked ?? []);
  printResult({
    pack: pack.id,
    version: pack.version,
    numbers: pack.numbers.length,
    changes: changesOf(pack, contracts),
  });
}

/** What differs from what is in force on a ledger, in sentences. @throws LedgerError `RULE_PACK_INVALID`, `FILE_MISSING` */
export async function diffRulePack(file: string, options: ConnectOptions): Promise<void> {
  const { pack, standings } = await compare(file, await connect(options));
  const show = (wanted: NumberStanding["standing"]) =>
    standings.filter(({ standing }) => standing === wanted).map(shown);
  printResult({
    proved: true,
    pack: pack.id,
    version: pack.version,
    inForce: show("same").length,
    differs: show("differs"),
    missing: show("missing"),
  });
}

/**
 * Does with every number that differs what is next for the key's organisation: proposes it, approves what others proposed, puts it into force
 * once enough approve.
 * @throws LedgerError `RULE_PACK_INVALID`, `FILE_MISSING`, `TX_WITHOUT_EFFECT`, `ARGUMENT_INVALID`
 */
export async function proposeRulePack(file: string, options: ConnectOptions & { readonly key: string }): Promise<void> {
  const connection = await connect(options);
  const author = await loadKeyFile(options.key, "account");
  const { pack, standings } = await compare(file, connection);
  const read = provedRows(connection.client);
  const nowMs = ledgerTimeMs(connection.genesis, Date.now());
  const voice = await voiceOf(author.account ?? "", nowMs, read);
  if (voice === undefined) throw argumentInvalid("--key", "the administrator of an organisation that has a seat");
  const steps: { readonly standing: NumberStanding; readonly step: Step }[] = [];
  for (const standing of standings.filter((candidate) => candidate.standing === "differs")) {
    const step = await stepFor(standing.number, voice, read);
    if (step === undefined)
      throw new LedgerError("RULE_PACK_PROPOSED_TOO_OFTEN", { number: standing.en }, { remedy: "propose it by hand" });
    steps.push({ standing, step });
  }
  for (let at = 0; at < steps.length; at += NUMBERS_PER_TRANSACTION) {
    const calls = steps.slice(at, at + NUMBERS_PER_TRANSACTION).flatMap(({ step }) => step.calls);
    if (calls.length > 0) await handIn(connection, author, { calls, gasLimit: GAS_PER_CALL * calls.length });
  }
  printResult({
    pack: pack.id,
    version: pack.version,
    organisation: voice.organisation,
    numbers: steps.map(({ standing, step: { proposal, deed, approvals } }) => ({
      ...shown(standing),
      proposal,
      deed,
      approvals,
    })),
    missing: standings.filter(({ standing }) => standing === "missing").map(shown),
    next: next(
      steps.map(({ step }) => step),
      voice,
    ),
  });
}

async function compare(file: string, { client }: Connection) {
  const pack = await readRulePack(file);
  const { header } = await client.head();
  return { pack, standings: await standingOf(pack, provedRows(client), header.height + 1) };
}

function shown({ number: { contract, setting }, zh, en }: NumberStanding) {
  return { setting: `${contract}.${setting}`, zh, en };
}

/** What others have to do. */
function next(steps: readonly Step[], voice: Voice) {
  const open = steps.filter(({ deed }) => deed !== "enacted");
  if (open.length === 0) return { zh: "无待办事项", en: "Nothing is left to do" };
  const needed = approvalsNeeded(voice);
  const fewest = Math.min(...open.map(({ approvals }) => approvals));
  const more = Math.max(needed - fewest, 1);
  const needsOther = open.some(({ independent }) => independent === 0);
  return {
    zh: `${open.length} 项待同意: 须 ${needed} 家有席位的机构同意 (一家机构计一次)${needsOther ? ", 其中至少一家独立于物业、服务商和建设单位" : ""}; 还差 ${more} 家。各机构核对规则包后, 用本机构管理员密钥执行同一命令; 最后一家执行时即生效`,
    en: `${open.length} wait: ${needed} organisations with a seat must approve, each counts once${needsOther ? ", one of them neither property company, provider nor developer" : ""}; ${more} more. Each reads the pack and runs the same command with its administrator's key; with the last one they are in force`,
  };
}
