// Which protocol a height is under: decided in time, in order, and taken back only as long as nothing was made under it.

import { beforeEach, describe, expect, it } from "vitest";
import { protocolScheduleIn } from "../../../src/contracts/governance-rows.ts";
import { PROTOCOLS, rulesOf } from "../../../src/contracts/protocols.ts";
import { PROTOCOL_LEAD_HEIGHTS } from "../../../src/contracts/system.ts";
import { PARAMETERS as ROWS } from "../../../src/contracts/system-layouts.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { Overlay } from "../../../src/state/overlay.ts";
import { BOTH_PROTOCOLS, SIGNER_GAS_2 } from "../../protocols.ts";
import { genesisWith, TestChain } from "./support.ts";

const GENESIS = genesisWith([], [{ id: "root", organisation: "government", roles: ["admin"] }]);

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(GENESIS, BOTH_PROTOCOLS);
});

const set = (name: string, value: number) => ({
  contract: "governance",
  action: "set_parameter",
  args: { name, value },
});
/** As `enact_protocol` of the library does it, in one transaction. */
const decide = (protocol: number, next: number, height: number): Receipt =>
  chain.run(chain.height + 1, "root", [
    set("protocol", protocol),
    set("next_protocol", next),
    set("next_protocol_height", height),
  ]);
const problem = ({ status, ruleId, values }: Receipt) => (status === "ok" ? "ok" : `${ruleId} ${values[0]?.[1]}`);
const goOnTo = (height: number) => {
  while (chain.height < height) chain.block(chain.height + 1, []);
};

describe("protocols", () => {
  it("N222: the version of the next block changes exactly where it was decided, and the parameters say so", () => {
    expect(problem(decide(1, 2, 60))).toBe("ok");
    goOnTo(58);
    expect(chain.parameters.protocol).toBe(1);
    goOnTo(59);
    expect(chain.parameters.protocol).toBe(2);
    expect(chain.block(60, []).parameters.protocol).toBe(2);
  });

  it("N222: every block is executed under the rules of its own version: a receipt shows the other price at its height", () => {
    decide(1, 2, 60);
    goOnTo(58);
    const [before, after] = [chain.run(59, "nobody", []), chain.run(60, "nobody", [])];
    expect([before?.gas, after?.gas]).toEqual([300, SIGNER_GAS_2]);
  });

  it("N220: a version that this program lacks is never executed", () => {
    expect(() => rulesOf(PROTOCOLS, 2)).toThrow("N220");
    expect([...PROTOCOLS.keys()]).toEqual([1]);
  });

  it("N223: another version is decided in time for its height, as the next number, and never at once", () => {
    const earliest = 1 + PROTOCOL_LEAD_HEIGHTS;
    expect(problem(decide(1, 2, earliest - 1))).toBe("governance.protocol TOO_SOON");
    expect(problem(decide(1, 3, 500))).toBe("governance.protocol NOT_THE_NEXT");
    expect(problem(decide(2, 2, 500))).toBe("governance.protocol AT_ONCE");
    expect(problem(decide(1, 2, 1))).toBe("governance.protocol AT_ONCE");
    expect(problem(chain.run(9, "root", [set("next_protocol", 2)]))).toBe("governance.protocol AT_ONCE");
    expect(problem(decide(1, 0, 500))).toBe("governance.parameters protocol");
    const height = chain.height + 1;
    expect(problem(decide(1, 2, height + PROTOCOL_LEAD_HEIGHTS))).toBe("ok");
  });

  it("N223: what is decided is taken back up to the block before its height, and never after", () => {
    decide(1, 2, 60);
    goOnTo(58);
    expect(problem(decide(1, 1, 60))).toBe("ok");
    goOnTo(70);
    expect(chain.parameters.protocol).toBe(1);
    decide(1, 2, 130);
    goOnTo(129);
    expect(chain.parameters.protocol).toBe(2);
    expect(problem(decide(1, 1, 130))).toBe("governance.protocol AT_ONCE");
    expect(problem(decide(2, 1, 500))).toBe("governance.protocol NOT_THE_NEXT");
  });

  it("N223: while one is decided nobody brings it forward or decides the one after it; other parameters change all the same", () => {
    decide(1, 2, 60);
    expect(problem(decide(2, 3, 500))).toBe("governance.protocol AT_ONCE");
    expect(problem(decide(1, 2, 20))).toBe("governance.protocol TOO_SOON");
    goOnTo(58);
    expect(problem(chain.run(59, "root", [set("rotation_heights", 7)]))).toBe("ok");
    expect(chain.parameters).toMatchObject({ protocol: 2, rotationHeights: 7 });
  });

  it("N222: without its rows there is no protocol", () => {
    const nothing = new Overlay({ base: { get: () => undefined }, height: 1 });
    expect(protocolScheduleIn(nothing)).toMatchObject({ ok: false, detail: "protocol" });
    for (const row of ["protocol", "next_protocol", "next_protocol_height"]) {
      const overlay = new Overlay({ base: chain, height: 1 });
      overlay.put(ROWS.stateKey([row]), ROWS.encode([row, 0]));
      expect([row, protocolScheduleIn(overlay).ok]).toEqual([row, false]);
    }
  });
});
