// `linli ballot` against a running network: what it refuses before a ballot is sealed that nobody could open, or opened too early.
// Whole votes, with the real contract: vote-history.test.ts and the devnet's day.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256 } from "#sha256";
import { newBallotKey, sealBallot } from "../../src/client/ballot.ts";
import { PROGRAM } from "../../src/installation.ts";
import { createKeyFile } from "../../src/node/key-file.ts";
import { TestNetwork } from "./network.ts";

const MAIN = fileURLToPath(PROGRAM);
const TEXT = "Lift machines are replaced.\n";
const STATES = ["draft", "sealed", "noticed", "open", "closed", "tallied"];
const HOLDERS = ["street", "committee", "residents"];

let network: TestNetwork;
let asking: readonly string[];
let text: string;
let key: string;

function linli(words: readonly string[]): Promise<{ readonly code: number | null; readonly err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, "ballot", ...words]);
    let err = "";
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (code) => resolve({ code, err }));
  });
}

beforeAll(async () => {
  const source = readFileSync(join(import.meta.dirname, "motions.yaml"), "utf8");
  network = await TestNetwork.start({ nodes: 4, portBase: 29_200, contracts: [{ name: "owners-vote", source }] });
  const { directory, genesisFile } = network.layout;
  asking = ["--url", network.nodeOf(0).url, "--genesis", genesisFile];
  text = join(directory, "text.txt");
  writeFileSync(text, TEXT);
  key = join(directory, "writer.key");
  await createKeyFile(key, { kind: "account", account: "writer-0" });
  const textHash = sha256(new TextEncoder().encode(TEXT));
  const { id, bytes } = network.sign(
    0,
    STATES.map((state) => {
      const args = { id: `m-${state}`, state, text_hash: textHash, holders: state === "draft" ? [] : HOLDERS };
      return { contract: "owners-vote", action: "put", args };
    }),
  );
  await network.clientOf(0).send(bytes);
  const { receipt } = await network.clientOf(0).waitForReceipt(id, { timeoutMs: 60_000 });
  expect(receipt.status).toBe("ok");
}, 120_000);
afterAll(() => network.stop());

function seal(state: string, file = text) {
  return linli(["seal", `m-${state}`, "h1", "for", "--text", file, ...asking]);
}

function open(state: string, file = key) {
  return linli(["open", `m-${state}`, "--key", file, ...asking]);
}

it("S20: a ballot is sealed from the notice on, when every key organisation has its key, until voting closes", async () => {
  for (const state of ["draft", "sealed", "closed", "tallied"])
    expect(await seal(state)).toEqual({ code: 1, err: expect.stringContaining(`BALLOT_UNTIMELY: motion=m-${state}`) });
  const missing = await seal("open", `${text}.none`);
  expect(missing).toEqual({ code: 1, err: expect.stringContaining("FILE_MISSING") });
}, 120_000);

it("S21: ballots are opened when voting has closed and more than half of the keys are published", async () => {
  for (const state of ["sealed", "open", "tallied"])
    expect(await open(state)).toEqual({ code: 1, err: expect.stringContaining(`BALLOT_UNTIMELY: motion=m-${state}`) });
  const few = "BALLOT_KEYS_FEW: motion=m-closed, published=0, needed=2";
  expect(await open("closed")).toEqual({ code: 1, err: expect.stringContaining(few) });
  const missing = await open("closed", `${key}.none`);
  expect(missing).toEqual({ code: 1, err: expect.stringContaining("KEY_FILE_MISSING") });
}, 120_000);

it("S22: a ballot is sealed only for a head on the roll of the motion", async () => {
  for (const state of ["noticed", "open"])
    expect(await seal(state)).toEqual({ code: 2, err: expect.stringContaining("an owner on the roll r1; h1 is none") });
}, 120_000);

it("L321: a list of ballots that never ends is given up, and one that leaves ballots out is said to", async () => {
  const keys = HOLDERS.map((organisation) => ({ organisation, ...newBallotKey() }));
  const publics = keys.map(({ publicKey }) => publicKey);
  const { commitment, sealed } = await sealBallot({ motion: "m-closed", head: "h1" }, "for", publics);
  const spoilt = Uint8Array.from(sealed, (byte) => byte ^ 1);
  const { id, bytes } = network.sign(0, [
    ...keys.map(({ organisation, publicKey, secret }) => {
      const args = { motion: "m-closed", organisation, public: publicKey, secret };
      return { contract: "owners-vote", action: "publish", args };
    }),
    { contract: "owners-vote", action: "cast", args: { motion: "m-closed", head: "h1", commitment, sealed: spoilt } },
  ]);
  await network.clientOf(0).send(bytes);
  expect((await network.clientOf(0).waitForReceipt(id, { timeoutMs: 60_000 })).receipt.status).toBe("ok");
  const openAt = (url: string) =>
    linli(["open", "m-closed", "--key", key, "--url", url, "--genesis", network.layout.genesisFile]);

  expect(await openAt(network.nodeOf(0).url)).toEqual({ code: 0, err: "" });
  type Page = { rows?: readonly unknown[]; next?: string | null };
  const endless = await liar((page: Page) => ("next" in page ? { ...page, next: "00" } : page));
  expect(await openAt(endless.url)).toEqual({
    code: 1,
    err: expect.stringContaining("CLIENT_ANSWER_INVALID: motion=m-closed, cast=1"),
  });
  const silent = await liar((page: Page) => ("next" in page ? { ...page, rows: [] } : page));
  expect(await openAt(silent.url)).toEqual({ code: 0, err: expect.stringContaining("1 ballots are still sealed") });
  for (const { server } of [endless, silent]) server.close();
}, 120_000);

/** A node that changes the results of another's answers on their way. */
async function liar<Result extends object>(change: (result: Result) => object) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const headers = { "content-type": "application/json" };
      const asked = JSON.parse(Buffer.concat(chunks).toString());
      // Every page is the first one.
      delete asked.params.after;
      const body = JSON.stringify(asked);
      const honest = await (await fetch(network.nodeOf(0).url, { method: "POST", headers, body })).json();
      const answer = honest as { result?: Result };
      response.end(JSON.stringify(answer.result ? { ...answer, result: change(answer.result) } : answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
