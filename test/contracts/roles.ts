// Who may call what: a page made from the documents of the library, so that it cannot differ from what the ledger does.
// What a role never does is a rule over the same table (domain: who may, who may not), tested in roles.test.ts.

import { fileURLToPath } from "node:url";
import type { LibraryDocument } from "./library-files.ts";

export const ROLES_PAGE = fileURLToPath(new URL("../../docs/roles.md", import.meta.url));

/** Callers that are no person's role. */
const MACHINES: Readonly<Record<string, string>> = {
  timer: "到期由账本自动执行 · the ledger itself, when it is due",
  anyone: "任何已登记账户 · any registered account",
};

/** What a role never does, whatever its organisation wants: patterns `contract.action`, with * for the rest of a word. */
export interface Ban {
  readonly roles: readonly string[];
  readonly zh: string;
  readonly en: string;
  readonly never: readonly string[];
  /** what of it stands open nevertheless, and is bounded by conditions */
  readonly but?: readonly string[];
}

const VOTING = ["owners-vote.vote*", "committee-election.resolve", "polls.sign_petition", "polls.answer"];
const JUDGING = ["*.accept*", "*.confirm", "device-repair.test", "*.rate", "*.survey", "*.resolve"];
const MONEY = ["finance.*", "fees.*", "maintenance-fund.*"];
const TITLES = ["registry.add_*", "registry.*_transfer", "registry.*_roll", "registry.enter_*", "holders.*"];

export const BANS: readonly Ban[] = [
  {
    roles: ["tenant"],
    zh: "法定表决",
    en: "vote on what is the owners' by law",
    never: ["owners-vote.*", "committee-election.*", "polls.*"],
  },
  {
    roles: ["committee"],
    zh: "代替业主决定, 记账, 改登记",
    en: "decide for the owners, keep the books, change the register",
    never: [
      ...VOTING,
      "owners-vote.rule_on_challenge",
      "owners-vote.answer_objection",
      "finance.draft",
      "finance.post",
      ...TITLES,
    ],
  },
  {
    roles: ["pm_clerk", "pm_finance", "pm_manager"],
    zh: "改名册或产权, 参与表决",
    en: "change titles or the roll, take any part in a vote",
    never: [...TITLES, "owners-vote.*", "committee-election.*", ...VOTING],
    but: ["registry.add_device"],
  },
  {
    roles: ["pm_clerk", "pm_finance"],
    zh: "审批记账",
    en: "approve entries",
    never: ["finance.approve", "finance.publish_statement", "finance.close_period"],
  },
  { roles: ["tech"], zh: "验收自己的工作, 经手款项", en: "accept work, touch money", never: [...JUDGING, ...MONEY] },
  {
    roles: ["provider"],
    zh: "评价或验收自己, 经手账目",
    en: "rate or accept itself, touch the books",
    never: [...JUDGING, ...MONEY],
  },
  {
    roles: ["registrar"],
    zh: "表决, 经手账目",
    en: "vote, touch the books",
    never: [...VOTING, "owners-vote.*", "finance.*", "fees.*"],
  },
  {
    roles: ["street", "resident_committee"],
    zh: "代为审批, 代为表决, 改产权",
    en: "approve or vote for others, change titles",
    never: [...VOTING, "finance.approve", "finance.decide_public_payment", "maintenance-fund.review*", "registry.*"],
  },
  {
    roles: ["regulator"],
    zh: "改动任何记录: 只能检查、备案、裁定异议、暂停",
    en: "alter records: it inspects, files, rules on objections, stops what is dangerous",
    never: [
      ...MONEY,
      ...VOTING,
      "registry.add_*",
      "registry.*_roll",
      "registry.enter_*",
      "service-rating.*",
      "repair-orders.*",
      "home-service.*",
      "disclosure.*",
      "polls.*",
    ],
  },
  {
    roles: ["auditor"],
    zh: "审价之外的账目, 表决",
    en: "anything of the books but their review, vote",
    never: ["finance.*", "fees.*", ...VOTING, ...TITLES],
  },
  {
    roles: ["bank"],
    zh: "发起付款: 只签认已发生的",
    en: "start a payment: it signs what has happened",
    never: ["*.ask_*", "*.propose*", "*.approve*", "finance.draft", "finance.post", ...VOTING, ...TITLES],
  },
  {
    roles: ["mediator", "device", "node"],
    zh: "自己签认的事实以外的一切",
    en: "anything but the facts that it signs",
    never: [...MONEY, ...VOTING, ...TITLES, ...JUDGING],
    but: ["holders.hold"],
  },
  {
    roles: ["admin"],
    zh: "任何业务: 只管本机构人员与共同治理",
    en: "any business: only its own staff, and governance together with others",
    never: [...MONEY, ...VOTING, ...JUDGING, "registry.add_*", "holders.*", "repair-orders.*"],
  },
];

/** Whether a pattern covers an action. */
export function covers(pattern: string, { contract, action }: Pick<Permission, "contract" | "action">): boolean {
  const [wantedContract = "", wantedAction = ""] = pattern.split(".");
  return isLike(wantedContract, contract) && isLike(wantedAction, action);
}

function isLike(pattern: string, word: string): boolean {
  const [start = "", end] = pattern.split("*");
  if (end === undefined) return pattern === word;
  return word.length >= start.length + end.length && word.startsWith(start) && word.endsWith(end);
}

export interface Permission {
  readonly role: string;
  readonly contract: string;
  readonly action: string;
  readonly title: string;
}

/** Every role with every action whose `by` names it, in order. */
export function permissionsOf(documents: readonly LibraryDocument[]): readonly Permission[] {
  const found = documents.flatMap(({ name: contract, document, checked }) =>
    (checked?.actions ?? []).flatMap((action) => {
      const title = document?.actions.find(({ name }) => name.text === action.name.text)?.title;
      const words =
        title === undefined ? action.name.text : `${title.zh}${title.en === undefined ? "" : ` · ${title.en}`}`;
      return action.by.map((role) => ({ role, contract, action: action.name.text, title: words }));
    }),
  );
  const keyOf = ({ role, contract, action }: Permission) => `${role} ${contract} ${action}`;
  return found.sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
}

/** docs/roles.md. */
export function rolesPage(documents: readonly LibraryDocument[]): string {
  const permissions = permissionsOf(documents);
  const roles = [...new Set(permissions.map(({ role }) => role))];
  const lines = [
    "# Who may call what · 谁可以做什么",
    "",
    "Made from the documents in `src/contracts/library` by `npm run contracts -- --roles`; a test fails when it differs from them.",
    "Conditions beyond the role (one's own organisation, one's own unit, another person than before) stand in each document:",
    "`linli contract render` shows them in sentences.",
    "",
  ];
  lines.push("## What a role never does · 谁不得做什么", "", "| Role | 不得 | May not |", "|---|---|---|");
  for (const { roles: banned, zh, en } of BANS) lines.push(`| ${banned.join(", ")} | ${zh} | ${en} |`);
  lines.push("");
  for (const role of roles) {
    lines.push(
      `## ${role}${MACHINES[role] === undefined ? "" : ` (${MACHINES[role]})`}`,
      "",
      "| Contract | Action | What it does |",
      "|---|---|---|",
    );
    for (const { contract, action, title } of permissions.filter((one) => one.role === role))
      lines.push(`| ${contract} | ${action} | ${title} |`);
    lines.push("");
  }
  return lines.join("\n");
}
