// The proposals of governance that carry a rule pack's numbers: which one is next for a number and an organisation.
// Decides from proved rows; signs and sends nothing.

import type { CallRequest } from "../client/transaction.ts";
import { ROSTER_KEY } from "../contracts/system.ts";
import type { Value } from "../ledger/codec.ts";
import { toHex } from "../ledger/hash.ts";
import { digestOf } from "./author-tests.ts";
import type { RulePackNumber } from "./rule-pack.ts";
import type { ReadRow } from "./rule-pack-standing.ts";

/** Who acts, and what all proposals are judged by. */
export interface Voice {
  readonly organisation: string;
  readonly seat: number;
  readonly isIndependent: boolean;
  readonly seats: number;
  /** how often the seats have changed: what was proposed before does not count */
  readonly changes: Value;
  /** of the ledger */
  readonly nowMs: number;
}

export type Deed = "proposed" | "approved" | "waits" | "enacted";

/** What is to be done about one number, and how far it is afterwards. */
export interface Step {
  readonly proposal: string;
  readonly deed: Deed;
  readonly calls: readonly CallRequest[];
  /** organisations that approve it then, and those of them that are independent */
  readonly approvals: number;
  readonly independent: number;
}

/** How often one number may have been proposed before: after that the pack gets a new version. */
const ATTEMPTS_MAX = 99;
/** As governance counts: an approval of one of these is not independent. */
const DEPENDENT = ["property", "provider", "developer"];

/** @returns undefined: the account is no one's with a seat */
export async function voiceOf(account: string, nowMs: number, read: ReadRow): Promise<Voice | undefined> {
  const [organisation] = (await read("registry", "account", account)) ?? [];
  const [seats, changes = 0] = (await read("governance", "roster", ROSTER_KEY)) ?? [];
  if (typeof organisation !== "string" || typeof seats !== "number") return undefined;
  const [, role] = (await read("governance", "organisation", organisation)) ?? [];
  const isIndependent = typeof role === "string" && !DEPENDENT.includes(role);
  for (let seat = 0; seat < seats; seat += 1)
    if ((await read("governance", "seat", seat))?.[0] === organisation)
      return { organisation, seat, isIndependent, seats, changes, nowMs };
  return undefined;
}

/** Approvals that governance asks for: more than two thirds of the seats. */
export function approvalsNeeded({ seats }: Pick<Voice, "seats">): number {
  return Math.floor((2 * seats) / 3) + 1;
}

/** The open proposal of exactly this number, or the next free id. Another's proposal under the same id that says something else is passed over. */
export async function stepFor(number: RulePackNumber, voice: Voice, read: ReadRow): Promise<Step | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const proposal = proposalId(number, attempt);
    const row = await read("governance", "proposal", proposal);
    if (row === undefined)
      return stepWith({ proposal, isNew: true, hasApproved: false, approvals: 0, independent: 0 }, number, voice);
    const [kind, , expires, changes, approvals, independent, state] = row;
    const isOpen = kind === "setting" && state === "open" && Number(expires) > voice.nowMs && changes === voice.changes;
    const said = isOpen ? await read("governance", "number_change", proposal) : undefined;
    const [contract, setting, value] = said ?? [];
    if (contract !== number.contract || setting !== number.setting || value !== number.value) continue;
    const hasApproved = (await read("governance", "approval", proposal, voice.organisation)) !== undefined;
    const counted = { approvals: Number(approvals), independent: Number(independent) };
    return stepWith({ proposal, isNew: false, hasApproved, ...counted }, number, voice);
  }
  return undefined;
}

interface Found {
  readonly proposal: string;
  readonly isNew: boolean;
  readonly hasApproved: boolean;
  readonly approvals: number;
  readonly independent: number;
}

function stepWith({ proposal, isNew, hasApproved, ...before }: Found, number: RulePackNumber, voice: Voice): Step {
  const { contract, setting, value } = number;
  const { seat } = voice;
  const calls: CallRequest[] = [];
  const call = (action: string, args: Readonly<Record<string, Value>>) =>
    calls.push({ contract: "governance", action, args });
  if (isNew) call("propose_setting", { id: proposal, seat, contract, name: setting, value });
  if (!hasApproved) call("approve", { proposal, seat });
  const approvals = before.approvals + (hasApproved ? 0 : 1);
  const independent = before.independent + (hasApproved || !voice.isIndependent ? 0 : 1);
  const isEnough = approvals >= approvalsNeeded(voice) && independent > 0;
  if (isEnough) call("enact_setting", { proposal });
  const deed = isEnough ? "enacted" : isNew ? "proposed" : hasApproved ? "waits" : "approved";
  return { proposal, deed, calls, approvals, independent };
}

/** The id follows from what is proposed, so that others with the same pack find it. */
function proposalId({ contract, setting, value }: RulePackNumber, attempt: number): string {
  return `rp-${toHex(digestOf(`${contract}.${setting}=${value}`)).slice(0, 16)}-${attempt}`;
}
