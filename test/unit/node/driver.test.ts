// The driver's laws: one event at a time, answers come back as events, a failed durable effect halts.

import { describe, expect, it } from "vitest";
import type { ReplicaEffect, ReplicaEvent, Timer } from "../../../src/consensus/events.ts";
import { LedgerError } from "../../../src/errors.ts";
import { Driver, type EffectPorts } from "../../../src/node/driver.ts";
import { SILENT, StillClock } from "./support.ts";

const ANSWER: ReplicaEvent = { kind: "blockBuilt", height: 1, view: 0, proposal: undefined };

function ports(overrides: Partial<EffectPorts>): EffectPorts {
  const never = () => new Promise<never>(() => undefined);
  return {
    buildBlock: never,
    checkBlock: never,
    executeBlock: never,
    signVote: never,
    commitBlock: never,
    sync: never,
    send: () => undefined,
    sendDecided: () => undefined,
    fetchBatches: () => undefined,
    keepTrail: () => undefined,
    report: () => undefined,
    ...overrides,
  };
}

/** A core that records its events and answers each kind with the given effects. */
function scripted(effects: Partial<Record<ReplicaEvent["kind"], readonly ReplicaEffect[]>>) {
  const seen: string[] = [];
  let isInside = false;
  return {
    seen,
    step(event: ReplicaEvent): readonly ReplicaEffect[] {
      if (isInside) throw new Error("two events at once");
      isInside = true;
      seen.push(event.kind);
      isInside = false;
      return effects[event.kind] ?? [];
    },
  };
}

describe("driver", () => {
  it("N50: an event that an effect brings about waits until the step is over", () => {
    const core = scripted({ started: [{ kind: "sendDecided", to: "peer", height: 1 }], peerChanged: [] });
    const driver: Driver = new Driver({
      core,
      clock: new StillClock(),
      log: SILENT,
      halt: () => undefined,
      ports: ports({ sendDecided: () => driver.push({ kind: "peerChanged", peer: "peer", connected: true }) }),
    });
    driver.push({ kind: "started" });
    expect(core.seen).toEqual(["started", "peerChanged"]);
  });

  it("N51: the answer of an effect comes back as an event, an answer without event does not", async () => {
    const core = scripted({
      started: [
        { kind: "buildBlock", height: 1, view: 0 },
        { kind: "signVote", request: { kind: "suspect", height: 1, view: 0, waitingFor: [] } },
      ],
    });
    const driver = new Driver({
      core,
      clock: new StillClock(),
      log: SILENT,
      halt: () => undefined,
      ports: ports({
        buildBlock: async () => ANSWER as Extract<ReplicaEvent, { kind: "blockBuilt" }>,
        signVote: async () => undefined,
      }),
    });
    driver.push({ kind: "started" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(core.seen).toEqual(["started", "blockBuilt"]);
  });

  it("N52: a durable effect that fails halts the node, and nothing is fed to the core any more", async () => {
    const core = scripted({ started: [{ kind: "buildBlock", height: 1, view: 0 }] });
    const halts: string[] = [];
    const driver = new Driver({
      core,
      clock: new StillClock(),
      log: SILENT,
      halt: ({ code }) => halts.push(code),
      ports: ports({ buildBlock: () => Promise.reject(new LedgerError("STORE_WRITE_FAILED")) }),
    });
    driver.push({ kind: "started" });
    await new Promise((resolve) => setImmediate(resolve));
    driver.push({ kind: "peerChanged", peer: "peer", connected: false });
    expect({ halts, seen: core.seen }).toEqual({ halts: ["STORE_WRITE_FAILED"], seen: ["started"] });
  });

  it("N53: an exception in the core halts the node with its cause", () => {
    const halts: LedgerError[] = [];
    const core = {
      step(): readonly ReplicaEffect[] {
        throw new Error("a bug");
      },
    };
    const driver = new Driver({
      core,
      clock: new StillClock(),
      log: SILENT,
      halt: (error) => halts.push(error),
      ports: ports({}),
    });
    driver.push({ kind: "started" });
    expect(halts.map(({ code, cause }) => [code, (cause as Error).message])).toEqual([["NODE_HALTED", "a bug"]]);
  });

  it("N54: timers fire once with what they were set for, and not after a stop", () => {
    const clock = new StillClock();
    const core = scripted({
      started: [
        { kind: "setTimer", timer: { kind: "progress", height: 4, view: 2 }, delayMs: 10 },
        { kind: "setTimer", timer: { kind: "resend", height: 4, view: 2 }, delayMs: 30 },
      ],
    });
    const driver = new Driver({ core, clock, log: SILENT, halt: () => undefined, ports: ports({}) });
    driver.push({ kind: "started" });
    clock.advance(20);
    expect(core.seen).toEqual(["started", "timerFired"]);
    driver.stop();
    clock.advance(20);
    expect(core.seen).toEqual(["started", "timerFired"]);
  });

  it("N246: what a height waits for ends with the first wait of a higher one, all else fires", () => {
    const clock = new StillClock();
    const set = (kind: Timer["kind"], height: number, delayMs: number, view = 0) =>
      ({ kind: "setTimer", timer: { kind, height, view }, delayMs }) as const;
    const fired: string[] = [];
    const core = {
      step(event: ReplicaEvent): readonly ReplicaEffect[] {
        if (event.kind === "timerFired") fired.push(`${event.timer.kind} ${event.timer.height}`);
        if (event.kind === "started")
          return [set("spread", 4, 10), set("progress", 4, 30), set("spread", 4, 40, 1), set("resend", 4, 50)];
        return event.kind === "timerFired" && event.timer.height === 4 ? [set("spread", 5, 100)] : [];
      },
    };
    const driver = new Driver({ core, clock, log: SILENT, halt: () => undefined, ports: ports({}) });
    driver.push({ kind: "started" });
    clock.advance(10);
    clock.advance(40);
    expect(fired).toEqual(["spread 4", "resend 4"]);
    clock.advance(100);
    expect(fired).toEqual(["spread 4", "resend 4", "spread 5", "spread 5"]);
  });
});
