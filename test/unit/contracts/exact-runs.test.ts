// Runs at their exact edges: the last unit of gas, the last place in a block, the longest value a receipt carries, the shortest bytes
// that are a key, the last document that an engine keeps.

import { beforeEach, describe, expect, it } from "vitest";
import { type ActionHost, frameOf, runAction } from "../../../src/contracts/action-run.ts";
import { splitByLargestRemainder } from "../../../src/contracts/arithmetic.ts";
import { accountsFault } from "../../../src/contracts/contract-set.ts";
import { Engine } from "../../../src/contracts/engine.ts";
import { executeBlock } from "../../../src/contracts/execute-block.ts";
import { GAS } from "../../../src/contracts/gas.ts";
import { genesisWrites } from "../../../src/contracts/genesis-state.ts";
import { fullDimension, MeteredOverlay, noneUsed, TIMER_LIMITS } from "../../../src/contracts/metered-overlay.ts";
import { failed, REFUSAL_VALUES_MAX, type RefusalValues, refused } from "../../../src/contracts/refusal.ts";
import { decodeKey, encodeKey, startsWithBytes, timerDueMs } from "../../../src/contracts/state-keys.ts";
import { CONTRACTS, SETTINGS } from "../../../src/contracts/system-layouts.ts";
import { type Column, LIST_LENGTH_MAX, parseType, TEXT_BYTES_MAX } from "../../../src/contracts/types.ts";
import { BLOCK_LIMITS, LIMITED, TRANSACTION_LIMITS } from "../../../src/contracts/usage.ts";
import { WITHDRAW_ROWS_UNITS } from "../../../src/contracts/worst-case.ts";
import { encode, type Value } from "../../../src/ledger/codec.ts";
import type { Receipt } from "../../../src/ledger/types.ts";
import { Overlay } from "../../../src/state/overlay.ts";
import { evaluate, genesisWith, keyFor, keyOf, newOverlay, RULES, TestChain, transaction } from "./support.ts";

const outcome = ({ status, ruleId }: Pick<Receipt, "status" | "ruleId">) => [status, ruleId];
const call = (contract: string, action: string, args: Readonly<Record<string, Value>> = {}) => ({
  contract,
  action,
  args,
});

/** What one transaction leaves over rows that are not committed, as the only one of the block of height 1. */
function runAlone(chain: TestChain, overlay: Overlay, only: ReturnType<typeof transaction>): readonly Receipt[] {
  const { engine, validators, parameters } = chain;
  const block = { chainId: new Uint8Array(32), height: 1, timeMs: 1, transactions: [only], dueTimers: [], overlay };
  return executeBlock({ ...block, validators, parameters, rules: RULES, engine }, (receipt) => receipt).receipts;
}

describe("values of a refusal", () => {
  const kept = (value: Value) => refused("r", [["v", value]]).values.length === 1;

  it.each<readonly [string, Value, boolean]>([
    ["a text of 512 bytes", "x".repeat(512), true],
    ["a text of 513 bytes", "x".repeat(513), false],
    ["513 bytes of three-byte letters", "邻".repeat(171), false],
    ["a text that is not well-formed", "\ud800", false],
    ["512 bytes", new Uint8Array(512), true],
    ["513 bytes", new Uint8Array(513), false],
    ["a list of 16 items", new Array(16).fill(1), true],
    ["a list of 17 items", new Array(17).fill(1), false],
    ["an empty list", [], true],
    ["a list of lists", [1, [2]], false],
    ["a list with one long text", ["short", "x".repeat(513)], false],
    ["a number, a truth, nothing", 1, true],
  ])("R295: %s: %#", (_, value, isKept) => {
    expect(kept(value)).toBe(isKept);
  });

  it("R295: a receipt carries the first 24 values, and an error's code before them", () => {
    const values: RefusalValues = Array.from({ length: 30 }, (_, index) => [`v${index}`, index]);
    expect(refused("r", values).values).toEqual(values.slice(0, REFUSAL_VALUES_MAX));
    const code = evaluate("1 / z", { z: ["int(0..1)", 0] }).result;
    expect(code).toEqual({ error: "DIVISION_BY_ZERO" });
    expect(failed("r", { code: "ARGUMENT" } as never, values).values[0]).toEqual(["error", "ARGUMENT"]);
  });
});

describe("keys", () => {
  const columns = (...texts: readonly string[]): readonly Column[] =>
    texts.map((text, index) => {
      const reading = parseType(text, () => undefined);
      if (!reading.ok) throw new Error(reading.message);
      return { name: `c${index}`, type: reading.type, typeText: text, defaultValue: undefined };
    });

  it.each<readonly [string, readonly number[], readonly Value[] | undefined]>([
    ["bool", [1], [true]],
    ["bool", [], undefined],
    ["int", [0x80, 0, 0, 0, 0, 0, 0, 5], [5]],
    ["int", [0x80, 0, 0, 0, 0, 0, 0], undefined],
    ["text(9)", [0], [""]],
    ["text(9)", [97, 0], ["a"]],
    ["text(9)", [97], undefined],
    ["bytes(9)", [0, 0], [new Uint8Array(0)]],
    ["bytes(9)", [0], undefined],
    ["bytes(9)", [0, 0xff, 0, 0], [new Uint8Array(1)]],
    ["bytes(9)", [0, 1], undefined],
  ])("R296: a key of %s from %j is %j", (type, bytes, values) => {
    for (const prefix of [[], [9, 9]]) {
      const key = Uint8Array.from([...prefix, ...bytes]);
      const decoded = decodeKey(key, prefix.length, columns(type));
      expect(decoded.ok ? decoded.value : undefined).toEqual(values);
      if (values !== undefined) expect(encodeKey(Uint8Array.from(prefix), values)).toEqual(key);
    }
  });

  it("R296: bytes begin with themselves, and bytes that are no timer's row are due at once", () => {
    const [ab, abc] = [Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)];
    expect([startsWithBytes(ab, ab), startsWithBytes(abc, ab), startsWithBytes(ab, abc)]).toEqual([true, true, false]);
    expect(startsWithBytes(abc, Uint8Array.of(1, 3))).toBe(false);
    const rows: readonly Uint8Array[] = [encode(null), encode(7), encode(["7"]), Uint8Array.of(0xff), encode([7])];
    expect(rows.map(timerDueMs)).toEqual([0, 0, 0, 0, 7]);
  });
});

describe("limits", () => {
  it("R297: a part of a block is full when one more transaction might not fit, and not before", () => {
    for (const dimension of LIMITED) {
      const room = BLOCK_LIMITS[dimension] - TRANSACTION_LIMITS[dimension];
      expect(fullDimension({ ...noneUsed(), [dimension]: room }, BLOCK_LIMITS)).toBeUndefined();
      expect(fullDimension({ ...noneUsed(), [dimension]: room + 1 }, BLOCK_LIMITS)).toBe(dimension);
      expect(TIMER_LIMITS[dimension]).toBe(BLOCK_LIMITS[dimension] / 2);
    }
  });

  it("R297: the longest text and the longest list can be put together, and nothing longer", () => {
    const texts = (length: number) =>
      evaluate("size(a + b)", { a: ["text(131072)", "x".repeat(length)], b: ["text(1)", "x"] }).result;
    expect([texts(TEXT_BYTES_MAX - 1), texts(TEXT_BYTES_MAX)]).toEqual([TEXT_BYTES_MAX, { error: "TEXT_TOO_LONG" }]);
    const bytes = (length: number) =>
      evaluate("size(a + b)", { a: ["bytes(131072)", new Uint8Array(length)], b: ["bytes(1)", keyOf(1).slice(31)] });
    expect([bytes(TEXT_BYTES_MAX - 1).result, bytes(TEXT_BYTES_MAX).result]).toEqual([
      TEXT_BYTES_MAX,
      { error: "TEXT_TOO_LONG" },
    ]);
    const lists = (length: number) =>
      evaluate("size(a + b)", { a: ["list(int, 4096)", new Array(length).fill(1)], b: ["list(int, 1)", [1]] }).result;
    expect([lists(LIST_LENGTH_MAX - 1), lists(LIST_LENGTH_MAX)]).toEqual([LIST_LENGTH_MAX, { error: "LIST_TOO_LONG" }]);
  });

  it("R297: numbers at the edge of what a double holds keep their one form, and texts of numbers have 40 digits", () => {
    const safe = Number.MAX_SAFE_INTEGER;
    expect(splitByLargestRemainder(safe, [1])).toEqual([safe]);
    expect(splitByLargestRemainder(BigInt(safe) + 1n, [1])).toEqual([BigInt(safe) + 1n]);
    expect(splitByLargestRemainder(5, [1, 1, 1])).toEqual([2, 2, 1]);
    const digits = (text: string) => evaluate("int(t)", { t: ["text(99)", text] }).result;
    expect(digits(`-${"0".repeat(39)}7`)).toBe(-7);
    expect(digits(`+${"0".repeat(39)}7`)).toBe(7);
    expect([digits(`-${"0".repeat(40)}7`), digits("-"), digits("")]).toEqual(
      new Array(3).fill({ error: "CONVERSION" }),
    );
  });

  it("R297: months are added to times of the calendar only, and a thousand years at most", () => {
    const last = 253_402_271_999_999;
    const months = (time: number, count: number) =>
      evaluate("addMonths(t, m)", { t: ["int", time], m: ["int", count] }).result;
    const wrong = { error: "ARGUMENT" };
    expect([months(last + 1, -12), months(-1, 12)]).toEqual([wrong, wrong]);
    expect([months(0, 12_001), months(last, -12_001)]).toEqual([wrong, wrong]);
    expect([months(0, 12_000), months(last, -12_000)].map((value) => typeof value)).toEqual(["number", "number"]);
  });
});

// ---- blocks ----

const DESK = `rules: 1
contract: desk
title: 台
settings: {none: {type: int(0..9), value: 5}}
tables:
  box:
    key: {id: id}
    fields: {n: int}
actions:
  put:
    by: [clerk]
    params: {id: id}
    do: [{insert: box, row: {id: p.id, n: settings.none}}]
  say:
    by: [clerk]
    params: {note: text(16000)}
    do: [{emit: {said: {note: p.note}}}]
  later:
    by: [clerk]
    params: {key: id, at: time}
    do: [{timer: {key: p.key, at: p.at, run: ring, with: {key: p.key}}}]
  stop:
    by: [clerk]
    params: {key: id, at: time, other: id}
    do: [{timer: {key: p.key, at: p.at, run: hush, with: {other: p.other}}}]
  move:
    by: [clerk]
    params: {key: id, at: time, other: id}
    do: [{timer: {key: p.key, at: p.at, run: delay, with: {other: p.other}}}]
  ring:
    by: [timer]
    params: {key: id}
    do: [{emit: {rang: {key: p.key}}}]
  hush:
    by: [timer]
    params: {other: id}
    do: [{cancel: p.other}]
  delay:
    by: [timer]
    params: {other: id}
    do: [{timer: {key: p.other, at: now + 1000, run: ring, with: {key: p.other}}}]
`;
const ACCOUNTS = [
  { id: "ann", organisation: "property", roles: ["clerk"] },
  { id: "root", organisation: "government", roles: ["admin"] },
];

let chain: TestChain;
beforeEach(() => {
  chain = new TestChain(genesisWith([{ name: "desk", source: DESK }], ACCOUNTS));
});

const desk = (action: string, args: Readonly<Record<string, Value>>) =>
  chain.run(1, "ann", [call("desk", action, args)]);

describe("blocks", () => {
  it("R298: a timer that another one of the same block has cancelled or put off does not run in it", () => {
    desk("stop", { key: "a", at: 10, other: "b" });
    desk("later", { key: "b", at: 11 });
    desk("move", { key: "c", at: 12, other: "d" });
    desk("later", { key: "d", at: 13 });
    desk("later", { key: "e", at: 14 });
    const { receipts } = chain.block(20, []);
    expect(receipts.map(({ events }) => events.map(({ fields }) => fields[0]?.[1]))).toEqual([[], [], ["e"]]);
    expect(chain.block(1020, []).receipts.map(({ events }) => events[0]?.fields[0]?.[1])).toEqual(["d"]);
  });

  it("R298: a timer runs when its limit is exactly the share of the block, a transaction when it is exactly what is left", () => {
    desk("later", { key: "a", at: 10 });
    chain.limits = { timerGasMax: 5000, blockGasMax: 10_000 };
    const put = (id: string, gasLimit: number) => transaction("ann", [call("desk", "put", { id })], gasLimit);
    const probe = chain.block(2, [put("p", 10_000)]).receipts[0];
    expect(probe && outcome(probe)).toEqual(["ok", ""]);
    const left = 10_000 - (probe?.gas ?? 0);
    const { receipts } = chain.block(3, [put("q", 10_000), put("r", left), put("s", 10_000)]);
    expect(receipts.map(outcome)).toEqual([
      ["ok", ""],
      ["ok", ""],
      ["out_of_gas", "block.gas"],
    ]);
    expect(receipts[2]?.values).toEqual([
      ["gasLimit", 10_000],
      ["left", left - (receipts[1]?.gas ?? 0)],
    ]);
    expect(chain.block(10, []).receipts.map(outcome)).toEqual([["ok", ""]]);
  });

  it("R298: signers are paid for before they are looked at, to the last unit", () => {
    const stranger = (gasLimit: number) => chain.run(1, "nobody", [call("desk", "put", { id: "x" })], gasLimit);
    expect(outcome(stranger(GAS.signer - 1))).toEqual(["out_of_gas", "transaction.gas"]);
    expect(outcome(stranger(GAS.signer))).toEqual(["unauthorised", "account.unknown"]);
  });

  it("R298: a key is one of its suite", () => {
    const signed = transaction("ann", [call("desk", "put", { id: "x" })]);
    const signers = [{ account: "ann", suite: 2, publicKey: keyFor("ann") }];
    const { receipts } = chain.block(1, [{ ...signed, body: { ...signed.body, signers } }]);
    expect(receipts.map(outcome)).toEqual([["unauthorised", "account.key"]]);
  });

  it("R298: what every transaction of a block used counts for the next one", () => {
    const note = "x".repeat(16_000);
    const each = 16 * note.length;
    const full = Math.floor((BLOCK_LIMITS.eventBytes - TRANSACTION_LIMITS.eventBytes) / each) + 1;
    const loud = () => transaction("ann", new Array(16).fill(call("desk", "say", { note })), 200_000);
    const { receipts } = chain.block(1, Array.from({ length: full + 1 }, loud));
    expect(receipts.slice(0, full).every(({ status }) => status === "ok")).toBe(true);
    expect(receipts.slice(full).map(outcome)).toEqual([["out_of_gas", "block.eventBytes"]]);
    expect(receipts[full]?.values).toEqual([
      ["used", full * each],
      ["allowed", BLOCK_LIMITS.eventBytes],
    ]);
  });

  it("R298: a fault of the ledger itself is no refusal: it goes on to who runs the block", () => {
    const { engine, validators, parameters } = chain;
    const overlay = new Overlay({ base: chain, height: 1 });
    const broken = Object.assign(Object.create(overlay), {
      get: (key: Uint8Array) => {
        if (new TextDecoder().decode(key).startsWith("desk\0box")) throw new RangeError("disk");
        return overlay.get(key);
      },
      put: (key: Uint8Array, value: Uint8Array) => overlay.put(key, value),
      delete: (key: Uint8Array) => overlay.delete(key),
      mark: () => overlay.mark(),
      revertTo: (mark: number) => overlay.revertTo(mark),
      settle: () => overlay.settle(),
      changesSince: (mark: number) => overlay.changesSince(mark),
      writes: () => overlay.writes(),
    });
    const transactions = [transaction("ann", [call("desk", "put", { id: "x" })])];
    const block = {
      chainId: new Uint8Array(32),
      height: 1,
      timeMs: 1,
      transactions,
      dueTimers: [],
      validators,
      parameters,
      rules: RULES,
      engine,
    };
    expect(() => executeBlock({ ...block, overlay: broken }, (receipt) => receipt)).toThrow("disk");
  });

  it("R298: seats and parameters that change beside other rows of governance are those of the next block", () => {
    const governed = chain.block(1, [
      transaction("root", [
        call("governance", "add_setting", { contract: "desk", name: "none", value: 1 }),
        call("governance", "replace_seat", { index: 0, key: keyOf(77), peer: "peer-new" }),
        call("governance", "set_parameter", { name: "rotation_heights", value: 77 }),
      ]),
    ]);
    expect(governed.receipts.map(outcome)).toEqual([["ok", ""]]);
    expect(governed.parameters.rotationHeights).toBe(77);
    expect(governed.validators.some(({ publicKey }) => publicKey[0] === 77)).toBe(true);
  });

  it("R298: a call of a contract that is not there fails by name", () => {
    const open = DESK.replaceAll("by: [clerk]", 'by: [clerk, "contract:shouter"]');
    const callee = new Engine().compile(open, () => undefined).contract;
    const { contract, findings } = new Engine().compile(CALLER, () => callee);
    expect(findings).toEqual([]);
    const caller = contract?.actions.get("go");
    if (caller === undefined) throw new Error("no action");
    const host: ActionHost = {
      overlay: new MeteredOverlay(newOverlay()),
      timeMs: 1,
      callee: () => undefined,
      stopped: () => undefined,
      deploy: () => undefined,
    };
    const frame = frameOf({ action: caller, settings: [] }, 100_000);
    const who = { id: "ann", organisation: "o", roles: ["clerk"], cosigners: [], contract: "" };
    expect(runAction(caller, { host, frame, caller: who, args: [], events: [] })).toEqual({
      status: "failed",
      ruleId: "call.contract",
      values: [["contract", "desk"]],
    });
  });
});

const CALLER = `rules: 1
contract: shouter
title: 叫
imports: {desk: {actions: {say: {note: text(16000)}}}}
actions:
  go:
    by: [clerk]
    do: [{call: desk.say, with: {note: '"x"'}}]
`;

// ---- code ----

const govern = (action: string, args: Readonly<Record<string, Value>>) =>
  chain.run(1, "root", [call("governance", action, args)]);
const SMALL = (name: string, more = "") => `rules: 1
contract: ${name}
title: 小
${more}actions: {a: {by: [clerk], do: [{emit: {e: {n: 1}}}]}}
`;

describe("deploying and withdrawing", () => {
  it("R299: each setting that begins is paid as a row that is looked for, and as one that is written when there was one", () => {
    const gas = (settings: string) => govern("deploy", { name: "tiny", source: SMALL("tiny", settings) }).gas;
    const length = (settings: string) => SMALL("tiny", settings).length;
    const [one, two] = ["settings: {a: 1}\n", "settings: {a: 1, b: 2}\n"];
    const source = (settings: string) => length(settings) * (GAS.sourceByte + GAS.writeByte);
    const first = gas(one);
    chain = new TestChain(genesisWith([{ name: "desk", source: DESK }], ACCOUNTS));
    const second = gas(two);
    // Beside the bytes of the source: read as an argument, too, one unit for each 8.
    expect(Math.abs(second - source(two) - (first - source(one)) - GAS.read)).toBeLessThan(30);
    chain = new TestChain(genesisWith([{ name: "desk", source: DESK }], ACCOUNTS));
    const overlay = new Overlay({ base: chain, height: 1 });
    overlay.put(SETTINGS.stateKey(["tiny", "b"]), SETTINGS.encode(["tiny", "b", 3]));
    const deployment = call("governance", "deploy", { name: "tiny", source: SMALL("tiny", two) });
    const receipts = runAlone(chain, overlay, transaction("root", [deployment]));
    expect(receipts[0]?.gas).toBe(second + GAS.write);
    expect(overlay.get(SETTINGS.stateKey(["tiny", "b"]))).toBeUndefined();
  });

  it("R299: a withdrawal pays for its rows, and what is left names the version before", () => {
    expect(govern("withdraw", { name: "nobody" }).gas).toBeGreaterThan(WITHDRAW_ROWS_UNITS);
    for (const n of [1, 2]) govern("deploy", { name: "tiny", source: SMALL("tiny", `settings: {a: ${n}}\n`) });
    const before = CONTRACTS.read(chain, ["tiny"]);
    expect(
      outcome(govern("deploy_at", { name: "tiny", source: SMALL("tiny", "settings: {a: 3}\n"), height: 90 })),
    ).toEqual(["ok", ""]);
    expect(outcome(govern("withdraw", { name: "tiny" }))).toEqual(["ok", ""]);
    expect(CONTRACTS.read(chain, ["tiny"])).toEqual(before);
    expect(before?.[1]).toBe(2);
  });

  it("R299: a circle over another contract is refused", () => {
    const importing = (name: string, other: string) =>
      `rules: 1\ncontract: ${name}\ntitle: 圈\nimports: {${other}: {t: {key: [id], fields: {n: int}}}}\ntables: {t: {key: {id: id}, fields: {n: int}}}\nactions:\n  a: {by: [clerk], params: {id: id}, read: {r: "${other}.t[p.id]"}, do: [{insert: t, row: {id: p.id, n: r.n}}]}\n`;
    const alone = importing("left", "right")
      .replace(/imports.*\n/, "")
      .replace("right.t", "t");
    expect(outcome(govern("deploy", { name: "left", source: alone }))).toEqual(["ok", ""]);
    expect(outcome(govern("deploy", { name: "right", source: importing("right", "left") }))).toEqual(["ok", ""]);
    expect(outcome(govern("deploy", { name: "left", source: importing("left", "right") }))).toEqual([
      "refused",
      "governance.deploy.do[0].imports",
    ]);
  });

  it("R299: of several heights at which contracts do not stand together, the first is told", () => {
    const owner = (name: string, account: string) =>
      `rules: 1\ncontract: ${name}\ntitle: 甲\naccounts: [${account}]\nactions: {a: {by: [clerk], params: {n: int(0..9)}, do: [{pay: {from: '"${account}"', to: '"x"', amount: p.n}}]}}\n`;
    for (const account of ["one", "two"])
      expect(outcome(govern("deploy", { name: `old-${account}`, source: owner(`old-${account}`, account) }))).toEqual([
        "ok",
        "",
      ]);
    const at = (name: string, account: string, height: number) =>
      call("governance", "deploy_at", { name, source: owner(name, account), height });
    const receipt = chain.run(1, "root", [at("a-late", "one", 90), at("b-early", "two", 80)], 9_000_000);
    expect(receipt.ruleId).toMatch(/accounts$/);
    expect(new Map(receipt.values).get("account")).toBe("two");
    expect(accountsFault([])).toBeUndefined();
  });
});

describe("what an engine keeps", () => {
  it("R300: it keeps 512 documents, then begins anew", () => {
    const engine = new Engine();
    const source = (index: number) => SMALL(`c${index}`);
    const first = engine.compile(source(0), () => undefined).contract;
    const find = () => (first === undefined ? undefined : engine.find(first.sourceHash, () => undefined)?.contract);
    for (let index = 1; index < 512; index += 1) engine.compile(source(index), () => undefined);
    expect(find()).toBe(first);
    engine.compile(source(512), () => undefined);
    expect(find()).toBeUndefined();
    const again = engine.compile(source(0), () => undefined).contract;
    for (let index = 600; index < 900; index += 1) engine.compile(source(index), () => undefined);
    expect(engine.compile(source(0), () => undefined).contract).toBe(again);
  });

  it("R300: a document is compiled again when any of its imports is another one", () => {
    const table = (name: string, more: string) =>
      `rules: 1\ncontract: ${name}\ntitle: 甲\ntables: {t: {key: {id: id}, fields: {n: int${more}}}}\nactions: {a: {by: [clerk], params: {id: id}, do: [{insert: t, row: {id: p.id, n: 1}}]}}\n`;
    const engine = new Engine();
    const compile = (name: string, more = "") => {
      const { contract } = engine.compile(table(name, more), () => undefined);
      if (contract === undefined) throw new Error(`${name} does not compile`);
      return contract;
    };
    const source = `rules: 1\ncontract: user\ntitle: 乙\nimports: {left: {t: {key: [id], fields: {n: int}}}, right: {t: {key: [id], fields: {n: int}}}}\nactions: {a: {by: [clerk], params: {id: id}, read: {l: "left.t[p.id]", r: "right.t[p.id]"}, do: [{emit: {e: {n: l.n, m: r.n}}}]}}\n`;
    const [left, right, other] = [
      compile("left"),
      compile("right"),
      compile("right", ", more: {type: int, default: 1}"),
    ];
    const use = (second: typeof right) => engine.compile(source, (name) => (name === "left" ? left : second)).contract;
    const first = use(right);
    expect(first).toBeDefined();
    expect(use(right)).toBe(first);
    expect(use(other)).not.toBe(first);
    expect(use(right)).toBe(first);
  });

  it("R300: a number that is set applies while its contract accepts it, else that of the document", () => {
    const rows = (value: number) => {
      const overlay = new Overlay({ base: chain, height: 1 });
      overlay.put(SETTINGS.stateKey(["desk", "none"]), SETTINGS.encode(["desk", "none", value]));
      runAlone(chain, overlay, transaction("ann", [call("desk", "put", { id: "x" })]));
      const written = overlay.writes().find(({ key }) => new TextDecoder().decode(key).startsWith("desk\0box"));
      return written?.value;
    };
    expect([rows(9), rows(10), rows(-1)]).toEqual([encode([9]), encode([5]), encode([5])]);
  });
});

describe("a genesis", () => {
  const wrong = (change: (genesis: ReturnType<typeof genesisWith>) => ReturnType<typeof genesisWith>) => () =>
    genesisWrites(change(genesisWith([], ACCOUNTS)), new Engine());

  it("R301: values that their tables do not take, and tables that are not there, are no beginning", () => {
    expect(wrong((genesis) => genesis)).not.toThrow();
    expect(
      wrong((genesis) => ({
        ...genesis,
        organisations: [{ id: "a b", title: "t", role: "r" }, ...genesis.organisations],
      })),
    ).toThrow("GENESIS_ROW_INVALID");
    expect(
      wrong((genesis) => ({
        ...genesis,
        contracts: genesis.contracts.map(({ name, source }) =>
          name === "registry" ? { name, source: SMALL("registry") } : { name, source },
        ),
      })),
    ).toThrow("GENESIS_CONTRACT_INVALID");
  });
});
