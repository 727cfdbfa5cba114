// The terms of the ledger that stand on a page of a contract, each explained in one sentence to who has never seen one.
// Only those that the page uses; they are the renderer's own words, never an author's.

import type { Block } from "./blocks.ts";
import type { Words } from "./words.ts";

interface Term {
  readonly zh: string;
  readonly en: string;
  /** what the page says where the term is used */
  readonly mark: Readonly<Record<"zh" | "en", string>>;
}

const TERMS: readonly Term[] = [
  {
    mark: { zh: "办理人", en: "the person acting" },
    zh: "办理人: 提交并签名这项办理的账户。",
    en: "the person acting: the account that submits and signs it.",
  },
  {
    mark: { zh: "会签人", en: "the cosigners" },
    zh: "会签人: 对同一份办理一并签名的其他账户。",
    en: "the cosigners: the other accounts that signed the same.",
  },
  {
    mark: { zh: "当前时间", en: "the present time" },
    zh: "当前时间: 这项办理写入账本时, 账本记下的时间。",
    en: "the present time: the time that the ledger notes when this is written.",
  },
  {
    mark: { zh: "由账本", en: "the ledger itself" },
    zh: "由账本自动办理: 时间一到, 账本自行办理, 无须任何人提交。",
    en: "the ledger itself: it acts when the time has come, and nobody need submit anything.",
  },
  {
    mark: { zh: "SHA-256", en: "SHA-256" },
    zh: "SHA-256 摘要: 由文件内容算出的 32 字节数字指纹; 内容改动一处, 摘要即不同。文件本身不在账本上, 从摘要也不能还原文件。",
    en: "SHA-256: a fingerprint of 32 bytes, computed from a file; with any change of the file it is another. The file is not on the ledger, nor can it be had from the fingerprint.",
  },
  {
    mark: { zh: "区块", en: "block" },
    zh: "区块: 账本成批写入的记录; 高度是区块的序号, 区块头是区块的首部, 记有时间和全部内容的摘要。",
    en: "block: what the ledger writes at once; its height is its number, its header names its time and the fingerprint of all it holds.",
  },
  {
    mark: { zh: "日期序号", en: "day number" },
    zh: "日期序号: 逐日加一的序号, 两日序号之差即相隔天数。",
    en: "day number: it goes up by one each day; the difference of two is the number of days between them.",
  },
  {
    mark: { zh: "`", en: "`" },
    zh: "`…`: 合约中一字不改的文字, 须照样书写; 列举的内容在其中按“用词对照”右列书写。",
    en: "`…`: what the contract spells so, to the letter; values of a list stand in it by their names under “Words and names”.",
  },
  {
    mark: { zh: "(主键)", en: "(key)" },
    zh: "主键: 区分各条记录的内容, 两条记录的主键不会相同。",
    en: "key: what tells the records apart; no two have the same.",
  },
  {
    mark: { zh: "(甲", en: " A of " },
    zh: "甲、乙: 依次代指所列各项中的任意一项。",
    en: "A, B: any one of those that are listed there.",
  },
  {
    mark: { zh: "〔", en: "〔" },
    zh: "〔〕: 拒绝办理时, 此处写明当时的实际内容。",
    en: "〔〕: when it is refused, what stands there at that time is told here.",
  },
];

/** How to read what follows; nothing for a page that needs no term. */
export function termsIn(blocks: readonly Block[], words: Words): readonly Block[] {
  const page = JSON.stringify(blocks);
  const items = TERMS.filter(({ mark }) => page.includes(mark[words.language])).map(({ zh, en }) => ({
    text: words.say(zh, en),
  }));
  if (items.length === 0) return [];
  return [
    { kind: "heading", level: 2, text: words.say("读法", "How to read it") },
    { kind: "list", isNumbered: false, items },
  ];
}
