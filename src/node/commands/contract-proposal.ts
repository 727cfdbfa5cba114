// `linli contract propose` and `review`: what an organisation runs before it proposes a contract, and before it approves one.
// They sign and send nothing: they print the one line that does.

import { toMarkdown } from "../../contracts/blocks.ts";
import { diffContracts } from "../../contracts/diff.ts";
import { renderContract } from "../../contracts/render.ts";
import { type SourceFile, SourceSet } from "../../contracts/source-set.ts";
import { GOVERNANCE_CONTRACT } from "../../contracts/system.ts";
import { LANGUAGES } from "../../contracts/words.ts";
import { LedgerError } from "../../errors.ts";
import { utf8Length, type Value } from "../../ledger/codec.ts";
import { toHex } from "../../ledger/hash.ts";
import { namedToJson } from "../../ledger/value-json.ts";
import { digestOf, disagreements, runTests, type TestsShown } from "../author-tests.ts";
import { type Connection, type ConnectOptions, connect } from "./connect.ts";
import { type SoundFile, sound, type WithOption } from "./contract.ts";
import { loadDocument, loadText, testsBeside } from "./contract-files.ts";
import { argumentInvalid, printRemark } from "./output.ts";

interface DecisionOptions extends ConnectOptions, WithOption {
  readonly tests: string | undefined;
  /** key file of the organisation's administrator, and the organisation's seat: for the printed line */
  readonly key: string;
  readonly seat: number;
}

interface Documents {
  readonly own: SoundFile;
  readonly imports: readonly string[];
  readonly shown: TestsShown;
}

/** Runs the tests and prints the line that proposes. @returns whether all tests passed */
export async function proposeContract(
  path: string,
  options: DecisionOptions & { readonly id: string | undefined; readonly height: number },
): Promise<boolean> {
  const { own, shown } = await documentsOf(path, options);
  printTests(shown);
  if (shown.failed.length > 0 || shown.passed === 0) return false;
  const { source } = own.file;
  const digest = digestOf(source);
  printLine(options, "propose_contract", {
    // The id names the text: a changed document is another proposal.
    id: options.id ?? `${own.compiled.name.slice(0, 19)}-${toHex(digest).slice(0, 12)}`,
    seat: options.seat,
    contract: own.compiled.name,
    source_hash: digest,
    active_height: options.height,
    tests_hash: shown.digest,
    tests_passed: shown.passed,
  });
  return true;
}

/**
 * Compares the files with what was proposed, runs the tests, shows what changes.
 * @returns whether it can be approved
 * @throws LedgerError `ARGUMENT_INVALID` when the ledger has no such proposal of a contract
 */
export async function reviewProposal(
  options: DecisionOptions & { readonly proposal: string; readonly source: string },
): Promise<boolean> {
  const { own, imports, shown } = await documentsOf(options.source, options);
  const connection = await connect(options);
  const change = await valuesOf(connection, "contract_change", options.proposal);
  const proposal = await valuesOf(connection, "proposal", options.proposal);
  if (change === undefined || proposal === undefined)
    throw argumentInvalid("--proposal", `the id of a contract's proposal on the ledger; ${options.proposal} is none`);
  const faults = disagreements({ change, proposal }, { name: own.compiled.name, source: own.file.source, shown });
  const [, , activeHeight] = change;
  const [, proposedBy, , , approvals] = proposal;
  process.stdout.write(
    `${options.proposal}: ${own.compiled.name}, proposed by ${String(proposedBy)}, approved by ${String(approvals)}, ` +
      `${activeHeight === 0 ? "in force with the next block" : `in force from height ${String(activeHeight)}`}\n\n`,
  );
  await printChange(connection, own, imports);
  printTests(shown);
  for (const fault of faults) process.stdout.write(`NOT SO: ${fault}\n`);
  if (faults.length > 0) return false;
  process.stdout.write("text and tests are those of the proposal (proved); every test passes\n");
  printLine(options, "approve", { proposal: options.proposal, seat: options.seat });
  return true;
}

async function documentsOf(path: string, options: DecisionOptions): Promise<Documents> {
  const { file, set } = await loadDocument(path, options.with);
  const own = sound(set.check(file));
  refuseTooLarge(file, set);
  const sources = set.withImports(file).map(({ source }) => source);
  const tests = await loadText(options.tests ?? testsBeside(path), "name the tests with --tests");
  return { own, imports: sources.slice(1), shown: runTests(tests, sources) };
}

/** R325: said before anybody approves: enact_contract takes the text as one argument. @throws LedgerError `CONTRACT_TOO_LARGE` */
function refuseTooLarge({ path, source }: SourceFile, set: SourceSet): void {
  const params = set.contract(GOVERNANCE_CONTRACT)?.actions.get("enact_contract")?.params;
  if (params?.find(({ name }) => name === "source")?.isMember(source) !== false) return;
  throw new LedgerError(
    "CONTRACT_TOO_LARGE",
    { path, bytes: utf8Length(source) },
    { remedy: "make two contracts of it, one of which calls the other; comments count, too" },
  );
}

/** What an upgrade changes, or a new contract as a whole. */
async function printChange(connection: Connection, own: SoundFile, imports: readonly string[]): Promise<void> {
  const before = await versionBefore(connection, own.compiled.name);
  if (before === undefined) {
    process.stdout.write(toMarkdown(LANGUAGES.flatMap((language) => renderContract(own, language).blocks)));
    return;
  }
  const file = { path: `${own.compiled.name} as deployed`, source: before };
  const others = imports.map((source, index) => ({ path: `import ${index + 1}`, source }));
  const sources = { before: sound(new SourceSet([file, ...others]).check(file)), after: own };
  process.stdout.write(toMarkdown(LANGUAGES.flatMap((language) => diffContracts(sources, language).blocks)));
}

/** The newest text of a contract on the ledger, in force or waiting: what the proposed one would follow. */
async function versionBefore(connection: Connection, name: string): Promise<string | undefined> {
  const deployed = await valuesOf(connection, "contract", name);
  const hash = deployed?.[1];
  const [text] = hash === undefined ? [] : ((await valuesOf(connection, "source", hash)) ?? []);
  return typeof text === "string" ? text : undefined;
}

/** The fields of one row of governance, proved; undefined: proved that there is none. */
async function valuesOf({ client }: Connection, table: string, key: Value): Promise<readonly Value[] | undefined> {
  return (await client.stateGet({ contract: "governance", table, key: [key] })).row?.values;
}

function printTests({ digest, passed, failed }: TestsShown): void {
  for (const { name, line, problem } of failed)
    process.stdout.write(`  FAIL  ${name}\n        line ${line}: ${problem}\n`);
  process.stdout.write(`${passed} passed, ${failed.length} failed; digest of the tests ${toHex(digest)}\n`);
}

/** @throws LedgerError `ARGUMENT_INVALID`: what would end the quotes of a shell is not printed as a line to be run */
function printLine(options: DecisionOptions, action: string, args: Readonly<Record<string, Value>>): void {
  const json = JSON.stringify(namedToJson(Object.entries(args)));
  const words = [options.url, options.genesis, options.key, json];
  if (words.some((word) => word.includes("'")))
    throw new LedgerError("ARGUMENT_INVALID", { argument: "'" }, { remedy: "use names and paths without quotes" });
  const [url, genesis, key, quoted] = words.map((word) => `'${word}'`);
  printRemark("signed and sent by:");
  process.stdout.write(
    `linli tx send --url ${url} --genesis ${genesis} --key ${key} --contract governance --action ${action} --args ${quoted}\n`,
  );
}
