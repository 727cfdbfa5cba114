// node.yaml: defaults, complaints that name the place, and the commented example, which must say the truth.

import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CONFIG_DEFAULTS, loadNodeConfig, type NodeConfig, parseNodeConfig } from "../../../src/config.ts";
import { LedgerError } from "../../../src/errors.ts";

const PEER = "12D3KooWPp6nkbVTgZxo6fHygTpLa8FYbBnGJ5cvYEvfXbwQ34kN";
const EXAMPLE = join(import.meta.dirname, "../../../config/node.yaml");

function configOf(text: string): NodeConfig {
  return parseNodeConfig(text, { home: "/home/linli", file: "/home/linli/node.yaml" });
}

function complaint(text: string): LedgerError {
  try {
    configOf(text);
  } catch (error) {
    if (error instanceof LedgerError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("node.yaml", () => {
  test("only the name is needed; the rest has visible defaults; paths are absolute", () => {
    const config = configOf("name: a");
    expect(config).toMatchObject({
      name: "a",
      genesisFile: "/home/linli/genesis.json",
      keys: { validatorFile: "/home/linli/keys/validator.key", peerFile: "/home/linli/keys/peer.key" },
      data: { ledger: "/home/linli/data/ledger", votes: "/home/linli/data/votes" },
      p2p: { listen: ["/ip4/0.0.0.0/tcp/26000"] },
      log: { level: "info" },
    });
    expect(config.rpc).toEqual(CONFIG_DEFAULTS.rpc);
    expect(configOf("{name: a, genesis: /elsewhere/g.json}").genesisFile).toBe("/elsewhere/g.json");
    expect(configOf('{"name": "json", "rpc": {"port": 1}}').rpc.port).toBe(1);
  });

  test("is frozen all the way down, and so are the defaults", () => {
    const config = configOf("name: a");
    for (const part of [
      config,
      config.rpc,
      config.rpc.requestsPerAddress,
      config.p2p.listen,
      CONFIG_DEFAULTS.rpc,
      CONFIG_DEFAULTS.rpc.corsOrigins,
    ])
      expect(Object.isFrozen(part)).toBe(true);
  });

  test.each([
    ["", { field: "name", expected: "text" }],
    ["name: 5", { field: "name", expected: "text" }],
    ["[1]", { field: "", expected: "an object" }],
    ["name: [", { expected: "YAML or JSON", line: 1 }],
    ["name: a\nkeys: {validater: x}", { field: "keys.validater", problem: "unknown", known: ["peer", "validator"] }],
    ["name: a\nrcp: {}", { field: "rcp", problem: "unknown", meant: "rpc" }],
    ["nmae: a", { field: "nmae", problem: "unknown", meant: "name" }],
    ["nmae: a\nname: b", { field: "nmae", problem: "unknown", meant: "name" }],
    ["nmae: a\nname: 5", { field: "name", expected: "text" }],
    ["title: a", { field: "name", expected: "text" }],
    ["name: a\nrpc: {prot: 1}", { field: "rpc.prot", problem: "unknown", meant: "rpc.port" }],
    ["name: a\nrpc: {port: 99999}", { field: "rpc.port", expected: "a whole number from 0 to 65535" }],
    ["name: a\nrpc: {port: '1'}", { field: "rpc.port" }],
    ["name: a\nrpc: {requestsPerAddress: {perSecond: 0}}", { field: "rpc.requestsPerAddress.perSecond" }],
    ["name: a\nrpc: {corsOrigins: [1]}", { field: "rpc.corsOrigins", expected: "a list of texts" }],
    ["name: a\nrpc: 5", { field: "rpc", expected: "an object" }],
    ["name: a\np2p: {listen: x}", { field: "p2p.listen", expected: "a list" }],
    ["name: a\np2p: {listen: [0.0.0.0:26000]}", { field: "p2p.listen" }],
    ["name: a\np2p: {listen: [/dns4/node.example/tcp/26000]}", { field: "p2p.listen" }],
    ["name: a\np2p: {listen: [/ip4/300.0.0.1/tcp/26000]}", { field: "p2p.listen" }],
    ["name: a\np2p: {listen: [/ip6/::/tcp/70000]}", { field: "p2p.listen" }],
    ["name: a\np2p: {addresses: {street: []}}", { field: "p2p.addresses.street" }],
    [`name: a\np2p: {addresses: {${PEER}: x}}`, { field: `p2p.addresses.${PEER}`, expected: "a list" }],
    [`name: a\np2p: {addresses: {${PEER}: [host:26000]}}`, { field: `p2p.addresses.${PEER}` }],
    ["name: a\npruning: {keepDays: -1}", { field: "pruning.keepDays", expected: "a whole number from 0 to 36500" }],
    ["name: a\nsnapshots: {everyHeights: 0}\npruning: {keepDays: 30}", { place: "snapshots.everyHeights" }],
    ["name: a\nlog: {level: loud}", { field: "log.level", expected: "one of error, warn, info, debug" }],
    ["name: &a x\nlog: *a", { expected: "YAML or JSON" }],
  ])("%j is refused at its place", (text, data) => {
    const error = complaint(text);
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.data).toMatchObject(data);
    expect(error.data, "no empty place").not.toMatchObject({ place: "" });
    expect(error.message).toContain("/home/linli/node.yaml");
  });

  test("N257: directories of ledger, votes and snapshots lie neither in each other nor at one place", () => {
    for (const [text, place] of [
      ["{ledger: d, votes: d}", "data.ledger"],
      ["{ledger: d, votes: ./d/}", "data.ledger"],
      ["{votes: data/ledger/votes}", "data.votes"],
      ["{ledger: data/snapshots/.., snapshots: data/s}", "data.votes"],
      ["{ledger: /home/linli/data/votes/x}", "data.ledger"],
    ] as const) {
      expect(complaint(`name: a\ndata: ${text}`), text).toMatchObject({ code: "CONFIG_INVALID", data: { place } });
    }
    expect(() => configOf("name: a\ndata: {ledger: d, votes: d-votes, snapshots: d2}")).not.toThrow();
  });

  test("the example in config/ holds every key with its default, and no other", () => {
    const text = readFileSync(EXAMPLE, "utf8");
    const { name, ...example } = parse(text);
    expect(name).toBe("property-1");
    expect(example).toEqual(CONFIG_DEFAULTS);
    expect(() => configOf(text)).not.toThrow();
  });

  test("a home without node.yaml says what to do", async () => {
    const home = await mkdtemp(join(tmpdir(), "linli-config-"));
    await expect(loadNodeConfig(home)).rejects.toMatchObject({
      code: "CONFIG_MISSING",
      data: { file: join(home, "node.yaml") },
    });
    await writeFile(join(home, "node.yaml"), "name: x\n");
    expect((await loadNodeConfig(home)).home).toBe(home);
  });

  test("whatever stands in the file, the answer is a configuration or a LedgerError", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          configOf(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LedgerError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
