#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=16 --heap-growing-percent=75 --no-allocation-site-pretenuring
// The `linli` command: words, help, signals and exit codes. What a command does stands in node/commands and node/devnet.
// The only process.exit. Loads nothing but the words until it is known what is asked.

import { Command, CommanderError, InvalidArgumentError } from "commander";
import { CONFIG_DEFAULTS, ENVIRONMENT } from "./config.ts";
import { LedgerError } from "./errors.ts";
import { addBallot } from "./node/commands/ballot-words.ts";
import { addImport } from "./node/commands/import-words.ts";
import { printable } from "./node/commands/printable.ts";
import { addRulePack } from "./node/commands/rulepack-words.ts";

export type { Command } from "commander";

const EXIT = { done: 0, failed: 1, usage: 2, notProved: 3, forced: 130 } as const;
const HELP_OF_EXITS = `
Exit codes: 0 done, 1 failed (the message says why and what to do), 2 wrong words, 3 a proof does not hold.`;
const DEFAULT_URL = `http://127.0.0.1:${CONFIG_DEFAULTS.rpc.port}`;
const DEVNET_DIRECTORY = "data/devnet";
/** An older one loads the program and fails somewhere in the middle. */
const NODE_MAJOR = 24;

/** One Ctrl-C arrives more than once: from the terminal, from npm, and from the devnet that stops its nodes. */
const SAME_STOP_MS = 2_000;
/** Aborted by the first SIGINT or SIGTERM; one that comes later ends the process at once. */
const stopping = new AbortController();
let stopAskedMs: number | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    const nowMs = performance.now();
    stopAskedMs ??= nowMs;
    if (nowMs - stopAskedMs > SAME_STOP_MS) process.exit(EXIT.forced);
    stopping.abort();
  });
}

/** What a command that judges has found: files with errors, tests that fail. It has said so itself. */
let isWell = true;

process.exit(await main(process.argv));

async function main(words: readonly string[]): Promise<number> {
  try {
    const { version } = process;
    if (Number.parseInt(version.slice(1), 10) < NODE_MAJOR)
      throw new LedgerError("NODE_TOO_OLD", { version, needed: NODE_MAJOR }, { remedy: "use node_modules/.bin/node" });
    await program().parseAsync(words);
    return isWell ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return explain(error);
  }
}

function explain(error: unknown): number {
  if (!(error instanceof LedgerError)) {
    // A fault of this program: its stack is what a report needs.
    process.stderr.write(
      `linli: unexpected failure\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.failed;
  }
  process.stderr.write(`linli: ${printable(error.message)}\n`);
  if (error.cause instanceof Error)
    process.stderr.write(`       caused by: ${printable(withoutStack(error.cause.message))}\n`);
  if (error.code === "ARGUMENT_INVALID") return EXIT.usage;
  return ["PROOF_REFUSED", "FORK_UNPROVED"].includes(error.code) ? EXIT.notProved : EXIT.failed;
}

/** Libraries put stacks of what they caught into their messages; an operator can do nothing with those. */
function withoutStack(message: string): string {
  const lines = message.split("\n").filter((line) => !line.startsWith("      at "));
  return lines.join("\n").trimEnd();
}

function program(): Command {
  const linli = new Command("linli")
    .description("Linli (邻里): the ledger node of a residential community. Start with: linli devnet")
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText("after", HELP_OF_EXITS);
  addKeys(linli);
  addGenesis(linli);
  addNodes(linli);
  addTx(linli);
  addQuery(linli);
  addVerify(linli);
  addBallot(linli, asking);
  addImport(linli, asking);
  addRulePack(linli, asking);
  addContract(linli);
  return linli;
}

function addKeys(linli: Command): void {
  const keys = linli
    .command("keys")
    .description("make the keys of a node or of a person, or show the public half of one");
  keys
    .command("node")
    .description("make a node's home: keys, node.yaml, and member.json, which goes to whoever makes the genesis")
    .requiredOption("--home <dir>", "directory to make (LINLI_HOME)", ENVIRONMENT.home)
    .requiredOption("--organisation <id>", "short name of your organisation, e.g. property")
    .requiredOption("--title <text>", "full name, as residents know it")
    .requiredOption("--role <role>", "property, street, provider, government, committee, residents, auditor, ...")
    .requiredOption(
      "--address <multiaddr...>",
      "where other members reach this node, e.g. /dns4/node.property.example/tcp/26000",
    )
    .addHelpText(
      "after",
      example(
        'linli keys node --home ./property --organisation property --title "阳光物业" --role property --address /ip4/192.0.2.10/tcp/26000',
      ),
    )
    .action(async (options) => (await import("./node/commands/keys.ts")).makeNodeKeys(options));
  keys
    .command("account")
    .description("make the key of a person or a machine that signs transactions")
    .requiredOption("--id <account>", "id of the account, e.g. property-clerk")
    .option("--role <role...>", "roles it has from the genesis on; only with --member", [])
    .requiredOption("--out <file>", "key file to make; its mode is 0600")
    .option("--member <file>", "add the account to this member.json, so that it is in the genesis")
    .addHelpText(
      "after",
      example("linli keys account --id property-clerk --role pm_finance --out clerk.key --member property/member.json"),
    )
    .action(async (options) => (await import("./node/commands/keys.ts")).makeAccountKey(options));
  keys
    .command("recover")
    .description(
      "say that a node's vote record is lost, so that its key may vote again once the others have told where they are",
    )
    .requiredOption("--home <dir>", "home of the node, which must be stopped (LINLI_HOME)", ENVIRONMENT.home)
    .option("--confirm <digits>", "first digits of the validator key: no other copy of this node runs or ever will")
    .option("--restored", "the record is there, but came back from a copy", false)
    .addHelpText("after", example("linli keys recover --home ./property"))
    .action(async (options) => (await import("./node/commands/recover.ts")).recoverVoteRecord(options));
  keys
    .command("show <file>")
    .description("show the public half of a key file")
    .action(async (file: string) => (await import("./node/commands/keys.ts")).showKey(file));
}

function addGenesis(linli: Command): void {
  linli
    .command("genesis <plan>")
    .description("make the genesis file from a plan that names the members' public descriptions")
    .option("--out <file>", "file to make", "genesis.json")
    .addHelpText("after", example("linli genesis config/genesis-seven.yaml --out genesis.json"))
    .action(async (plan: string, options) =>
      (await import("./node/commands/genesis.ts")).makeGenesis({ ...options, plan }),
    );
}

function addNodes(linli: Command): void {
  linli
    .command("start")
    .description("run the node of a home directory until Ctrl-C")
    .requiredOption("--home <dir>", "home made by `linli keys node` (LINLI_HOME)", ENVIRONMENT.home)
    .addHelpText("after", example("linli start --home ./property"))
    .action(async (options) => (await import("./node/commands/start.ts")).runNode(options, stopping.signal));
  linli
    .command("devnet")
    .description("a whole network on this machine: plays one day of a community and keeps serving until Ctrl-C")
    .option("--nodes <number>", "organisations that run a node, 4 to 7", wholeNumber(4, 7), 4)
    .option("--once", "end after the summary", false)
    .option("--json", "print the summary as one line of JSON at the end", false)
    .option("--data <dir>", "where it keeps keys and data; a second start goes on from there", DEVNET_DIRECTORY)
    .option("--port <base>", "peers at base + i, clients at base + 100 + i", wholeNumber(1_024, 32_000), 26_000)
    .addHelpText("after", example("linli devnet --once"))
    .action(async (options) => (await import("./node/devnet/devnet.ts")).runDevnet(options, stopping.signal));
  linli
    .command("community")
    .description("write the example community as CSV files: buildings, units, heads, devices, tariffs")
    .option("--out <dir>", "directory to write to", "data/community")
    .option("--seed <number>", "the same seed gives the same community", wholeNumber(0, 2 ** 31 - 1), 1)
    .addHelpText("after", example("linli community --out data/community"))
    .action(async (options) => (await import("./node/commands/community.ts")).makeCommunity(options));
}

function addTx(linli: Command): void {
  const tx = linli.command("tx").description("sign and send transactions, wait for receipts, prove them");
  committing(asking(tx.command("send")))
    .description("sign one call with a key file, send it, wait for the receipt and prove it")
    .requiredOption("--key <file>", "key file of the account that signs")
    .requiredOption("--contract <name>", "contract to call")
    .requiredOption("--action <name>", "action of the contract")
    .option("--args <json>", "arguments by name", "{}")
    .addHelpText(
      "after",
      example(`linli tx send --key clerk.key --contract polls --action support --args '{"suggestion":"benches"}'`),
    )
    .action(async (options) => (await import("./node/commands/tx.ts")).sendTransaction(options));
  committing(asking(tx.command("ready")))
    .description("let the node of a proposed seat declare with its own key that it runs and has caught up")
    .requiredOption("--key <file>", "key file of the validator that shall get the seat")
    .requiredOption("--account <id>", "account of that key, with the role `node`")
    .requiredOption("--proposal <id>", "proposal of the seat")
    .requiredOption("--node <url>", "where that node answers; --url is a member that has a seat")
    .addHelpText(
      "after",
      example(
        "linli tx ready --key keys/validator.key --account auditor-node --proposal add-1 --node http://127.0.0.1:26100 --url https://street.example",
      ),
    )
    .action(async (options) => (await import("./node/commands/ready.ts")).declareReady(options));
  asking(tx.command("wait <txId>"))
    .description("wait for a receipt and prove it")
    .option("--wait <seconds>", "how long", wholeNumber(0, 86_400), 30)
    .option("--out <file>", "save the receipt's proof")
    .action(async (txId: string, options) => (await import("./node/commands/tx.ts")).waitForTransaction(txId, options));
  asking(tx.command("receipt <txId>"))
    .description("what became of a transaction, proved")
    .option("--out <file>", "save the receipt's proof")
    .addHelpText("after", example("linli tx receipt 5f0c... --out receipt.json && linli verify receipt.json"))
    .action(async (txId: string, options) => (await import("./node/commands/tx.ts")).showTransaction(txId, options));
}

function addQuery(linli: Command): void {
  const query = linli
    .command("query")
    .description("ask a node; answers are proved against your own genesis file where a proof exists");
  const load = () => import("./node/commands/query.ts");
  asking(query.command("head"))
    .description("the newest committed block (proved)")
    .option("--current", "also prove that nothing newer was committed elsewhere", false)
    .action(async (options) => (await load()).queryHead(options));
  asking(query.command("block"))
    .description("one committed block and its transactions (proved)")
    .argument("<height>", "from 1 on", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action(async (height: number, options) => (await load()).queryBlock(height, options));
  asking(query.command("testimony"))
    .description("save what this node can say of a height if the ledger has forked, for `linli verify fork`")
    .argument("<height>", "from 1 on", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .requiredOption("--out <file>", "where to save it")
    .addHelpText("after", example("linli query testimony 12 --out a.json"))
    .action(async (height: number, options) => (await load()).queryTestimony(height, options));
  asking(query.command("state <contract> <table> <key...>"))
    .description("one row, or the proof that there is none (proved)")
    .option("--out <file>", "save the proof")
    .addHelpText("after", example("linli query state registry account street-admin"))
    .action(async (contract: string, table: string, key: string[], options) =>
      (await load()).queryState({ contract, table, key }, options),
    );
  asking(query.command("list <contract> <table> [prefix...]"))
    .description("rows of a table in key order, a page at a time (not proved)")
    .option("--limit <rows>", "rows of a page", wholeNumber(1, 500), 20)
    .option("--after <cursor>", "the field next of the page before")
    .addHelpText("after", example("linli query list registry account"))
    .action(async (contract: string, table: string, prefix: string[], options) =>
      (await load()).queryList({ contract, table, prefix }, options),
    );
  asking(query.command("contract [name]"))
    .description("the deployed contracts, or the source, tables and actions of one (not proved)")
    .action(async (name: string | undefined, options) =>
      (await load()).queryUnproved(
        name === undefined ? "contract_list" : "contract_get",
        name === undefined ? {} : { name },
        options,
      ),
    );
  asking(query.command("status"))
    .description("where the node stands in consensus and what it waits for (its own word)")
    .action(async (options) => (await load()).queryUnproved("consensus_status", {}, options));
  asking(query.command("node"))
    .description("who the node is (its own word)")
    .action(async (options) => (await load()).queryUnproved("node_info", {}, options));
}

function addVerify(linli: Command): void {
  const genesisDefault = ENVIRONMENT.genesis ?? `${DEVNET_DIRECTORY}/genesis.json`;
  linli
    .command("verify <proof>")
    .description("check a saved proof, or its hexadecimal digits, with nothing but the genesis file; needs no node")
    .option("--genesis <file>", "your own copy of the genesis file (LINLI_GENESIS)", genesisDefault)
    .option("--kind <kind>", "receipt or state, for bare digits", proofKind)
    .addHelpText("after", example("linli verify receipt.json --genesis genesis.json"))
    .action(async (proof: string, options) => (await import("./node/commands/verify.ts")).verifyProof(proof, options))
    .command("fork <testimonies...>")
    .description("who is guilty when two nodes have certified different blocks of one height; needs no node")
    .option("--genesis <file>", "your own copy of the genesis file (LINLI_GENESIS)", genesisDefault)
    .addHelpText("after", example("linli verify fork a.json b.json --genesis genesis.json"))
    // `verify` has an option of that name, too, and is the one that gets it.
    .action(async (files: string[], _, command: Command) =>
      (await import("./node/commands/verify-fork.ts")).verifyFork(files, command.optsWithGlobals()),
    );
}

function addContract(linli: Command): void {
  const contract = linli
    .command("contract")
    .description("write contracts: check, test, format and explain documents of the rule language (docs/contracts.md)");
  const load = () => import("./node/commands/contract.ts");
  judging(contract.command("check <files...>"))
    .description("what is wrong with documents, where, and what was probably meant; directories are taken whole")
    .option("--json", "print one JSON array of findings", false)
    .addHelpText("after", example("linli contract check contracts/fees.yaml --with contracts/registry.yaml"))
    .action(async (files: string[], options) => {
      isWell = await (await load()).checkContracts(files, options);
    });
  judging(contract.command("test <file>"))
    .description("run the author's tests of a document, and say what no test reaches")
    .option("--tests <file>", "the tests; NAME.test.yaml beside NAME.yaml by default")
    .option("--no-coverage", "do not list what no test reaches")
    .addHelpText("after", example("linli contract test contracts/fees.yaml"))
    .action(async (file: string, options) => {
      isWell = await (await load()).testContract(file, options);
    });
  judging(contract.command("cost <file>"))
    .description("what each action can cost at most, part by part, before it ever runs")
    .option("--json", "print one JSON array of actions", false)
    .addHelpText("after", example("linli contract cost contracts/fees.yaml"))
    .action(async (file: string, options) => (await load()).costOfContract(file, options));
  contract
    .command("format <files...>")
    .description("put documents into canonical layout; comments and expressions stay as written")
    .option("--check", "change nothing; fail when a document is not in canonical layout", false)
    .addHelpText("after", example("linli contract format contracts/"))
    .action(async (files: string[], options) => {
      isWell = await (await load()).formatContracts(files, options);
    });
  addContractWords(contract);
  addContractExplain(contract);
  addContractDecisions(contract);
}

function addContractDecisions(contract: Command): void {
  const load = () => import("./node/commands/contract-proposal.ts");
  const deciding = (command: Command) =>
    asking(judging(command))
      .option("--tests <file>", "the tests; NAME.test.yaml beside NAME.yaml by default")
      .requiredOption("--key <file>", "key file of your organisation's administrator, for the printed line")
      .requiredOption("--seat <number>", "your organisation's seat, for the printed line", wholeNumber(0, 99));
  deciding(contract.command("propose <file>"))
    .description("run the tests of a contract and print the line that proposes it to governance with their digest")
    .option("--id <id>", "of the proposal; the name and the digest of the text by default")
    .option("--height <number>", "from which it is in force; 0: the next block", wholeNumber(0, 2 ** 53 - 1), 0)
    .addHelpText("after", example("linli contract propose fees.yaml --key admin.key --seat 0"))
    .action(async (file: string, options) => {
      isWell = await (await load()).proposeContract(file, options);
    });
  deciding(contract.command("review"))
    .description("before you approve: are these the text and tests proposed, do they pass, what changes; then the line")
    .requiredOption("--proposal <id>", "id of the proposal")
    .requiredOption("--source <file>", "the document, as you were given it")
    .addHelpText(
      "after",
      example("linli contract review --proposal fees-5f0c --source fees.yaml --key admin.key --seat 2"),
    )
    .action(async (options) => {
      isWell = await (await load()).reviewProposal(options);
    });
}

function addContractWords(contract: Command): void {
  const load = () => import("./node/commands/contract-words.ts");
  speaking(judging(contract.command("render <file>")))
    .description(
      "the document as officials read it: who may do what, under which conditions, with which numbers and law",
    )
    .option("--html", "a page instead of Markdown", false)
    .addHelpText("after", example("linli contract render contracts/fees.yaml --language zh > fees.md"))
    .action(async (file: string, options) => (await load()).renderDocument(file, options));
  speaking(judging(contract.command("diff <before> <after>")))
    .description("what an upgrade changes, in sentences, and whether it would be accepted (exit code 1: it would not)")
    .addHelpText("after", example("linli contract diff fees-1.yaml fees-2.yaml"))
    .action(async (before: string, after: string, options) => {
      isWell = await (await load()).diffDocuments({ before, after }, options);
    });
}

function addContractExplain(contract: Command): void {
  const load = () => import("./node/commands/contract-explain.ts");
  asking(contract.command("explain <file> <action>"))
    .description("try an action without doing it: every condition with its values, and what would happen")
    .requiredOption("--as <who>", "role/id@organisation, as in tests; with --node the id of an account")
    .option("--with <json>", "arguments by name", "{}")
    .option("--state <file>", "rows, money and settings there are: the given of a test, in YAML or JSON")
    .option("--at <ms>", "ledger time")
    .option("--imports <file...>", "more documents, or directories, in which imports are looked for", [])
    .option("--node", "ask the node at --url instead; <file> is then the name of a deployed contract", false)
    .option("--json", "print one JSON object", false)
    .addHelpText(
      "after",
      example(
        `linli contract explain contracts/fees.yaml open_run --as pm_finance/clerk@property --with '{"community":"c1","period":202601}' --state given.yaml`,
      ),
    )
    .action(async (file: string, action: string, options) => {
      const { explainAtNode, explainInFile } = await load();
      isWell = await (options.node ? explainAtNode(file, action, options) : explainInFile(file, action, options));
    });
}

function speaking(command: Command): Command {
  return command.option("--language <language>", "zh or en; both by default", language);
}

function language(text: string): "zh" | "en" {
  if (text !== "zh" && text !== "en") throw new InvalidArgumentError("expected zh or en");
  return text;
}

/** Imports are found beside the file, in the library, and in what is named here. */
function judging(command: Command): Command {
  return command.option("--with <file...>", "more documents, or directories, in which imports are looked for", []);
}

function asking(command: Command): Command {
  return command
    .option("--url <url>", "node to ask (LINLI_URL)", ENVIRONMENT.url ?? DEFAULT_URL)
    .option(
      "--genesis <file>",
      "your own copy of the genesis file (LINLI_GENESIS)",
      ENVIRONMENT.genesis ?? `${DEVNET_DIRECTORY}/genesis.json`,
    );
}

function committing(command: Command): Command {
  return command
    .option("--gas <number>", "most it may cost", wholeNumber(1, Number.MAX_SAFE_INTEGER), 10_000_000)
    .option(
      "--valid-for <seconds>",
      "how long it may be executed from now on; at most the replay window, 600 by default",
      wholeNumber(1, 86_400 * 365),
      300,
    )
    .option("--wait <seconds>", "how long to wait for the receipt; 0: do not", wholeNumber(0, 86_400), 30)
    .option("--out <file>", "save the receipt's proof");
}

function example(line: string): string {
  return `\nExample:\n  ${line}`;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    return value;
  };
}

function proofKind(text: string): "receipt" | "state" {
  if (text !== "receipt" && text !== "state") throw new InvalidArgumentError("expected receipt or state");
  return text;
}
