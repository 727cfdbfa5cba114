// The `linli` command as a process: help, exit codes, keys, proofs. Against a real RPC server where it asks one.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeTestimony } from "../../../src/consensus/fork.ts";
import { encodeKey, tablePrefix } from "../../../src/contracts/state-keys.ts";
import { PROGRAM } from "../../../src/installation.ts";
import { makeCertificate } from "../../../src/ledger/certificate.ts";
import { decode, type Value } from "../../../src/ledger/codec.ts";
import { blockHashOf, decodeHeader, encodeHeader } from "../../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, fromHex, toHex } from "../../../src/ledger/hash.ts";
import { decodeCertifiedHeader } from "../../../src/ledger/proofs.ts";
import { saveGenesisFile } from "../../../src/node/genesis-plan.ts";
import { createKeyFile } from "../../../src/node/key-file.ts";
import { type Harness, pin, post, startHarness } from "../rpc/harness.ts";
import { CLERK, signerOf } from "../rpc/small-node.ts";

const MAIN = fileURLToPath(PROGRAM);

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function linli(words: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...words], { env: { ...process.env, ...env } });
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** A node that hands on what the honest one says and changes it; a text it says instead of any answer. */
async function liar(
  // biome-ignore lint/suspicious/noExplicitAny: it changes answers of every shape
  change: (asked: { readonly result: any; readonly params: any }) => { readonly result: unknown } | string,
): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString());
      const { json } = await post(harness.url, JSON.stringify(asked));
      const changed = change({ result: json.result, params: asked.params });
      response.end(
        typeof changed === "string" ? changed : JSON.stringify({ jsonrpc: "2.0", id: asked.id, ...changed }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

let directory: string;
let harness: Harness;
let asking: readonly string[];
let genesisFile: string;
let keyFile: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-command-"));
  harness = await startHarness();
  genesisFile = join(directory, "genesis.json");
  keyFile = join(directory, "clerk.key");
  await saveGenesisFile(genesisFile, harness.node.genesis);
  // CLERK's seed, see small-node.ts.
  await createKeyFile(keyFile, { kind: "account", account: CLERK.account, seed: new Uint8Array(32).fill(5) });
  asking = ["--url", harness.url, "--genesis", genesisFile];
  await harness.node.submit(pin(harness.node, "first", "one").bytes);
  harness.node.commitPending();
});
afterAll(() => harness.stop());

/** Another block of the same height, signed by the same validators. */
function otherBlock(testimony: string): string {
  const decoded = decode(fromHex(testimony) ?? EMPTY_BYTES);
  const [, certifiedBytes] = decoded.ok ? (decoded.value as readonly Value[]) : [];
  const certified = decodeCertifiedHeader(certifiedBytes as Uint8Array);
  if (!certified.ok) throw new Error(certified.code);
  const { resultBytes, certificate } = certified.value;
  const header = decodeHeader(certified.value.headerBytes);
  if (!header.ok) throw new Error(header.code);
  const headerBytes = encodeHeader({ ...header.value, timeMs: header.value.timeMs + 1 });
  const { chainId, validators } = harness.node.genesis;
  const { height, view, resultHash } = certificate;
  const blockHash = blockHashOf(headerBytes);
  const vote = {
    kind: "commit",
    chainId,
    height,
    view,
    validatorsHash: validatorsHashOf(validators),
    blockHash,
  } as const;
  const signed = voteSigningBytes({ ...vote, resultHash });
  const signers = [0, 1, 2, 3].map(signerOf);
  const votes = validators.slice(1).map(({ publicKey }, place) => {
    const signer = signers.find((one) => bytesEqual(one.publicKey, publicKey));
    return { signer: place + 1, signature: signer?.sign(signed) ?? EMPTY_BYTES };
  });
  const other = makeCertificate({ height, view, blockHash, resultHash, validatorCount: validators.length, votes });
  const end = { headerBytes, resultBytes, certificate: other, transitions: [] };
  return toHex(encodeTestimony({ certified: end, trail: undefined }));
}

describe("words", () => {
  test("help names every command and the exit codes, and ends with 0", async () => {
    const { code, out } = await linli(["--help"]);
    expect(code).toBe(0);
    for (const word of ["keys", "genesis", "start", "devnet", "community", "tx", "query", "verify", "Exit codes"])
      expect(out).toContain(word);
  });

  test("an older Node is refused by name, before a node opens anything", async () => {
    const older = "--import=data:text/javascript,Object.defineProperty(process,'version',{value:'v20.20.2'})";
    const { code, err } = await linli(["start", "--home", directory], { NODE_OPTIONS: older });
    expect(code).toBe(1);
    expect(err).toMatch(/^linli: NODE_TOO_OLD: version=v20\.20\.2, needed=24; use node_modules\/\.bin\/node$/m);
  });

  test.each([
    [["querry"], "query"],
    [["keys", "node"], "--home"],
    [["devnet", "--nodes", "3"], "whole number from 4 to 7"],
    [["verify", "x", "--kind", "y"], "receipt or state"],
    [["start", "--house", "x"], "--home"],
    [["query", "block", "newest"], "whole number from 1"],
    [["keys", "account", "--id", "a", "--role", "b", "--out", "/nonexistent/x.key"], "--role"],
    [["keys", "account", "--id", "two words", "--out", "/nonexistent/x.key"], "--id"],
    [
      [
        "keys",
        "node",
        "--home",
        "/nonexistent/h",
        "--organisation",
        "a",
        "--title",
        "b",
        "--role",
        "c",
        "--address",
        "d",
      ],
      "--address",
    ],
  ])("%j is a wrong word: exit 2 with what was meant", async (words, meant) => {
    const { code, err } = await linli(words);
    expect(code).toBe(2);
    expect(err).toContain(meant);
  });
});

describe("keys", () => {
  const words = { home: "/nonexistent/h", organisation: "a", title: "b", role: "c", address: "/ip4/192.0.2.1/tcp/1" };
  test.each([
    { address: "/ip4/\u2026/tcp/26000" },
    { address: "/ip4/300.0.0.1/tcp/26000" },
    { address: "/ip4/192.0.2.1/tcp/70000" },
    { address: "/ip6/192.0.2.1/tcp/26000" },
    { address: "/dns4/node property.example/tcp/26000" },
    { title: " " },
    { role: "two words" },
  ])("A85: what no genesis or no peer could use is refused before keys are made: %j", async (wrong) => {
    const options = Object.entries({ ...words, ...wrong }).flatMap(([name, value]) => [`--${name}`, value]);
    const { code, err } = await linli(["keys", "node", ...options]);
    expect(code).toBe(2);
    expect(err).toContain(`argument=--${Object.keys(wrong)[0]}`);
  });

  test("N256: a node's home holds what is needed, its secrets for the owner only, and says what to send", async () => {
    const home = join(directory, "home");
    const words = [
      "keys",
      "node",
      "--home",
      home,
      "--organisation",
      "property",
      "--title",
      "阳光物业",
      "--role",
      "property",
      "--address",
      "/ip4/192.0.2.1/tcp/26000",
    ];
    const { code, out, err } = await linli(words);
    expect(code).toBe(0);
    expect((await readdir(home)).sort()).toEqual(["data", "keys", "member.json", "node.yaml"]);
    for (const name of await readdir(join(home, "keys")))
      expect((await stat(join(home, "keys", name))).mode & 0o777).toBe(0o600);
    const { seed } = JSON.parse(await readFile(join(home, "keys/validator.key"), "utf8"));
    const member = await readFile(join(home, "member.json"), "utf8");
    expect(`${out}${err}${member}`).not.toContain(seed);
    expect(JSON.parse(member).node.publicKey).toBe(JSON.parse(out).validatorKey);
    const again = await linli(words);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("KEY_FILE_EXISTS")]);
    const homeless = join(directory, "half");
    await mkdir(homeless);
    await writeFile(join(homeless, "node.yaml"), "name: mine\n");
    const half = await linli(words.map((word) => (word === home ? homeless : word)));
    expect([half.code, half.err], "N256: nothing was made").toEqual([1, expect.stringContaining("FILE_EXISTS")]);
    expect(await readdir(homeless)).toEqual(["node.yaml"]);
    const added = await linli([
      "keys",
      "account",
      "--id",
      "property-clerk",
      "--role",
      "pm_finance",
      "--out",
      join(directory, "new.key"),
      "--member",
      join(home, "member.json"),
    ]);
    expect(added.code).toBe(0);
    expect(
      JSON.parse(await readFile(join(home, "member.json"), "utf8")).accounts.map(({ id }: { id: string }) => id),
    ).toEqual(["property-admin", "property-clerk"]);
    const shown = await linli(["keys", "show", join(home, "keys/peer.key")]);
    expect(JSON.parse(shown.out)).toMatchObject({ kind: "peer", peerId: JSON.parse(member).node.peerId });
  });

  test("start without a home says how to make one", async () => {
    const { code, err } = await linli(["start", "--home", join(directory, "nowhere")]);
    expect([code, err]).toEqual([1, expect.stringContaining("linli keys")]);
  });
});

describe("asking a node", () => {
  test("sends, waits, proves, saves the proof; and the proof is checked without any node", async () => {
    const proofFile = join(directory, "receipt.json");
    const sent = await linli([
      "tx",
      "send",
      ...asking,
      "--key",
      keyFile,
      "--contract",
      "board",
      "--action",
      "pin",
      "--args",
      '{"id":"a","text":"你好"}',
      "--out",
      proofFile,
    ]);
    expect(sent.err).toContain("only a receipt says committed");
    expect(sent.code).toBe(0);
    const receipt = JSON.parse(sent.out);
    expect(receipt).toMatchObject({ proved: true, status: "ok", explanation: { zh: "已完成" } });
    const verified = await linli(["verify", proofFile, "--genesis", genesisFile]);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({ proved: true, kind: "receipt", txId: receipt.txId });
    const { proof } = JSON.parse(await readFile(proofFile, "utf8"));
    const bare = await linli(["verify", proof], { LINLI_GENESIS: genesisFile });
    expect(JSON.parse(bare.out)).toMatchObject({ txId: receipt.txId });
    const at = Math.floor(proof.length / 2);
    await writeFile(
      proofFile,
      JSON.stringify({
        kind: "receipt",
        proof: `${proof.slice(0, at)}${proof[at] === "0" ? "1" : "0"}${proof.slice(at + 1)}`,
      }),
    );
    const forged = await linli(["verify", proofFile, "--genesis", genesisFile]);
    expect([forged.code, forged.out, forged.err]).toEqual([3, "", expect.stringContaining("PROOF_REFUSED")]);
    expect((await linli(["tx", "receipt", receipt.txId, ...asking])).code).toBe(0);
    expect((await linli(["tx", "wait", receipt.txId, ...asking])).code).toBe(0);
  });

  test("A100: of two nodes that certified different blocks of one height, verify fork names who signed both", async () => {
    const { height } = JSON.parse((await linli(["query", "head", ...asking])).out);
    const [mine, theirs] = [join(directory, "mine.json"), join(directory, "theirs.json")];
    expect((await linli(["query", "testimony", `${height}`, ...asking, "--out", mine])).code).toBe(0);
    const saved = JSON.parse(await readFile(mine, "utf8"));
    await writeFile(theirs, JSON.stringify({ ...saved, testimony: otherBlock(saved.testimony) }));
    const fork = await linli(["verify", "fork", mine, theirs, "--genesis", genesisFile]);
    expect(fork.err).toBe("");
    const { guilty, isComplete } = JSON.parse(fork.out);
    expect([fork.code, isComplete]).toEqual([0, true]);
    expect(guilty.length).toBeGreaterThanOrEqual(2);
    expect(guilty[0]).toMatchObject({ rule: "TWO_VOTES", label: "malice" });
    const none = await linli(["verify", "fork", mine, mine, "--genesis", genesisFile]);
    expect([none.code, none.out, none.err]).toEqual([3, "", expect.stringContaining("FORK_UNPROVED")]);
    expect((await linli(["verify", "fork", mine, genesisFile, "--genesis", genesisFile])).code).toBe(2);
  });

  test("a transaction without effect shows its proved receipt and ends with 1", async () => {
    const { code, out, err } = await linli([
      "tx",
      "send",
      ...asking,
      "--key",
      keyFile,
      "--contract",
      "board",
      "--action",
      "refuse",
    ]);
    expect([code, err]).toEqual([1, expect.stringContaining("TX_WITHOUT_EFFECT")]);
    expect(JSON.parse(out)).toMatchObject({ proved: true, status: "refused", ruleId: "board.refuse.require[0]" });
  });

  test("rows are proved, also that there is none; lists say that they are not", async () => {
    const proofFile = join(directory, "row.json");
    const row = await linli(["query", "state", "board", "note", "first", ...asking, "--out", proofFile]);
    expect(JSON.parse(row.out)).toMatchObject({ proved: true, exists: true, fields: { text: "one", size: 3 } });
    const verified = await linli(["verify", proofFile, "--genesis", genesisFile]);
    expect(JSON.parse(verified.out)).toMatchObject({
      kind: "state",
      exists: true,
      key: 'board / note / "first"',
    });
    const none = await linli(["query", "state", "board", "note", "nobody", ...asking]);
    expect(JSON.parse(none.out)).toMatchObject({ proved: true, exists: false });
    const list = await linli(["query", "list", "board", "note", ...asking, "--limit", "1"]);
    expect(JSON.parse(list.out)).toMatchObject({ proved: false, rows: [expect.anything()] });
    expect(list.err).toContain("query state");
  });

  test("N261: no key is shown like that of another row: one that cannot be is always absent", async () => {
    const shown = async (key: string) => {
      const proof = toHex(harness.node.proveKey(new TextEncoder().encode(key)));
      return JSON.parse((await linli(["verify", proof, "--kind", "state", "--genesis", genesisFile])).out);
    };
    expect(await shown("board\0note\0first\0")).toMatchObject({ exists: true, key: 'board / note / "first"' });
    const others = [
      "\ufeffboard\0note\0first\0",
      "board\0note\0first",
      "board\0note\0first\0\0",
      "board\0note\0first \0",
    ];
    const keys = await Promise.all(others.map(async (key) => (await shown(key)).key));
    expect(keys).toEqual([
      `0x${toHex(new TextEncoder().encode(others[0]))}`,
      "board / note / 0x6669727374",
      'board / note / "first" 0x00',
      'board / note / "first "',
    ]);
  });

  test("N260: what a node calls a column is not shown as proved, nor absence under a key that no row can have", async () => {
    const node = await liar(({ result }) => {
      if (result?.row?.fields?.text === undefined) return { result };
      const { text, size } = result.row.fields;
      return { result: { ...result, row: { ...result.row, fields: { size: text, text: size } } } };
    });
    const words = ["--url", node.url, "--genesis", genesisFile];
    const row = await linli(["query", "state", "board", "note", "first", ...words]);
    expect(JSON.parse(row.out).fields).toEqual({ text: "one", size: 3 });
    node.close();
    const absent = await liar(({ result, params }) => {
      if (params.contract !== "board") return { result };
      const proof = harness.node.proveKey(encodeKey(tablePrefix("board", "note"), params.key));
      return { result: { height: 1, row: null, proof: toHex(proof) } };
    });
    const askingLiar = ["--url", absent.url, "--genesis", genesisFile];
    expect(JSON.parse((await linli(["query", "state", "board", "note", "x", ...askingLiar])).out)).toMatchObject({
      proved: true,
      exists: false,
    });
    const number = await linli(["query", "state", "board", "note", "2024", ...askingLiar]);
    expect([number.code, number.out, number.err]).toEqual([3, "", expect.stringContaining("PROOF_KEY_OF_NO_ROW")]);
    absent.close();
  });

  test("a node's words reach no terminal as more than text", async () => {
    const node = await liar(() => "\u001b]0;x\u0007\u001b[2J");
    const { code, err } = await linli(["query", "head", "--url", node.url, "--genesis", genesisFile]);
    expect([code, err]).toEqual([1, expect.stringContaining("CLIENT_ANSWER_INVALID")]);
    expect(err).not.toMatch(/[^\P{C}\n]/u);
    node.close();
    const said = "done\u001b[2J\u009b2J\u202e";
    const explanation = { zh: said, en: said };
    const trial = { status: "ok", ruleId: "", explanation, conditions: [], gas: 1 };
    const trier = await liar(() => ({ result: trial }));
    const words = ["contract", "explain", "board", "pin", "--node", "--as", "clerk", "--with", "{}"];
    const askingLiar = ["--url", trier.url, "--genesis", genesisFile];
    const tried = await linli([...words, ...askingLiar]);
    expect(tried.out).toContain("it would happen");
    expect(tried.out).not.toMatch(/[^\P{C}\n]/u);
    const json = await linli([...words, "--json", ...askingLiar]);
    expect(json.out).not.toMatch(/[^\P{C}\n]/u);
    expect(JSON.parse(json.out).explanation).toEqual(explanation);
    trier.close();
  });

  test("heads, blocks, contracts, status and node facts are shown", async () => {
    const query = async (...words: string[]) => JSON.parse((await linli(["query", ...words, ...asking])).out);
    const [head, block, contracts, contract, status, node] = await Promise.all([
      query("head"),
      query("block", "1"),
      query("contract"),
      query("contract", "board"),
      query("status"),
      query("node"),
    ]);
    expect(head).toMatchObject({ proved: true });
    expect(block).toMatchObject({ proved: true, height: 1, transactionIds: [expect.any(String)] });
    expect(contracts.contracts).toHaveLength(1);
    expect(contract.source).toContain("board");
    expect(status).toMatchObject({ digest: "01ff" });
    expect(node).toMatchObject({ chainId: toHex(harness.node.genesis.chainId) });
  });

  test.each([
    [["query", "head", "--url", "http://127.0.0.1:1"], 1, "CLIENT_UNREACHABLE"],
    [["query", "block", "99999"], 1, "BLOCK_UNKNOWN"],
    [["tx", "receipt", "xyz"], 2, "ARGUMENT_INVALID"],
    [["tx", "send", "--key", "/nonexistent", "--contract", "a", "--action", "b"], 1, "KEY_FILE_MISSING"],
    [["tx", "send", "--key", "/nonexistent", "--contract", "a", "--action", "b", "--args", "{"], 2, "ARGUMENT_INVALID"],
  ])("%j ends with %i and %s", async (words, expected, named) => {
    const { code, err } = await linli(words, { LINLI_GENESIS: genesisFile, LINLI_URL: harness.url });
    expect([code, err]).toEqual([expected, expect.stringContaining(named)]);
    expect(err).not.toContain("    at ");
  });
});
