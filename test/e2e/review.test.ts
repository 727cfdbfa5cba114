// What organisations decide over one running network, by commands and by proposals: a contract is reviewed and approved, a rule pack comes
// into force, a contract is stopped in an emergency, an observer is admitted and removed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LinliClient } from "../../src/client/client.ts";
import { genesisFromJson } from "../../src/client/genesis-json.ts";
import { PROGRAM } from "../../src/installation.ts";
import type { Value } from "../../src/ledger/codec.ts";
import { connect } from "../../src/node/commands/connect.ts";
import { handIn } from "../../src/node/commands/hand-in.ts";
import { loadLibraryContract } from "../../src/node/devnet/library.ts";
import { NodeProcess } from "../../src/node/devnet/processes.ts";
import { createFollower } from "../../src/node/devnet/setup.ts";
import { verifyNative } from "../../src/node/ed25519-native.ts";
import { createKeyFile, loadKeyFile } from "../../src/node/key-file.ts";
import { TestNetwork, until } from "./network.ts";

const MAIN = fileURLToPath(PROGRAM);
const ORGANISATIONS = ["property", "street", "provider", "government"];
const NEXT = readFileSync(join(import.meta.dirname, "notes.yaml"), "utf8").replace(
  "text: text(128)}",
  "text: text(64)}",
);
const TESTS = `- test: 便条
  when:
    - {at: 1000, as: owner/anna, do: write, with: {id: a, text: hello}}
  then: {note: [{id: a, author: anna, text: hello}]}
`;

let home: string;
let network: TestNetwork;
let observer: NodeProcess | undefined;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "linli-review-"));
  const accounts = await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const id = `${organisation}-admin`;
      const { signer } = await createKeyFile(keyOf(organisation), { kind: "account", account: id });
      return { id, organisation, roles: ["admin"], suite: signer.suite, publicKey: signer.publicKey };
    }),
  );
  const contracts = [{ name: "polls", source: await loadLibraryContract("polls") }];
  network = await TestNetwork.start({ nodes: 4, portBase: 28_600, accounts, contracts });
}, 60_000);
afterAll(async () => {
  await observer?.kill();
  await network.stop();
  rmSync(home, { recursive: true });
});

const keyOf = (organisation: string) => join(home, `${organisation}.key`);

function seatOf(organisation: string): number {
  const { validators } = genesisFromJson(readFileSync(network.layout.genesisFile, "utf8"));
  return validators.findIndex((validator) => validator.organisation === organisation);
}

/** Calls of governance by an organisation's administrator, in one transaction; the seat is added where it is asked for. */
async function govern(organisation: string, ...calls: readonly (readonly [string, Record<string, Value>])[]) {
  const connection = await connect({ url: network.nodeOf(0).url, genesis: network.layout.genesisFile });
  const seat = seatOf(organisation);
  const said = calls.map(([action, args]) => ({
    contract: "governance",
    action,
    args: action.startsWith("enact") ? args : { ...args, seat },
  }));
  await handIn(connection, await loadKeyFile(keyOf(organisation), "account"), { calls: said, gasLimit: 200_000 });
}

function linli(words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Runs the last line that a command printed, as a shell reads it. */
function runLine(stdout: string) {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  expect(line).toMatch(/^linli tx send /);
  return spawnSync("sh", ["-c", `exec '${process.execPath}' '${MAIN}' ${line.slice("linli ".length)}`], {
    encoding: "utf8",
  });
}

it("R236: an open proposal is reviewed on a running network: what changes, who approved, and the line that approves", () => {
  const [source, other, tests] = ["notes.yaml", "other.yaml", "notes.test.yaml"].map((name) => join(home, name));
  if (source === undefined || other === undefined || tests === undefined) throw new Error("no files");
  writeFileSync(source, NEXT);
  writeFileSync(other, NEXT.replace("text(64)", "text(65)"));
  writeFileSync(tests, TESTS);
  const { genesisFile } = network.layout;
  const { url } = network.nodeOf(0);
  const asking = (organisation: string) => {
    return [
      "--url",
      url,
      "--genesis",
      genesisFile,
      "--key",
      keyOf(organisation),
      "--seat",
      `${seatOf(organisation)}`,
      "--tests",
      tests,
    ];
  };

  const proposed = linli(["contract", "propose", source, "--height", "0", ...asking("property")]);
  expect([proposed.status, proposed.stdout]).toEqual([0, expect.stringContaining("1 passed, 0 failed")]);
  const sent = runLine(proposed.stdout);
  expect([sent.status, sent.stderr]).toEqual([0, expect.anything()]);
  const proposal = /notes-[0-9a-f]{12}/.exec(proposed.stdout)?.[0] ?? "";

  const review = (organisation: string, file = source) =>
    linli(["contract", "review", "--proposal", proposal, "--source", file, ...asking(organisation)]);
  const first = review("street");
  expect(first.status).toBe(0);
  expect(first.stdout).toContain(
    `${proposal}: notes, proposed by property, approved by 0, in force with the next block`,
  );
  expect(first.stdout).toContain("# Upgrade of notes");
  expect(first.stdout).toContain("text and tests are those of the proposal (proved); every test passes");
  expect(runLine(first.stdout).status).toBe(0);

  const wrong = review("provider", other);
  expect(wrong.status).toBe(1);
  expect(wrong.stdout).toContain("NOT SO: ");
  expect(wrong.stdout).not.toContain("tx send");

  const second = review("provider");
  expect([second.status, second.stdout]).toEqual([0, expect.stringContaining("approved by 1,")]);
  const nobody = linli(["contract", "review", "--proposal", "none", "--source", source, ...asking("provider")]);
  expect(nobody).toEqual({ status: 2, stdout: "", stderr: expect.stringContaining("none is none") });
}, 180_000);

const PACK = `pack: test
version: 1
title: {zh: 某市, en: A city}
numbers:
  - {contract: polls, setting: petition_percent, value: 30, mark: L, source: {zh: 某条例第13条, en: a regulation art. 13}}
  - {contract: polls, setting: convene_days, value: 30, mark: L, source: {zh: 某条例第14条, en: a regulation art. 14}}
  - {contract: owners-vote, setting: window_days_min, value: 5, mark: L, source: {zh: 某条例第20条, en: a regulation art. 20}}
`;

it("L220: a rule pack says what differs from what is in force, and comes into force by the same command of enough organisations", async () => {
  const file = join(home, "pack.yaml");
  writeFileSync(file, PACK);
  const asking = ["--url", network.nodeOf(1).url, "--genesis", network.layout.genesisFile];
  const run = (...words: readonly string[]) => {
    const { status, stdout, stderr } = linli(["rulepack", ...words, ...asking]);
    expect([status, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout);
  };
  const propose = (organisation: string) => run("propose", file, "--key", keyOf(organisation));

  await network.write(0, "before-the-pack");
  expect(run("diff", file)).toMatchObject({
    inForce: 1,
    differs: [
      {
        setting: "polls.petition_percent",
        zh: "联名提议临时会议的业主比例 (建议、讨论、意见征询与联名提议): 现行 20 %, 规则包 30 %。依据: 某条例第13条 (L)",
        en: expect.stringContaining(": 20 % in force, 30 % in the pack. Source: a regulation art. 13 (L)"),
      },
    ],
    missing: [{ setting: "owners-vote.window_days_min" }],
  });
  const first = propose("property");
  expect(first).toMatchObject({ organisation: "property", numbers: [{ deed: "proposed", approvals: 1 }] });
  expect(first.next.en).toContain("3 organisations with a seat must approve");
  expect(first.next.en).toContain("one of them neither property company, provider nor developer; 2 more");
  expect(propose("property").numbers, "nothing twice").toMatchObject([{ deed: "waits", approvals: 1 }]);
  const second = propose("provider");
  expect(second.numbers).toMatchObject([{ deed: "approved", approvals: 2, proposal: first.numbers[0].proposal }]);
  expect(propose("street")).toMatchObject({ numbers: [{ deed: "enacted" }], next: { en: "Nothing is left to do" } });
  expect(run("diff", file)).toMatchObject({ inForce: 2, differs: [] });
}, 120_000);

it("R324: two organisations stop a contract on every node at once, also on one that starts anew; three let it run again", async () => {
  const stop: Record<string, Value> = { id: "stop-1", contract: "notes", hours: 1, reason: "notes are lost" };
  await govern("street", ["propose_stop", stop], ["approve", { proposal: "stop-1" }]);
  await govern("property", ["approve", { proposal: "stop-1" }], ["enact_stop", { proposal: "stop-1" }]);
  await network.nodeOf(3).kill();
  network.nodeOf(3).start();
  await network.untilHealthy([network.nodeOf(3)]);
  for (const node of [0, 3]) {
    const { receipt, explanation } = await network.write(node, `stopped-${node}`);
    expect([receipt.status, receipt.ruleId]).toEqual(["refused", "call.stopped"]);
    expect(explanation.zh).toContain("合约 notes 已紧急停用: street, property 决定 (提案 stop-1)");
    expect(explanation.en).toContain("reason: notes are lost");
  }
  const asked = { contract: "governance", table: "stop", key: ["notes"] };
  expect((await network.clientOf(3).stateGet(asked)).row?.fields).toMatchObject({ reason: "notes are lost" });
  await govern("street", ["propose_resume", { id: "go-1", contract: "notes" }], ["approve", { proposal: "go-1" }]);
  await govern("government", ["approve", { proposal: "go-1" }]);
  await govern("property", ["approve", { proposal: "go-1" }], ["enact_resume", { proposal: "go-1" }]);
  expect((await network.write(3, "goes-on")).receipt.status).toBe("ok");
}, 120_000);

it("N229: an observer is admitted, catches up, proves what it says, takes no transactions, and is let go", async () => {
  const place = {
    organisation: "auditor",
    home: join(network.layout.directory, "auditor"),
    p2pPort: 28_650,
    rpcPort: 28_750,
  };
  const peer = await createFollower(place);
  observer = new NodeProcess(place);
  observer.start();
  await observer.untilHealthy(30_000);
  const client = new LinliClient({ url: observer.url, genesis: network.layout.genesis, verify: verifyNative });
  await expect(client.head(), "a stranger gets nothing").rejects.toThrow("NO_BLOCK_YET");
  const propose = { id: "obs-1", organisation: "auditor", peer };
  await govern("street", ["propose_observer", propose], ["approve", { proposal: "obs-1" }]);
  await govern("government", ["approve", { proposal: "obs-1" }]);
  await govern("property", ["approve", { proposal: "obs-1" }], ["enact_observer", { proposal: "obs-1" }]);

  const { height } = await network.write(0, "for-the-observer");
  await until("the observer is there", async () => ((await client.head()).header.height >= height ? true : undefined));
  const { row } = await client.stateGet({ contract: "notes", table: "note", key: ["for-the-observer"] });
  expect(row?.fields).toMatchObject({ text: "note for-the-observer" });
  await expect(client.send(network.note("through-it").bytes)).rejects.toThrow("NODE_HAS_NO_SEAT");
  expect(await knows(0, peer)).toBe(true);

  const cut = { id: "obs-2", peer };
  await govern("street", ["propose_observer_removal", cut], ["approve", { proposal: "obs-2" }]);
  await govern("government", ["approve", { proposal: "obs-2" }]);
  await govern("property", ["approve", { proposal: "obs-2" }], ["enact_observer_removal", { proposal: "obs-2" }]);
  const removed = (await network.clientOf(0).head()).header.height;
  for (const node of [0, 1, 2, 3])
    await until("no member knows it any more", async () => ((await knows(node, peer)) ? undefined : true));
  expect((await network.write(0, "unseen")).height).toBeGreaterThan(removed);
  expect((await client.head()).header.height).toBeLessThanOrEqual(removed);
}, 120_000);

async function knows(node: number, peer: string): Promise<boolean> {
  return JSON.stringify((await network.clientOf(node).call("consensus_status")).json).includes(peer);
}
