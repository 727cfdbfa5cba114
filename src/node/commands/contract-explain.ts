// `linli contract explain`: an action tried without doing it, over rows of a file or against a running node.
// Says every condition with its values, passed or failed, and what would happen.

import { formatTime } from "../../contracts/calendar.ts";
import type { DryRun } from "../../contracts/dry-run.ts";
import { EMPTY_STATE } from "../../contracts/test-ledger.ts";
import { tryStep } from "../../contracts/test-runner.ts";
import { LedgerError } from "../../errors.ts";
import { namedToJson, valueToJson } from "../../ledger/value-json.ts";
import { Overlay } from "../../state/overlay.ts";
import { type ConnectOptions, connect } from "./connect.ts";
import { sound } from "./contract.ts";
import { loadDocument, loadText } from "./contract-files.ts";
import { jsonArgument, printResult } from "./output.ts";
import { printable } from "./printable.ts";

export interface ExplainOptions {
  /** arguments by name, JSON */
  readonly with: string;
  /** `role/id@organisation`; against a node, the id of the account */
  readonly as: string;
  /** rows, money, settings and now: the `given` of a test */
  readonly state: string | undefined;
  readonly at: string | undefined;
  readonly imports: readonly string[];
  readonly json: boolean;
}

/** What is printed and what the RPC answers have in common. */
interface Trial {
  readonly status: string;
  readonly ruleId: string;
  readonly explanation: { readonly zh: string; readonly en: string };
  readonly conditions: readonly {
    readonly line: number;
    readonly condition: string;
    readonly outcome: string;
    readonly error?: string;
    readonly values: readonly { readonly name: string; readonly type: string; readonly value: unknown }[];
    readonly sentence: { readonly zh: string; readonly en: string };
  }[];
  readonly gas: number;
}

/** @returns whether it would happen */
export async function explainInFile(path: string, action: string, options: ExplainOptions): Promise<boolean> {
  const { file, set } = await loadDocument(path, options.imports);
  sound(set.check(file));
  const args = jsonArgument(options.with, "--with");
  const step = { ...(options.at === undefined ? {} : { at: options.at }), as: options.as, do: action, with: args };
  const tried = tryStep({
    given:
      options.state === undefined ? "" : await loadText(options.state, "name a file with rows, as the given of a test"),
    step: JSON.stringify(step),
    sources: set.withImports(file).map(({ source }) => source),
    newOverlay: () => new Overlay({ base: EMPTY_STATE, height: 1 }),
  });
  if ("problem" in tried)
    throw new LedgerError("EXPLAIN_INVALID", { problem: tried.problem }, { remedy: "see --help for an example" });
  return print(trialOf(tried), options);
}

/** @returns whether it would happen */
export async function explainAtNode(
  contract: string,
  action: string,
  options: ConnectOptions & ExplainOptions,
): Promise<boolean> {
  const { client } = await connect(options);
  const params = { contract, action, account: options.as, args: jsonArgument(options.with, "--with") };
  const answer = await client.call("contract_explain", {
    ...params,
    ...(options.at === undefined ? {} : { timeMs: Number(options.at) }),
  });
  // The node's word: nothing of a trial is proved, and nothing is decided by it.
  const sentence = (fields: typeof answer) => ({ zh: fields.text("zh"), en: fields.text("en") });
  const trial: Trial = {
    status: answer.text("status"),
    ruleId: answer.text("ruleId"),
    explanation: sentence(answer.object("explanation")),
    conditions: answer.objects("conditions", (condition) => ({
      line: condition.integer("line", { min: 0 }),
      condition: condition.text("condition"),
      outcome: condition.text("outcome"),
      ...(condition.has("error") ? { error: condition.text("error") } : {}),
      values: condition.objects("values", (value) => ({
        name: value.text("name"),
        type: value.text("type"),
        value: value.raw("value"),
      })),
      sentence: sentence(condition.object("sentence")),
    })),
    gas: answer.integer("gas", { min: 0 }),
  };
  return print(trial, options);
}

function trialOf({ refusal, explanation, conditions, events, gas }: DryRun): Trial & { readonly events: unknown } {
  return {
    status: refusal?.status ?? "ok",
    ruleId: refusal?.ruleId ?? "",
    explanation,
    conditions: conditions.map(({ outcome, values, ...condition }) => ({
      ...condition,
      ...(typeof outcome === "string" ? { outcome } : { outcome: "error", error: outcome.error }),
      values: values.map(({ name, type, value }) => ({ name, type, value: valueToJson(value) })),
    })),
    events: events.map(({ contract, name, fields }) => ({ contract, name, fields: namedToJson(fields) })),
    gas,
  };
}

/** A time also as people read it. */
function typeText(type: string, value: unknown): string {
  return type === "time" && typeof value === "number" ? `time, ${formatTime(value)}` : type;
}

function print(trial: Trial, { json }: { readonly json: boolean }): boolean {
  const happens = trial.status === "ok";
  if (json) {
    printResult(trial);
    return happens;
  }
  const lines: string[] = [];
  for (const { line, condition, outcome, error, values, sentence } of trial.conditions) {
    lines.push(
      `${outcome === "passed" ? "passed" : "FAILED"}  line ${line}: ${condition}${error === undefined ? "" : ` (${error})`}`,
    );
    for (const { name, type, value } of values)
      lines.push(`          ${name} = ${JSON.stringify(value)} (${typeText(type, value)})`);
    if (outcome !== "passed") lines.push(`        ${sentence.zh}`, `        ${sentence.en}`);
  }
  lines.push(happens ? `it would happen, for ${trial.gas} units` : `it would be ${trial.status}: ${trial.ruleId}`);
  lines.push(`  ${trial.explanation.zh}`, `  ${trial.explanation.en}`);
  process.stdout.write(`${lines.map(printable).join("\n")}\n`);
  return happens;
}
