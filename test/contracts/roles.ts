// Who may call what: a page made from the documents of the library, so that it cannot differ from what the ledger does.
// What a role may never do stands here as a rule over the same table, tested in roles.test.ts.

import { fileURLToPath } from "node:url";
import type { LibraryDocument } from "./library-files.ts";

export const ROLES_PAGE = fileURLToPath(new URL("../../docs/roles.md", import.meta.url));

/** Callers that are no person's role. */
const MACHINES: Readonly<Record<string, string>> = {
  timer: "到期由账本自动执行 · the ledger itself, when it is due",
  anyone: "任何已登记账户 · any registered account",
};

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
