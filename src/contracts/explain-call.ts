// Tries a call of a registered account against a state: what every condition says, and what would become of it in the next block.
// For APIs; signatures, windows and limits of blocks are not its business.

import { accept, refuse, type Verdict } from "../errors.ts";
import type { Value } from "../ledger/codec.ts";
import type { StateOverlay } from "../ledger/types.ts";
import type { Callee } from "./action-run.ts";
import { deploy } from "./deploy.ts";
import { type DryRun, dryRun } from "./dry-run.ts";
import { Catalogue, Engine } from "./engine.ts";
import { stopRefusal } from "./stop.ts";
import { ANYONE_ROLE, CONTRACT_ROLE_PREFIX, TIMER_ROLE } from "./system.ts";
import { ACCOUNTS } from "./system-layouts.ts";

/** Bound of a trial: a question must not cost the node more than a transaction of this size. */
export const TRIAL_GAS_MAX = 2_000_000;

/** Compiled contracts for trials only; what executes has an engine of its own. */
const ENGINE = new Engine();

export interface TrialRequest {
  readonly contract: string;
  readonly action: string;
  /** who would sign, by id */
  readonly account: string;
  readonly cosigners: readonly string[];
  readonly args: Readonly<Record<string, Value>>;
  readonly timeMs: number;
  /** of the block that would run it */
  readonly height: number;
}

/** The overlay is left as it was. Codes: CONTRACT_UNKNOWN, ACTION_UNKNOWN, ACCOUNT_UNKNOWN. */
export function explainCall(overlay: StateOverlay, request: TrialRequest): Verdict<DryRun> {
  const { contract: name, action, account, cosigners, height, timeMs } = request;
  const catalogue = new Catalogue(ENGINE, overlay, height);
  const callee = (contract: string, called: string): Callee | undefined => {
    const loaded = catalogue.load(contract);
    const compiled = loaded?.contract.actions.get(called);
    return loaded && compiled && { action: compiled, settings: loaded.settings };
  };
  const contract = catalogue.load(name)?.contract;
  if (contract === undefined) return refuse("CONTRACT_UNKNOWN", name);
  const called = callee(name, action);
  if (called === undefined) return refuse("ACTION_UNKNOWN", action);
  const row = ACCOUNTS.read(overlay, [account]);
  if (row === null) return refuse("ACCOUNT_UNKNOWN", account);
  const [, organisation, roles] = row;
  const held = (Array.isArray(roles) ? roles : []).filter((role) => typeof role === "string");
  return accept(
    dryRun({
      overlay,
      hostOver: (metered) => ({
        overlay: metered,
        timeMs,
        callee,
        stopped: (other) => stopRefusal(catalogue.load(other)?.stop, timeMs),
        deploy: (frame, deployed) =>
          deploy(frame, deployed, { state: overlay, overlay: metered, engine: ENGINE, height }),
      }),
      gas: TRIAL_GAS_MAX,
      called,
      contract,
      caller: {
        id: account,
        organisation: typeof organisation === "string" ? organisation : "",
        roles: [...held.filter((role) => role !== TIMER_ROLE && !role.startsWith(CONTRACT_ROLE_PREFIX)), ANYONE_ROLE],
        cosigners,
        contract: "",
      },
      args: Object.entries(request.args).sort(([left], [right]) => (left < right ? -1 : 1)),
      contractOf: (other) => catalogue.load(other)?.contract,
    }),
  );
}
