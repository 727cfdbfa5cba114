// Says in sentences why something was refused, or what happened: the contract's own words with the values of the receipt.
// Receipts hold rule and values only; the words are made here and never hashed.

import type { Value } from "../ledger/codec.ts";
import { toHex } from "../ledger/hash.ts";
import type { LedgerEvent, Receipt } from "../ledger/types.ts";
import { inLargeUnit, type SmallUnit, saysFen, unitBehind, withoutUnitBehind } from "./amounts.ts";
import { formatTime } from "./calendar.ts";
import type { CheckedTemplate } from "./checked.ts";
import type { CompiledContract, RuleText } from "./compiled.ts";
import { visible } from "./text.ts";
import type { LimitedDimension } from "./usage.ts";

export interface Explanation {
  readonly zh: string;
  readonly en: string;
}

type Values = ReadonlyMap<string, Value>;
/** What is known about one refusal; `part` is the last word of the rule id. */
interface Refused {
  readonly ruleId: string;
  readonly part: string;
  readonly values: Values;
}
type Say = (refused: Refused) => Explanation;

/** The contract gives the words, in the version at hand; a rule it does not have is named by its id. */
export function explain(
  receipt: Pick<Receipt, "status" | "ruleId" | "values" | "events">,
  contractOf: (name: string) => CompiledContract | undefined,
): Explanation {
  if (receipt.status === "ok") return done(receipt.events);
  const [contract = ""] = receipt.ruleId.split(".");
  const rule = contractOf(contract)?.rules.get(receipt.ruleId);
  const values: Values = new Map(receipt.values);
  if (rule !== undefined && receipt.status === "refused") return sentence(receipt.ruleId, rule, values);
  const parts = receipt.ruleId.split(".");
  const refused = { ruleId: receipt.ruleId, part: parts[parts.length - 1] ?? "", values };
  if (receipt.status === "failed" && values.has("error")) return computation(refused);
  return (SAYINGS.find(([matches]) => matches(refused))?.[1] ?? fallback)(refused);
}

function done(events: readonly LedgerEvent[]): Explanation {
  if (events.length === 0) return { zh: "已生效", en: "Done" };
  const list = events.map(
    ({ contract, name, fields }) =>
      `${contract}.${name}(${fields.map(([field, value]) => `${field}=${plain(value)}`).join(", ")})`,
  );
  return { zh: `已生效: ${list.join("; ")}`, en: `Done: ${list.join("; ")}` };
}

// ---- the contract's own sentences ----

function sentence(ruleId: string, rule: RuleText, values: Values): Explanation {
  const shown = [...values].map(([label, value]) => `${label} = ${show(label, value, rule)}`).join(", ");
  const generic = `Refused by ${ruleId} (line ${rule.line}): ${rule.condition} does not hold${shown === "" ? "" : `, with ${shown}`}`;
  const zh =
    rule.zh === undefined
      ? `违反规则 ${ruleId} (第 ${rule.line} 行): ${rule.condition}${shown === "" ? "" : `; ${shown}`}`
      : fill(rule.zh, rule, values, "zh");
  return { zh, en: rule.en === undefined ? generic : fill(rule.en, rule, values, "en") };
}

function fill(template: CheckedTemplate, rule: RuleText, values: Values, tongue: "zh" | "en"): string {
  const unitOf = (index: number) => unitAt(template, index, rule, tongue);
  return template
    .map((part, index) => {
      if (typeof part === "string") {
        const unit = unitOf(index - 1);
        return unit === undefined ? part : withoutUnitBehind(part, unit, tongue);
      }
      const value = values.get(part.label) ?? null;
      const unit = unitOf(index);
      return unit !== undefined && (typeof value === "number" || typeof value === "bigint")
        ? inLargeUnit(value, unit, tongue)
        : show(part.label, value, rule);
    })
    .join("");
}

/** The small unit of a value, as the sentence names it behind the value, in this language or in the other one. */
function unitAt(template: CheckedTemplate, index: number, rule: RuleText, tongue: "zh" | "en"): SmallUnit | undefined {
  const part = template[index];
  if (part === undefined || typeof part === "string" || part.type.kind !== "int") return undefined;
  const other = tongue === "zh" ? rule.en : rule.zh;
  const same = other?.findIndex((one) => typeof one !== "string" && one.label === part.label) ?? -1;
  const elsewhere = same < 0 ? undefined : unitBehind(other?.[same + 1], tongue === "zh" ? "en" : "zh");
  const unit = unitBehind(template[index + 1], tongue) ?? elsewhere;
  return unit === "fen" && part.type.name !== "money" && !saysFen(rule.en) ? undefined : unit;
}

function show(label: string, value: Value, rule: RuleText): string {
  return rule.times.has(label) && typeof value === "number" ? formatTime(value) : plain(value);
}

function plain(value: Value | undefined): string {
  if (value === null || value === undefined) return "-";
  if (value instanceof Uint8Array) return toHex(value);
  return Array.isArray(value) ? value.map(plain).join(", ") : visible(String(value));
}

// ---- what the ledger itself refuses ----

const at = (values: Values, name: string) => plain(values.get(name));
const money = (values: Values, name: string, tongue: "zh" | "en") => {
  const value = values.get(name);
  return typeof value === "number" ? inLargeUnit(value, "fen", tongue) : plain(value);
};
const time = (values: Values, name: string) => {
  const value = values.get(name);
  return typeof value === "number" ? formatTime(value) : plain(value);
};
const ids =
  (...wanted: readonly string[]) =>
  ({ ruleId }: Refused) =>
    wanted.includes(ruleId);
const ends =
  (...wanted: readonly string[]) =>
  ({ part }: Refused) =>
    wanted.includes(part);
const list = (values: Values) => [...values].map(([name, value]) => `${name} = ${plain(value)}`).join(", ");

/** A value outside the type of its column: the rule is `contract.table.column`, the value is named `table.column`. */
const isRange = ({ ruleId, values }: Refused) => {
  const column = ruleId.slice(ruleId.indexOf(".") + 1);
  return column.includes(".") && values.has(column);
};

const DIMENSION_NAMES: ReadonlyMap<string, Explanation> = new Map<LimitedDimension, Explanation>([
  ["reads", { zh: "读取行数", en: "rows read" }],
  ["bytesRead", { zh: "读取字节数", en: "bytes read" }],
  ["writes", { zh: "写入行数", en: "rows written" }],
  ["bytesWritten", { zh: "写入字节数", en: "bytes written" }],
  ["events", { zh: "事件数", en: "events" }],
  ["eventBytes", { zh: "事件字节数", en: "bytes of events" }],
]);

/** `transaction.reads` and the like: the limits of usage.ts. */
const isLimit =
  (whose: "transaction" | "block") =>
  ({ ruleId, part }: Refused) =>
    ruleId === `${whose}.${part}` && DIMENSION_NAMES.has(part);

const SAYINGS: readonly (readonly [(refused: Refused) => boolean, Say])[] = [
  [isRange, ({ values }) => ({ zh: `数值不合要求: ${list(values)}`, en: `The value does not fit: ${list(values)}` })],
  [
    ids("account.unknown"),
    ({ values }) => ({
      zh: `账户 ${at(values, "account")} 未登记`,
      en: `Account ${at(values, "account")} is not registered`,
    }),
  ],
  [
    ids("account.status"),
    ({ values }) => ({
      zh: `账户 ${at(values, "account")} 已暂停或终止`,
      en: `Account ${at(values, "account")} is suspended or ended`,
    }),
  ],
  [
    ids("account.key"),
    ({ values }) => ({
      zh: `签名密钥不是账户 ${at(values, "account")} 现用的密钥`,
      en: `The key is not the present key of account ${at(values, "account")}`,
    }),
  ],
  [
    ids("call.contract"),
    ({ values }) => ({
      zh: `没有合约 ${at(values, "contract")}`,
      en: `There is no contract ${at(values, "contract")}`,
    }),
  ],
  [
    ids("call.action"),
    ({ values }) => ({
      zh: `合约 ${at(values, "contract")} 没有操作 ${at(values, "action")}`,
      en: `Contract ${at(values, "contract")} has no action ${at(values, "action")}`,
    }),
  ],
  [
    ids("call.stopped"),
    ({ values }) => ({
      zh: `合约 ${at(values, "contract")} 已紧急停用: ${at(values, "organisations")} 决定 (提案 ${at(values, "proposal")}), 自 ${time(values, "since")} 起; 理由: ${at(values, "reason")}。至 ${time(values, "until")} 自动恢复; 提前恢复须经 governance.propose_resume 提案, 超过三分之二席位同意。查询和证明不受影响, 到期事项于恢复后办理`,
      en: `Contract ${at(values, "contract")} is stopped: decided by ${at(values, "organisations")} (proposal ${at(values, "proposal")}), since ${time(values, "since")}; reason: ${at(values, "reason")}. It runs again from ${time(values, "until")} by itself, or sooner by governance.propose_resume with more than two thirds of the seats. Queries and proofs go on; what falls due is done when it runs again`,
    }),
  ],
  [
    ids("transaction.gas"),
    ({ values }) => ({
      zh: `计算量超出 ${at(values, "gasLimit")} 单位, 未执行`,
      en: `It needs more than its ${at(values, "gasLimit")} units: nothing happened`,
    }),
  ],
  [
    isLimit("transaction"),
    ({ part, values }) => ({
      zh: `${DIMENSION_NAMES.get(part)?.zh}超限: 需要 ${at(values, "needed")}, 每笔交易上限 ${at(values, "allowed")}`,
      en: `Too many ${DIMENSION_NAMES.get(part)?.en}: it needs ${at(values, "needed")}, a transaction may have ${at(values, "allowed")}`,
    }),
  ],
  [
    isLimit("block"),
    ({ part, values }) => ({
      zh: `本块${DIMENSION_NAMES.get(part)?.zh}已用 ${at(values, "used")}, 上限 ${at(values, "allowed")}, 余量不足, 请重新提交`,
      en: `The block has used ${at(values, "used")} of ${at(values, "allowed")} ${DIMENSION_NAMES.get(part)?.en}: send it again`,
    }),
  ],
  [
    ids("block.gas"),
    ({ values }) => ({
      zh: `本块余量 ${at(values, "left")} 单位不足, 请重新提交`,
      en: `The block had only ${at(values, "left")} units left: send it again`,
    }),
  ],
  [
    ids("governance.validators"),
    ({ values }) => ({ zh: `席位变更不可用: ${list(values)}`, en: `The seats would be unusable: ${list(values)}` }),
  ],
  [
    ids("governance.parameters"),
    ({ values }) => ({ zh: `参数不可用: ${list(values)}`, en: `The parameters would be unusable: ${list(values)}` }),
  ],
  [
    ids("governance.protocol"),
    ({ values }) => ({
      zh: `协议版本不能这样确定: ${list(values)}`,
      en: `The protocol cannot be decided so: ${list(values)}`,
    }),
  ],
  [
    ids("governance.settings"),
    ({ values }) => ({
      zh: `合约没有此设置或数值不可用: ${list(values)}`,
      en: `There is no such setting, or its value is unusable: ${list(values)}`,
    }),
  ],
  [
    ({ part, values }) => part === "by" && values.has("caller.contract"),
    ({ ruleId, values }) => ({
      zh: `合约 ${at(values, "caller.contract")} 无权调用 ${ruleId.slice(0, -3)}`,
      en: `Contract ${at(values, "caller.contract")} may not call ${ruleId.slice(0, -3)}`,
    }),
  ],
  [
    ends("by"),
    ({ ruleId, values }) => ({
      zh: `${at(values, "caller.id")} (${at(values, "caller.roles")}) 无权执行 ${ruleId.slice(0, -3)}`,
      en: `${at(values, "caller.id")} (${at(values, "caller.roles")}) may not do ${ruleId.slice(0, -3)}`,
    }),
  ],
  [({ ruleId }) => ruleId.includes(".params"), argumentFault],
  [
    ({ ruleId, part }) => ruleId.includes(".read.") && part === "max",
    ({ values }) => ({
      zh: `记录有 ${at(values, "rows")} 条, 本操作一次最多处理 ${at(values, "max")} 条`,
      en: `There are ${at(values, "rows")} records, this action takes ${at(values, "max")} at most`,
    }),
  ],
  [
    ({ ruleId }) => ruleId.includes(".read."),
    ({ values }) => ({ zh: `找不到记录: ${list(values)}`, en: `There is no such record: ${list(values)}` }),
  ],
  [ends("flow"), ({ ruleId, values }) => flow(ruleId, values)],
  [
    ends("exists"),
    ({ values }) => ({ zh: `记录已存在: ${list(values)}`, en: `The record exists already: ${list(values)}` }),
  ],
  [
    ends("absent"),
    ({ ruleId }) => ({ zh: `要修改的记录不存在 (${ruleId})`, en: `The record to change is not there (${ruleId})` }),
  ],
  [
    ends("twice"),
    ({ values }) => ({
      zh: `同一次操作中重复修改: ${list(values)}`,
      en: `Changed twice in one action: ${list(values)}`,
    }),
  ],
  [
    ends("account"),
    ({ values }) => ({
      zh: `本合约不得从 ${at(values, "from")} 付款, 只可从: ${at(values, "accounts")}`,
      en: `This contract may not pay from ${at(values, "from")}, only from: ${at(values, "accounts")}`,
    }),
  ],
  [
    ends("balance"),
    ({ values }) => ({
      zh: `${at(values, "from")} 余额 ${money(values, "balance", "zh")}, 不足以支付 ${money(values, "amount", "zh")}`,
      en: `${at(values, "from")} has ${money(values, "balance", "en")}, ${money(values, "amount", "en")} are to be paid`,
    }),
  ],
  [
    ends("document"),
    ({ values }) => ({
      zh: `合约有 ${at(values, "findings")} 处错误: ${list(values)}`,
      en: `The contract has ${at(values, "findings")} errors: ${list(values)}`,
    }),
  ],
  [
    ends("accounts"),
    ({ values }) => ({
      zh: `合约 ${at(values, "contract")} 的付款账户 ${at(values, "account")} 与合约 ${at(values, "other")} 的 ${at(values, "others")} 重叠`,
      en: `Account ${at(values, "account")} of contract ${at(values, "contract")} overlaps ${at(values, "others")} of contract ${at(values, "other")}`,
    }),
  ],
  [
    ends("dependants"),
    ({ values }) => ({
      zh: `合约 ${at(values, "dependant")} 依赖于此, 将不再成立: ${list(values)}`,
      en: `Contract ${at(values, "dependant")} rests on this and would no longer hold: ${list(values)}`,
    }),
  ],
  [
    ends("height"),
    ({ values }) => ({
      zh: `生效高度 ${at(values, "height")} 已过, 最早为 ${at(values, "next")}`,
      en: `Height ${at(values, "height")} is over: the first that is possible is ${at(values, "next")}`,
    }),
  ],
  [
    ends("pending"),
    ({ values }) => ({
      zh: `合约 ${at(values, "contract")} 第 ${at(values, "version")} 版的生效高度为 ${at(values, "height")}: 待生效的版本只能有一个, 已生效的不能撤回`,
      en: `Version ${at(values, "version")} of contract ${at(values, "contract")} is in force from height ${at(values, "height")}: only one may be waiting, and none that is in force is withdrawn`,
    }),
  ],
  [
    ends("upgrade"),
    ({ values }) => ({
      zh: `新版本与现有数据不相容: ${list(values)}`,
      en: `The new version does not fit the data there is: ${list(values)}`,
    }),
  ],
];

/** Which argument is missing, not known, or has a value outside its type. */
function argumentFault({ ruleId, values }: Refused): Explanation {
  const [expected, given, unexpected] = ["expected", "given", "unexpected"].map((name) => values.get(name));
  if (unexpected !== undefined)
    return { zh: `没有参数 ${plain(unexpected)}`, en: `There is no argument ${plain(unexpected)}` };
  // R346: a value that is too long to be kept in a receipt is named by its rule.
  const fault = values.size === 0 ? `p.${ruleId.slice(ruleId.lastIndexOf(".") + 1)}` : list(values);
  if (expected === undefined)
    return { zh: `参数的值不合要求: ${fault}`, en: `The value of an argument does not fit: ${fault}` };
  if (given === null) return { zh: `缺少参数 ${plain(expected)}`, en: `Argument ${plain(expected)} is missing` };
  return {
    zh: `此处应为参数 ${plain(expected)}, 收到的是 ${plain(given)}`,
    en: `Argument ${plain(expected)} is expected where ${plain(given)} was given`,
  };
}

function flow(ruleId: string, values: Values): Explanation {
  const [field = ruleId, from] = [...values].find(([name]) => name !== "next") ?? [];
  if (from === null || from === undefined)
    return { zh: `${field} 不能以“${at(values, "next")}”开始`, en: `${field} cannot begin as ${at(values, "next")}` };
  return {
    zh: `${field} 不能从“${plain(from)}”变为“${at(values, "next")}”`,
    en: `${field} cannot go from ${plain(from)} to ${at(values, "next")}`,
  };
}

const COMPUTATION_ZH: ReadonlyMap<Value | undefined, string> = new Map<Value | undefined, string>([
  ["OVERFLOW", "数值溢出"],
  ["DIVISION_BY_ZERO", "除数为零"],
  ["ABSENT_ROW", "所用记录不存在"],
  ["INDEX_OUT_OF_RANGE", "下标超出列表"],
  ["CONVERSION", "无法转换"],
  ["TEXT_TOO_LONG", "文本过长"],
  ["LIST_TOO_LONG", "列表过长"],
  ["ARGUMENT", "函数参数不可用"],
]);

function computation({ ruleId, values }: Refused): Explanation {
  const error = values.get("error");
  return {
    zh: `计算失败 (${ruleId}): ${COMPUTATION_ZH.get(error) ?? plain(error)}`,
    en: `The computation failed (${ruleId}): ${plain(error)}`,
  };
}

function fallback({ ruleId, values }: Refused): Explanation {
  const shown = values.size === 0 ? "" : `: ${list(values)}`;
  return { zh: `未通过规则 ${ruleId}${shown}`, en: `Refused by ${ruleId}${shown}` };
}
