// What an operator has to know about versions of the protocol: which one is in force, which is decided, and whether this program
// speaks them. Reads the committed state; changes nothing.

import { invariant } from "../assert.ts";
import { type ProtocolSchedule, protocolScheduleIn } from "../contracts/governance-rows.ts";
import type { Logger, ProtocolView } from "../ports.ts";
import type { Chain } from "./chain.ts";

const REMEDY =
  "replace this node's program by one that speaks that protocol and start it: its data stays, it catches up";

export function protocolView(chain: Chain): ProtocolView {
  const { protocol } = chain.head.parameters;
  const { next, height } = scheduleOf(chain);
  return {
    speaks: [...chain.protocols.keys()].sort((left, right) => left - right),
    inForce: protocol,
    decided: next === protocol ? null : { protocol: next, height },
    needs: [protocol, next].find((version) => !chain.protocols.has(version)) ?? null,
  };
}

/**
 * Says what changed, once: to be called when the ledger is opened and after each commit.
 * A node that lacks a version is told as soon as it is decided, and again when its votes end.
 */
export function protocolTeller(chain: Chain, log: Logger): () => void {
  let last: ProtocolView | undefined;
  return () => {
    const view = protocolView(chain);
    const before = last;
    if (before !== undefined && isSame(before, view)) return;
    last = view;
    const { inForce, decided, needs } = view;
    const nextHeight = chain.head.height + 1;
    if (needs !== null) {
      const height = needs === inForce ? nextHeight : (decided?.height ?? nextHeight);
      log.error("newer software needed", { height, protocol: needs, speaks: view.speaks, remedy: REMEDY });
    } else if (decided !== null) log.info("another protocol is decided", decided);
    else if (before?.inForce === inForce) log.info("the decided protocol is taken back", { ...before.decided });
    else if (before !== undefined) log.info("protocol in force", { protocol: inForce, height: nextHeight });
  };
}

function isSame(left: ProtocolView, right: ProtocolView): boolean {
  const isDecidedSame =
    left.decided?.protocol === right.decided?.protocol && left.decided?.height === right.decided?.height;
  return left.inForce === right.inForce && isDecidedSame;
}

function scheduleOf(chain: Chain): ProtocolSchedule {
  const schedule = protocolScheduleIn(chain.store.stateReader());
  invariant(schedule.ok, "R6: the rows of the protocol are usable in every committed state");
  return schedule.value;
}
