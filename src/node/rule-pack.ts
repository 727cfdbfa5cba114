// Rule packs: the numbers that law sets for a place, each for a setting of a contract, with its source.
// Reads and judges a pack against contract documents; changes nothing: on a ledger each number is a decision of governance.

import { readFile } from "node:fs/promises";
import { Fields, type FieldsOptions } from "../client/fields.ts";
import { parseYaml } from "../config.ts";
import type { CheckedContract } from "../contracts/checked.ts";
import { nearestName } from "../contracts/nearest-name.ts";
import { membership } from "../contracts/types.ts";
import { LedgerError } from "../errors.ts";

/** How sure a number is: L text of a law, K general knowledge (counsel verifies), W a web page, P another product, D our own choice. */
export const MARKS = ["L", "K", "W", "P", "D"] as const;

interface Bilingual {
  readonly zh: string;
  readonly en: string;
}

export interface RulePackNumber {
  readonly contract: string;
  readonly setting: string;
  readonly value: number;
  readonly mark: (typeof MARKS)[number];
  /** law and clause */
  readonly source: Bilingual;
}

export interface RulePack {
  readonly id: string;
  readonly version: number;
  readonly title: Bilingual;
  readonly numbers: readonly RulePackNumber[];
}

/** A number that the pack sets otherwise than the document does. */
export interface RulePackChange {
  readonly contract: string;
  readonly setting: string;
  readonly from: number;
  readonly to: number;
}

const CODE = "RULE_PACK_INVALID";
const REMEDY = "correct the pack; config/rulepacks/national.yaml shows every key";

/** @throws LedgerError `RULE_PACK_INVALID` with the place of the first fault, `FILE_MISSING` */
export async function readRulePack(file: string): Promise<RulePack> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new LedgerError("FILE_MISSING", { file }, { cause, remedy: "name a rule pack, as in config/rulepacks" });
  });
  const options: FieldsOptions = { code: CODE, place: file, remedy: REMEDY };
  const fields = new Fields(parseYaml(text, options), options);
  const pack = {
    id: fields.text("pack"),
    version: fields.integer("version", { min: 1 }),
    title: readBilingual(fields.object("title")),
    numbers: fields.objects("numbers", readNumber),
  };
  fields.end();
  return pack;
}

/**
 * What the pack changes of the documents' own numbers.
 * @throws LedgerError `RULE_PACK_INVALID` for a contract or setting that there is not or that stands twice, or a value outside its type
 */
export function changesOf(pack: RulePack, contracts: readonly CheckedContract[]): readonly RulePackChange[] {
  const seen = new Set<string>();
  return pack.numbers.flatMap(({ contract, setting, value }, index) => {
    const place = `${pack.id} numbers[${index}]`;
    const path = `${contract}.${setting}`;
    const found = contracts.find(({ name }) => name === contract);
    if (found === undefined) throw unknown(place, `contract ${contract}`, contract, contracts);
    const known = found.settings.find(({ name }) => name === setting);
    if (known === undefined) throw unknown(place, `setting ${path}`, setting, found.settings);
    if (seen.has(path)) throw invalid(place, `${path} once: it stands twice`);
    seen.add(path);
    if (!membership(known.type)(value)) throw invalid(place, `${path} as ${known.typeText}, not ${value}`);
    const from = Number(known.value);
    return from === value ? [] : [{ contract, setting, from, to: value }];
  });
}

function readNumber(fields: Fields): RulePackNumber {
  const number = {
    contract: fields.text("contract"),
    setting: fields.text("setting"),
    value: fields.integer("value", { min: 0 }),
    mark: fields.oneOf("mark", MARKS),
    source: readBilingual(fields.object("source")),
  };
  fields.end();
  return number;
}

function readBilingual(fields: Fields): Bilingual {
  const text = { zh: fields.text("zh"), en: fields.text("en") };
  fields.end();
  return text;
}

function unknown(place: string, what: string, name: string, known: readonly { readonly name: string }[]): LedgerError {
  const meant = nearestName(
    name,
    known.map((one) => one.name),
  );
  return invalid(place, `a ${what} that there is${meant === undefined ? "" : `: did you mean ${meant}?`}`);
}

function invalid(place: string, expected: string): LedgerError {
  return new LedgerError(CODE, { place, expected }, { remedy: REMEDY });
}
