// The options of a run: words in, checked values out. Which scenario uses which default stands in the scenario.

import { parseArgs } from "node:util";
import { LedgerError } from "../src/errors.ts";
import type { ArrivalKind } from "./arrivals.ts";
import { PAYLOADS, type Payload } from "./payloads.ts";

export interface Options {
  /** length of each measured load */
  readonly seconds: number;
  /** transactions per second of an open loop; undefined: the scenario's own */
  readonly rate: number | undefined;
  readonly nodes: number;
  readonly payload: Payload;
  /** of one transaction; undefined: as is usual for the payload */
  readonly calls: number | undefined;
  readonly repeat: number;
  readonly seed: number;
  readonly arrivals: ArrivalKind;
  /** of the closed loop and of single transactions before anything is measured, each */
  readonly warmUpSeconds: number;
  /** transactions on their way at each node in a closed loop; undefined: as is usual for the number of calls */
  readonly inFlight: number | undefined;
  /** addresses of a running network; empty: nodes are started here */
  readonly attach: readonly string[];
  /** what a scenario goes through: numbers of nodes, of keys, ways to fail, places */
  readonly over: readonly string[];
  readonly electorate: number;
  readonly lossPerMillion: number;
  readonly json: boolean;
  readonly out: string | undefined;
  readonly profile: string | undefined;
  /** of a peer: its program or folder, and whether it is tuned */
  readonly path: string | undefined;
  readonly tuned: boolean;
  /** of a bundle: the file of the key that signs, or the public key that must have signed */
  readonly key: string | undefined;
}

export type Defaults = Partial<Pick<Options, "seconds" | "repeat" | "rate" | "over" | "electorate" | "lossPerMillion">>;

/** Heeded by every load, whatever else is measured. */
export const LOAD_OPTIONS = "seconds warm-up payload calls in-flight arrivals seed json out".split(" ");

export interface Words {
  /** the first of them is the scenario or command */
  readonly positionals: readonly string[];
  /** names of the options that stand among the words */
  readonly given: readonly string[];
  readonly options: (defaults: Defaults) => Options;
  readonly help: boolean;
}

export const OPTIONS_HELP = `  --seconds S       length of each measured load (default 15, or as the scenario says; a peak and one client at most 200)
  --rate R          transactions per second of an open loop
  --nodes N         validators, 4 to 31 (default 4)
  --payload NAME    ${PAYLOADS.join(" | ")} (default transfer)
  --calls N         calls in one transaction, 1 to 100 (default 1; telemetry 100)
  --repeat K        how often each load is measured; the line tells medians and spread (default 1)
  --seed N          keys, arrivals, contents (default 1)
  --arrivals KIND   poisson (default) | constant
  --warm-up S       seconds of a closed loop, and as many of single transactions, before anything counts (default 8, at most 200)
  --in-flight N     transactions on their way at each node in a closed loop (default 2000 over all, fewer of many calls)
  --attach URLS     measure the network at these addresses, separated by commas, instead of starting one
  --over LIST       what a scenario goes through, separated by commas: see the scenario
  --electorate N    voters of \`rush\` (default 120000, a district of 100 communities)
  --loss N          of a million segments between cities, lost ones (default 0)
  --profile FILE    one more load with the first node's main thread profiled: a .cpuprofile, and CPU by part
  --path PLACE      of a peer: its program, or its folder
  --tuned           a peer as its users would set it for speed, not with its defaults
  --key TEXT        file of the key that signs a bundle, or the public key that must have signed it
  --out PLACE       write everything measured: a directory, or a file ending in .json
  --json            only one line of JSON at the end; everything else goes to stderr
`;

/** @throws Error that says which word is wrong */
export function readWords(argv: readonly string[]): Words {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    tokens: true,
    allowPositionals: true,
    options: {
      seconds: { type: "string" },
      rate: { type: "string" },
      nodes: { type: "string", default: "4" },
      payload: { type: "string", default: "transfer" },
      calls: { type: "string" },
      repeat: { type: "string" },
      seed: { type: "string", default: "1" },
      arrivals: { type: "string", default: "poisson" },
      "warm-up": { type: "string", default: "8" },
      "in-flight": { type: "string" },
      attach: { type: "string" },
      over: { type: "string" },
      electorate: { type: "string" },
      loss: { type: "string" },
      profile: { type: "string" },
      path: { type: "string" },
      tuned: { type: "boolean", default: false },
      key: { type: "string" },
      out: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const optional = (name: "rate" | "calls" | "in-flight", max: number): number | undefined => {
    const text = values[name];
    return text === undefined ? undefined : wholeNumber(name, text, 1, max);
  };
  const options = (defaults: Defaults): Options => ({
    seconds: wholeNumber("seconds", values.seconds ?? String(defaults.seconds ?? 15), 1, 7_200),
    rate: optional("rate", 100_000) ?? defaults.rate,
    nodes: wholeNumber("nodes", values.nodes, 4, 31),
    payload: oneOf("payload", values.payload, PAYLOADS),
    calls: optional("calls", 100),
    repeat: wholeNumber("repeat", values.repeat ?? String(defaults.repeat ?? 1), 1, 1_000),
    seed: wholeNumber("seed", values.seed, 1, 2 ** 31 - 1),
    arrivals: oneOf("arrivals", values.arrivals, ["poisson", "constant"]),
    warmUpSeconds: wholeNumber("warm-up", values["warm-up"], 1, 200),
    inFlight: optional("in-flight", 10_000),
    attach: values.attach === undefined ? [] : values.attach.split(","),
    over: values.over === undefined ? (defaults.over ?? []) : values.over.split(","),
    electorate: wholeNumber("electorate", values.electorate ?? String(defaults.electorate ?? 120_000), 1, 10_000_000),
    lossPerMillion: wholeNumber("loss", values.loss ?? String(defaults.lossPerMillion ?? 0), 0, 500_000),
    json: values.json,
    out: values.out,
    profile: values.profile,
    path: values.path,
    tuned: values.tuned,
    key: values.key,
  });
  const given = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
  return { positionals, given, options, help: values.help };
}

/** The numbers of --over. @throws LedgerError BENCH_OPTION_INVALID */
export function numbersOver({ over }: Options, min: number, max: number): readonly number[] {
  return over.map((text) => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value;
    throw new LedgerError(
      "BENCH_OPTION_INVALID",
      { option: "--over", text },
      { remedy: `whole numbers from ${min} to ${max}` },
    );
  });
}

/** The words of --over. @throws LedgerError BENCH_OPTION_INVALID */
export function wordsOver<Word extends string>(
  { over }: Pick<Options, "over">,
  words: readonly Word[],
): readonly Word[] {
  return over.map((text) => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return word;
    throw new LedgerError("BENCH_OPTION_INVALID", { option: "--over", text }, { remedy: `of ${words.join(", ")}` });
  });
}

/** @throws Error */
function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < min || value > max)
    throw new Error(`--${name} is a whole number from ${min} to ${max}, not "${text}"`);
  return value;
}

function oneOf<Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new Error(`--${name} is one of ${words.join(", ")}, not "${text}"`);
  return found;
}
