// A rule pack against a running ledger: which of its numbers are in force there, said in sentences with the clause of law.
// Every row is proved against the caller's genesis. Sends nothing.

import type { LinliClient } from "../client/client.ts";
import type { CheckedContract } from "../contracts/checked.ts";
import type { ContractDocument } from "../contracts/document.ts";
import { SourceSet } from "../contracts/source-set.ts";
import { membership } from "../contracts/types.ts";
import { LANGUAGES, Words } from "../contracts/words.ts";
import type { Value } from "../ledger/codec.ts";
import type { RulePack, RulePackNumber } from "./rule-pack.ts";

/** same: in force as the pack says; differs: another number is; missing: there is no such contract or setting, or it cannot be that */
export type Standing = "same" | "differs" | "missing";

export interface NumberStanding {
  readonly number: RulePackNumber;
  readonly standing: Standing;
  readonly zh: string;
  readonly en: string;
}

/** The fields of one row, proved; undefined: proved that there is none. */
export type ReadRow = (
  contract: string,
  table: string,
  ...key: readonly Value[]
) => Promise<readonly Value[] | undefined>;

export function provedRows(client: Pick<LinliClient, "stateGet">): ReadRow {
  return async (contract, table, ...key) => (await client.stateGet({ contract, table, key })).row?.values;
}

/** @param nextHeight the first height of which is asked what is in force */
export async function standingOf(
  pack: RulePack,
  read: ReadRow,
  nextHeight: number,
): Promise<readonly NumberStanding[]> {
  const contracts = new Map<string, Deployed | undefined>();
  for (const { contract } of pack.numbers)
    if (!contracts.has(contract)) contracts.set(contract, await deployed(contract, read, nextHeight));
  const found: NumberStanding[] = [];
  for (const number of pack.numbers) found.push(await standingOfNumber(number, contracts.get(number.contract), read));
  return found;
}

export interface Deployed {
  readonly checked: CheckedContract;
  readonly document: ContractDocument;
}

/** A contract as it is in force; undefined: it is not. */
export async function deployed(name: string, read: ReadRow, nextHeight: number): Promise<Deployed | undefined> {
  const [, hash, activeHeight, previousHash] = (await read("governance", "contract", name)) ?? [];
  const inForce = typeof activeHeight === "number" && activeHeight > nextHeight ? previousHash : hash;
  const [source] = inForce === undefined ? [] : ((await read("governance", "source", inForce)) ?? []);
  if (typeof source !== "string") return undefined;
  const file = { path: `${name} as deployed`, source };
  const { checked, document } = new SourceSet([file]).check(file);
  return checked && document && { checked, document };
}

async function standingOfNumber(
  number: RulePackNumber,
  deployed: Deployed | undefined,
  read: ReadRow,
): Promise<NumberStanding> {
  const { contract, setting, value, mark, source } = number;
  const known = deployed?.checked.settings.find(({ name }) => name === setting);
  const law = { zh: `依据: ${source.zh} (${mark})`, en: `Source: ${source.en} (${mark})` };
  if (deployed === undefined || known === undefined)
    return {
      number,
      standing: "missing",
      zh: `${contract}.${setting}: 账本上现行合约没有此项, 规则包为 ${value}。${law.zh}`,
      en: `${contract}.${setting}: no contract in force here has it; ${value} in the pack. ${law.en}`,
    };
  if (!membership(known.type)(value))
    return {
      number,
      standing: "missing",
      zh: `${contract}.${setting}: 账本上现行合约只允许 ${known.typeText}, 规则包为 ${value}。${law.zh}`,
      en: `${contract}.${setting}: the contract in force here takes ${known.typeText} only; ${value} in the pack. ${law.en}`,
    };
  const [changed = known.value] = (await read("governance", "setting", contract, setting)) ?? [];
  const [zh, en] = LANGUAGES.map((language) => {
    const words = new Words(deployed.document, language);
    const written = words.settingNamed(setting);
    const amount = (amountOf: Value) =>
      written === undefined ? String(amountOf) : words.amount({ ...written, value: BigInt(String(amountOf)) });
    const { title } = deployed.checked;
    return words.say(
      `${words.setting(setting)} (${title.zh}): 现行 ${amount(changed)}, 规则包 ${amount(value)}。${law.zh}`,
      `${words.setting(setting)} (${title.en ?? title.zh}): ${amount(changed)} in force, ${amount(value)} in the pack. ${law.en}`,
    );
  });
  const standing = BigInt(String(changed)) === BigInt(value) ? "same" : "differs";
  return { number, standing, zh: zh ?? "", en: en ?? "" };
}
