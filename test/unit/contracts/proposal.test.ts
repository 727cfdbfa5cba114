// A contract is proposed with tests that passed, and approved over the same text and the same tests.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { buildTransaction } from "../../../src/client/transaction.ts";
import { PROGRAM } from "../../../src/installation.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import { namedFromJson } from "../../../src/ledger/value-json.ts";
import { digestOf, disagreements, runTests } from "../../../src/node/author-tests.ts";
import { loadDocuments } from "../../../src/node/commands/contract-files.ts";
import { nativeSigner } from "../../../src/node/ed25519-native.ts";

const MAIN = fileURLToPath(PROGRAM);
const SHELF = readFileSync(join(import.meta.dirname, "documents/canteen.yaml"), "utf8");
const LIBRARY = join(import.meta.dirname, "../../../src/contracts/library");
const PASSING = "- test: 空\n  when: []\n";
const FAILING = `${PASSING}- test: 没有此事\n  when: [{as: cook/x, do: vanish}]\n`;

const home = mkdtempSync(join(tmpdir(), "linli-proposal-"));
afterAll(() => rmSync(home, { recursive: true }));

function propose(tests: string, key = "admin.key", source = SHELF) {
  const [path, testsPath] = [join(home, "canteen.yaml"), join(home, "canteen.test.yaml")];
  writeFileSync(path, source);
  writeFileSync(testsPath, tests);
  const words = ["contract", "propose", path, "--key", key, "--seat", "2", "--height", "90"];
  return spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8" });
}

describe("proposals of contracts", () => {
  it("R235: a contract whose tests pass is proposed with their digest and number, in one line", () => {
    const { status, stdout } = propose(PASSING);
    expect(status).toBe(0);
    const line = stdout.trimEnd().split("\n").at(-1) ?? "";
    expect(line).toMatch(
      /^linli tx send .*--key 'admin\.key' --contract governance --action propose_contract --args '/,
    );
    const args = namedFromJson(JSON.parse(/--args '(.*)'$/.exec(line)?.[1] ?? ""));
    expect(args.ok && args.value).toEqual({
      id: expect.stringMatching(/^canteen-[0-9a-f]{12}$/),
      seat: 2,
      contract: "canteen",
      source_hash: digestOf(SHELF),
      active_height: 90,
      tests_hash: digestOf(PASSING),
      tests_passed: 1,
    });
  });

  it.each([
    ["a test fails", FAILING],
    ["there is none", "[]\n"],
  ])("R235: nothing is proposed when %s", (_, tests) => {
    const { status, stdout } = propose(tests);
    expect(status).toBe(1);
    expect(stdout).not.toContain("tx send");
  });

  it("R235: no word that ends the quotes of a shell stands in the line", () => {
    const { status, stdout } = propose(PASSING, "a'; rm -rf x; '");
    expect(status).toBe(2);
    expect(stdout).not.toContain("tx send");
  });
});

describe("the largest document", () => {
  const SOURCE_MAX = 64_000;

  it("R325: fits a transaction with eight signers of the longest names, and is larger than every document of the library", async () => {
    const { files, set } = await loadDocuments([LIBRARY]);
    const source = set
      .contract("governance")
      ?.actions.get("enact_contract")
      ?.params.find(({ name }) => name === "source");
    expect([SOURCE_MAX, SOURCE_MAX + 1].map((length) => source?.isMember("x".repeat(length)))).toEqual([true, false]);
    for (const file of files) expect(source?.isMember(file.source), file.path).toBe(true);
    const { bytes } = buildTransaction({
      chainId: new Uint8Array(32),
      signers: Array.from({ length: 8 }, (_, index) => ({
        account: `${index}`.padEnd(64, "a"),
        signer: nativeSigner(new Uint8Array(32).fill(index + 1)),
      })),
      nonce: Number.MAX_SAFE_INTEGER,
      validUntilMs: Number.MAX_SAFE_INTEGER,
      gasLimit: Number.MAX_SAFE_INTEGER,
      calls: [
        {
          contract: "governance",
          action: "enact_contract",
          args: { proposal: "p".repeat(32), source: "x".repeat(SOURCE_MAX) },
        },
      ],
    });
    expect(decodeTransaction(bytes).ok).toBe(true);
  });

  it("R325: a larger one is refused before anybody is asked to approve it", () => {
    const comment = "# 便餐\n".repeat(10_000);
    const { status, stderr, stdout } = propose(PASSING, "admin.key", comment + SHELF);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("CONTRACT_TOO_LARGE");
  });
});

describe("reviews of proposals", () => {
  const shown = runTests(PASSING, [SHELF]);
  const found = { name: "canteen", source: SHELF, shown };
  const change: readonly Value[] = ["canteen", digestOf(SHELF), 0, digestOf(PASSING), 1];
  const proposal: readonly Value[] = ["contract", "property", 1000, 0, 1, 0, "open"];

  it("R236: the same text and tests, which pass, may be approved", () => {
    expect(disagreements({ change, proposal }, found)).toEqual([]);
  });

  it.each<readonly [string, Parameters<typeof disagreements>[0], Parameters<typeof disagreements>[1]]>([
    ["another text", { change, proposal }, { ...found, source: `${SHELF} ` }],
    ["another contract", { change, proposal }, { ...found, name: "fees" }],
    ["other tests", { change: change.with(3, digestOf("x")), proposal }, found],
    ["another number of tests", { change: change.with(4, 2), proposal }, found],
    [
      "a test that fails",
      { change: change.with(3, digestOf(FAILING)), proposal },
      { ...found, shown: runTests(FAILING, [SHELF]) },
    ],
    ["a proposal that is enacted", { change, proposal: proposal.with(6, "enacted") }, found],
    ["a proposal of something else", { change, proposal: proposal.with(0, "withdrawal") }, found],
  ])("R236: %s is found, and nothing else", (_, proposed, at) => {
    expect(disagreements(proposed, at)).toHaveLength(1);
  });

  it("R236: of a proposal that is not there nothing holds", () => {
    expect(disagreements({ change: undefined, proposal: undefined }, found)).toHaveLength(5);
  });
});
