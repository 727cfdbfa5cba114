// The real client against the real server: what it proves, and what it refuses from a node that lies.
// The liar stands between the two and changes answers on their way.

import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LinliClient, type Received } from "../../../src/client/client.ts";
import { verifyPortable } from "../../../src/client/ed25519.ts";
import { REMEMBERED_SIGNATURES_MAX, rememberValid } from "../../../src/client/remember.ts";
import type { Feed } from "../../../src/client/transport.ts";
import { receivedSigningBytes } from "../../../src/ledger/format-transaction.ts";
import { encodeHeadStatement } from "../../../src/ledger/format-vote.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { call, type Harness, pin, post, startHarness } from "../rpc/harness.ts";
import { signerOf } from "../rpc/small-node.ts";

let harness: Harness;
let client: LinliClient;
beforeAll(async () => {
  harness = await startHarness({ requestsPerAddress: { perSecond: 1e6, burst: 1e6 } });
  client = clientOf(harness.url);
  for (const id of ["first", "second", "third"]) {
    const transaction = pin(harness.node, id, `text of ${id}`);
    await client.send(transaction.bytes);
    await client.waitForReceipt(transaction.id, { timeoutMs: 5_000 });
  }
});
afterAll(() => harness.stop());

function clientOf(url: string, verify = verifyNative): LinliClient {
  return new LinliClient({ url, genesis: harness.node.genesis, verify, timeoutMs: 2_000 });
}

const row = (id: string) => ({ contract: "board", table: "note", key: [id] });

describe("LinliClient", () => {
  test("sends, waits and proves a receipt; with the portable verifier too", async () => {
    const transaction = pin(harness.node, "a", "你好");
    expect((await client.send(transaction.bytes)).txIds).toEqual([transaction.id]);
    const proven = await clientOf(harness.url, verifyPortable).waitForReceipt(transaction.id, { timeoutMs: 5_000 });
    expect(proven.receipt).toMatchObject({ txId: transaction.id, status: "ok" });
    expect(proven.height).toBe(proven.certified.header.height);
  });

  test("proves an old receipt through the newest header", async () => {
    const transaction = pin(harness.node, "old", "old");
    await client.send(transaction.bytes);
    await client.waitForReceipt(transaction.id, { timeoutMs: 5_000 });
    const newer = pin(harness.node, "newer", "newer");
    await client.send(newer.bytes);
    await client.waitForReceipt(newer.id, { timeoutMs: 5_000 });
    const answer = await client.transaction(transaction.id);
    if (answer.kind !== "committed") throw new Error(answer.kind);
    expect(answer.committed.certified.header.height).toBeGreaterThan(answer.committed.height);
  });

  test("says what it knows of transactions that are not committed", async () => {
    expect(await client.transaction(new Uint8Array(32))).toEqual({ kind: "unknown" });
    await expect(client.waitForReceipt(new Uint8Array(32), { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TX_NOT_COMMITTED",
      data: { status: "unknown" },
    });
  });

  test("sends many: each received or refused for itself", async () => {
    const good = pin(harness.node, "m1", "one");
    const bad = pin(harness.node, "m2", "two");
    const broken = bad.bytes.slice();
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    const also = pin(harness.node, "m3", "three");
    const [first, second, third] = await client.sendMany([good.bytes, broken, also.bytes]);
    expect(first).toMatchObject({ ok: true, txId: good.id });
    expect(second).toMatchObject({ ok: false, error: { code: "TX_SIGNATURE" } });
    expect(third).toMatchObject({ ok: true, txId: also.id });
    expect(await client.sendMany([broken])).toMatchObject([{ ok: false }]);
  });

  test("A127: what a node took in by one call it signed for once, with all ids in their order", async () => {
    const sent = ["s1", "s2", "s3"].map((id) => pin(harness.node, id, "text"));
    const outcomes = await client.sendMany(sent.map(({ bytes }) => bytes));
    const signatures = new Set(outcomes.map((outcome) => (outcome.ok ? outcome.received.signature : undefined)));
    expect(signatures.size).toBe(1);
    const isSigned = ({ txIds, timeMs, signature }: Received): boolean => {
      const message = receivedSigningBytes({ chainId: harness.node.genesis.chainId, txIds, timeMs });
      return verifyNative(1, signerOf(0).publicKey, message, signature);
    };
    for (const outcome of outcomes) {
      if (!outcome.ok) throw outcome.error;
      expect(outcome.received.txIds).toEqual(sent.map(({ id }) => id));
      expect(isSigned(outcome.received)).toBe(true);
      expect(isSigned({ ...outcome.received, txIds: [...outcome.received.txIds].reverse() })).toBe(false);
    }
    const alone = pin(harness.node, "s4", "text");
    const received = await client.send(alone.bytes);
    expect(received.txIds).toEqual([alone.id]);
    expect(isSigned(received)).toBe(true);
  });

  test("proves rows, their values and their absence", async () => {
    const found = await client.stateGet(row("first"));
    expect(found.row).toEqual({
      values: ["text of first", 13],
      fields: { text: "text of first", size: 13 },
      lastHeight: 1,
    });
    expect((await client.stateGet(row("nobody"))).row).toBeUndefined();
    // Each would be encoded as the key of another row, of which a node that lies has a true proof.
    for (const part of ["a\0b", "\ud800", 1.5, (1n << 64n) + 5n, null, ["first"]])
      await expect(client.stateGet({ ...row("first"), key: [part, "first"] })).rejects.toMatchObject({
        code: "KEY_INVALID",
        data: { reason: expect.stringContaining("no part of a key") },
      });
    const page = await client.stateList({ contract: "board", table: "note", limit: 2 });
    expect(page.rows).toHaveLength(2);
    expect(page.next).toBeDefined();
  });

  test("proves heads and blocks with their lists of transactions", async () => {
    const head = await client.head();
    const { block, transactionIds } = await client.block(head.header.height);
    expect(block.blockHash).toEqual(head.blockHash);
    expect(transactionIds).toHaveLength(block.header.transactionCount);
    await expect(client.block(1e6)).rejects.toMatchObject({ code: "BLOCK_UNKNOWN", data: { height: 1e6 } });
  });

  test("follows heads and receipts, proved, in order, until it stops", async () => {
    const heads: number[] = [];
    const receipts: string[] = [];
    const second = Promise.withResolvers<void>();
    const headFeed = await client.followHeads((head) => {
      heads.push(head.header.height);
    });
    const receiptFeed = await client.followReceipts(({ receipt }) => {
      receipts.push(toHex(receipt.txId));
      if (receipts.length === 2) second.resolve();
    });
    const sent = [pin(harness.node, "f1", "one"), pin(harness.node, "f2", "two")];
    for (const { bytes, id } of sent) {
      await client.send(bytes);
      await client.waitForReceipt(id, { timeoutMs: 5_000 });
    }
    await second.promise;
    headFeed.stop();
    receiptFeed.stop();
    expect(await headFeed.ended).toBeUndefined();
    expect(await receiptFeed.ended).toBeUndefined();
    expect(receipts).toEqual(sent.map(({ id }) => toHex(id)));
    expect(heads).toEqual([...heads].sort((left, right) => left - right));
  });

  test("receipts that were told together come one by one, proved, in the order of their block", async () => {
    const receipts: string[] = [];
    const all = Promise.withResolvers<void>();
    const feed = await client.followReceipts(({ receipt }) => {
      receipts.push(toHex(receipt.txId));
      if (receipts.length === 3) all.resolve();
    });
    harness.node.commitsAtOnce = false;
    const sent = ["t1", "t2", "t3"].map((id) => pin(harness.node, id, "together"));
    await client.sendMany(sent.map(({ bytes }) => bytes));
    harness.node.commitPending();
    harness.node.commitsAtOnce = true;
    await all.promise;
    feed.stop();
    expect(receipts).toEqual(sent.map(({ id }) => toHex(id)));
  });

  test("A146: whoever stops or fails in the middle of receipts that were told together hears of no further one", async () => {
    for (const [id, end] of [
      ["s", (feed: Feed) => feed.stop()],
      [
        "f",
        () => {
          throw new Error("no more");
        },
      ],
    ] as const) {
      const receipts: string[] = [];
      const feed = await client.followReceipts(({ receipt }) => {
        receipts.push(toHex(receipt.txId));
        end(feed);
      });
      for (const block of [1, 2]) {
        harness.node.commitsAtOnce = false;
        await client.sendMany([1, 2].map((at) => pin(harness.node, `${id}${block}${at}`, "together").bytes));
        harness.node.commitPending();
      }
      harness.node.commitsAtOnce = true;
      await feed.ended;
      await client.head();
      expect(receipts.length).toBe(1);
    }
  });

  test("a feed ends with the reason when the node stops", async () => {
    const other = await startHarness();
    const feed = await new LinliClient({
      url: other.url,
      genesis: other.node.genesis,
      verify: verifyNative,
    }).followHeads(() => {});
    await other.stop();
    expect(await feed.ended).toMatchObject({ code: "CLIENT_FEED_ENDED", data: { reason: "RPC_NODE_STOPPING" } });
  });

  test("what a callback throws ends the feed", async () => {
    const feed = await client.followHeads(() => {
      throw new Error("no more");
    });
    await client.send(pin(harness.node, "g", "g").bytes);
    expect(await feed.ended).toMatchObject({ code: "CLIENT_FEED_ENDED", cause: { message: "no more" } });
  });

  test("says what is wrong with an address", async () => {
    expect(() => clientOf("tcp://x")).toThrow(expect.objectContaining({ code: "CLIENT_URL_INVALID" }));
    await expect(clientOf("http://127.0.0.1:1").head()).rejects.toMatchObject({ code: "CLIENT_UNREACHABLE" });
    await expect(clientOf("http://127.0.0.1:1").followHeads(() => {})).rejects.toMatchObject({
      code: "CLIENT_FEED_ENDED",
    });
  });
});

describe("a node that lies", () => {
  let liar: { readonly url: string; readonly server: Server } | undefined;
  const open: Duplex[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
    liar?.server.closeAllConnections();
    liar?.server.close();
    liar = undefined;
  });

  type Change = (result: Record<string, unknown>, method: string) => unknown;

  async function lying(change: Change): Promise<LinliClient> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        const body = Buffer.concat(chunks).toString();
        const honest = await fetch(harness.url, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
        });
        const answer = (await honest.json()) as { result: Record<string, unknown> };
        response.end(JSON.stringify({ ...answer, result: change(answer.result, JSON.parse(body).method) }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    liar = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    return clientOf(liar.url);
  }

  /** A node that confirms a subscription, tells these notifications and stays. @returns its address */
  async function feeding(notifications: readonly string[]): Promise<string> {
    const server = createServer();
    server.on("upgrade", ({ headers }, socket) => {
      open.push(socket);
      const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
      const head = ["HTTP/1.1 101 x", "Upgrade: websocket", "Connection: Upgrade"];
      socket.write(`${head.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`);
      socket.once("data", () => {
        for (const text of ['{"jsonrpc":"2.0","id":1,"result":{}}', ...notifications]) socket.write(textFrame(text));
      });
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    liar = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    return liar.url;
  }

  /** One unmasked WebSocket frame (RFC 6455, 5.2) of fewer than 65,536 bytes. */
  function textFrame(text: string): Buffer {
    const payload = Buffer.from(text);
    return Buffer.concat([Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]), payload]);
  }

  async function committedId(id: string): Promise<Uint8Array> {
    const transaction = call(harness.node, "pin", { id, text: id });
    await client.send(transaction.bytes);
    await client.waitForReceipt(transaction.id, { timeoutMs: 5_000 });
    return transaction.id;
  }

  const flip = (hex: unknown, place: number): string => {
    const text = String(hex);
    const at = Math.floor(place * text.length);
    return `${text.slice(0, at)}${(Number.parseInt(text[at] ?? "0", 16) ^ 1).toString(16)}${text.slice(at + 1)}`;
  };

  test("A10: any changed digit of a receipt's proof is refused", async () => {
    const id = await committedId("l1");
    let place = 0;
    const misled = await lying((result) => ({ ...result, proof: flip(result.proof, place) }));
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.999_999, noNaN: true }), async (chosen) => {
        place = chosen;
        await expect(misled.transaction(id)).rejects.toMatchObject({ code: "PROOF_REFUSED" });
      }),
      { numRuns: 300 },
    );
  });

  test("A11: any changed digit of a row's proof or of a head is refused", async () => {
    let place = 0;
    const misled = await lying((result, method) => {
      if (method === "chain_head") return { ...result, certifiedHeader: flip(result.certifiedHeader, place) };
      return { ...result, proof: flip(result.proof, place) };
    });
    const asks = [() => misled.head(), () => misled.stateGet(row("first")), () => misled.stateGet(row("nobody"))];
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.constantFrom(...asks),
        async (chosen, ask) => {
          place = chosen;
          await expect(ask()).rejects.toMatchObject({ code: "PROOF_REFUSED" });
        },
      ),
      { numRuns: 300 },
    );
  });

  test("A30: a head is current as of the oldest of q statements, and not by fewer, older, future or changed ones", async () => {
    const { timeMs, height } = harness.node.head();
    const times = { nowMs: timeMs + 5_000, ageMsMax: 5_000 };
    expect(await client.currentHead(times)).toMatchObject({
      block: { header: { height } },
      asOfMs: timeMs,
      signers: 3,
    });
    const refused = { code: "HEAD_NOT_CURRENT" };
    await expect(client.currentHead({ ...times, nowMs: timeMs + 5_001 })).rejects.toMatchObject(refused);
    await expect(client.currentHead({ nowMs: timeMs - 5_000, ageMsMax: 5_000 })).rejects.toMatchObject(refused);
    let place = 0;
    let statement = 0;
    const misled = await lying((result) => ({
      ...result,
      statements: (result.statements as string[]).map((hex, index) => (index === statement ? flip(hex, place) : hex)),
    }));
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.999_999, noNaN: true }), fc.nat(2), async (chosen, index) => {
        [place, statement] = [chosen, index];
        await expect(misled.currentHead(times)).rejects.toMatchObject(refused);
      }),
      { numRuns: 200 },
    );
    const repeated = await lying((result) => ({
      ...result,
      statements: [0, 0, 0].map((index) => (result.statements as string[])[index]),
    }));
    await expect(repeated.currentHead(times)).rejects.toMatchObject(refused);
  });

  test("A30: a flood of statements does not keep this side busy with their signatures", async () => {
    const { timeMs, height, blockHash, resultHash } = harness.node.head();
    const { publicKey } = signerOf(0);
    const signature = new Uint8Array(64).fill(1);
    const statements = Array.from({ length: 2_000 }, (_, index) =>
      toHex(encodeHeadStatement({ height, blockHash, resultHash, timeMs: timeMs + index, publicKey, signature })),
    );
    await lying((result) => ({ ...result, statements }));
    let checks = 0;
    const counting = new LinliClient({
      url: liar?.url ?? "",
      genesis: harness.node.genesis,
      verify: (...signed) => {
        checks += 1;
        return verifyNative(...signed);
      },
    });
    await expect(counting.currentHead({ nowMs: timeMs, ageMsMax: 60_000 })).rejects.toMatchObject({
      code: "HEAD_NOT_CURRENT",
    });
    expect(checks).toBeLessThan(200);
  });

  test("A30: a node that says `pending` instead of waiting is not asked in a circle", async () => {
    const txId = await committedId("told as pending");
    let asked = 0;
    const lied = await lying(() => {
      asked += 1;
      return { status: "pending" };
    });
    const waiting = lied.waitForReceipt(txId, { timeoutMs: 1_000 });
    await expect(waiting).rejects.toMatchObject({ code: "TX_NOT_COMMITTED" });
    expect(asked).toBeLessThanOrEqual(5);
  });

  test("A30: a lower head may be stale: statements of a higher one do not vouch for it", async () => {
    const older = (await client.call("chain_freshness")).json;
    await committedId("newer still");
    const newer = (await client.call("chain_freshness")).json as { statements: string[] };
    const outdated = await lying(() => ({ ...older, statements: newer.statements }));
    const { timeMs } = harness.node.head();
    await expect(outdated.currentHead({ nowMs: timeMs, ageMsMax: 60_000 })).rejects.toMatchObject({
      code: "HEAD_NOT_CURRENT",
    });
    const ahead = await lying(() => ({ ...newer, statements: older.statements }));
    expect(await ahead.currentHead({ nowMs: timeMs, ageMsMax: 60_000 }), "lower statements do").toMatchObject({
      signers: 3,
    });
  });

  test("A120: what was true at an older block than this client has seen is refused, whatever is asked", async () => {
    const txId = await committedId("before");
    const group = { contract: "board", table: "note", index: "by_size", values: [6] };
    const questions: readonly (readonly [string, (asker: LinliClient) => Promise<unknown>])[] = [
      ["chain_head", (asker) => asker.head()],
      ["chain_freshness", (asker) => asker.currentHead({ nowMs: harness.node.head().timeMs, ageMsMax: 60_000 })],
      ["state_get", (asker) => asker.stateGet(row("before"))],
      ["state_group", (asker) => asker.stateGroup(group)],
      ["tx_receipt", (asker) => asker.transaction(txId)],
      ["tx_wait", (asker) => asker.waitForReceipt(txId, { timeoutMs: 1_000 })],
    ];
    const kept = new Map<string, unknown>();
    let [isKeeping, isReplayed] = [true, true];
    const misled = await lying((result, method) => {
      if (isKeeping) kept.set(method, result);
      return isReplayed ? kept.get(method) : result;
    });
    for (const [, ask] of questions) await ask(misled);
    const height = harness.node.head().height;
    isKeeping = false;
    await committedId("after");
    for (const [, ask] of questions) await ask(misled);
    isReplayed = false;
    const heightSeen = (await misled.head()).header.height;
    expect(heightSeen).toBeGreaterThan(height);
    isReplayed = true;
    for (const [method, ask] of questions)
      await expect(ask(misled), method).rejects.toMatchObject({
        code: "ANSWER_OUTDATED",
        data: { height, heightSeen },
      });
  });

  test("A120: a head that is told again, or an older one, is no new head", async () => {
    const told = async () => {
      const head = (await client.call("chain_head")).json;
      return JSON.stringify({ jsonrpc: "2.0", method: "subscription", params: { feed: "heads", head } });
    };
    const older = await told();
    await committedId("for a newer head");
    const newer = await told();
    await committedId("for the newest head");
    const events = [older, newer, newer, older, await told()];
    const heads: number[] = [];
    const last = Promise.withResolvers<void>();
    const feed = await clientOf(await feeding(events)).followHeads(({ header: { height } }) => {
      heads.push(height);
      if (heads.length === 3) last.resolve();
    });
    await Promise.race([last.promise, feed.ended]);
    const { height } = harness.node.head();
    expect(heads).toEqual([height - 2, height - 1, height]);
    feed.stop();
  });

  test("A12: a true proof of something else is refused", async () => {
    const [mine, other] = [await committedId("l2"), await committedId("l3")];
    const otherReceipt = (await client.call("tx_receipt", { txId: toHex(other) })).json;
    await expect((await lying(() => otherReceipt)).transaction(mine)).rejects.toMatchObject({
      code: "PROOF_REFUSED",
      data: { reason: "PROOF_OTHER_TRANSACTION" },
    });
    const otherRow = (await client.call("state_get", row("second"))).json;
    await expect((await lying(() => otherRow)).stateGet(row("first"))).rejects.toMatchObject({
      data: { reason: "PROOF_OTHER_ROW" },
    });
    const absent = (await client.call("state_get", row("nobody"))).json;
    await expect((await lying(() => absent)).stateGet(row("first"))).rejects.toMatchObject({
      data: { reason: "PROOF_OTHER_ROW" },
    });
    const otherBlock = (await client.call("chain_block", { height: 1 })).json;
    await expect(
      (await lying((result, method) => (method === "chain_block" ? otherBlock : result))).block(2),
    ).rejects.toMatchObject({
      data: { reason: "PROOF_OTHER_BLOCK" },
    });
  });

  describe("groups of an index", () => {
    const group = (size: number) => ({ contract: "board", table: "note", index: "by_size", values: [size] });
    const PADDED = [101, 101, 101, 102] as const;
    interface Shown {
      proof: string;
      rows: { row: unknown; entryProof: string; rowProof: string }[];
    }
    let complete: Shown;
    let foreign: Shown;

    beforeAll(async () => {
      for (const [index, size] of PADDED.entries()) {
        const { bytes, id } = pin(harness.node, `g${index}`, "x".repeat(size));
        await client.send(bytes);
        await client.waitForReceipt(id, { timeoutMs: 5_000 });
      }
      complete = (await client.call("state_group", group(101))).json as unknown as Shown;
      foreign = (await client.call("state_group", group(102))).json as unknown as Shown;
    });

    test("A41: a complete group is proved, also an empty one", async () => {
      const { rows, height } = await client.stateGroup(group(101));
      expect(rows.map(({ fields }) => fields.size)).toEqual([101, 101, 101]);
      expect(height).toBe((await client.head()).header.height);
      expect((await client.stateGroup(group(102))).rows).toHaveLength(1);
      expect((await client.stateGroup(group(103))).rows).toEqual([]);
      await expect(client.stateGroup({ ...group(1), index: "by_length" })).rejects.toMatchObject({
        code: "INDEX_UNKNOWN",
      });
      await expect(client.stateGroup({ ...group(1), values: ["a\0b"] })).rejects.toMatchObject({ code: "KEY_INVALID" });
    });

    test.each<readonly [string, string, (shown: Shown, other: Shown) => Shown]>([
      ["a row is left out", "PROOF_GROUP_COUNT", (shown) => ({ ...shown, rows: shown.rows.slice(1) })],
      ["all rows are left out", "PROOF_GROUP_COUNT", (shown) => ({ ...shown, rows: [] })],
      [
        "a row of another group is added",
        "PROOF_OTHER_ROW",
        (shown, other) => ({ ...shown, rows: [...shown.rows, ...other.rows] }),
      ],
      [
        "a row of another group stands for one",
        "PROOF_OTHER_ROW",
        (shown, other) => ({ ...shown, rows: [...shown.rows.slice(0, 2), ...other.rows] }),
      ],
      [
        "a row is shown twice",
        "PROOF_GROUP_ORDER",
        (shown) => ({ ...shown, rows: [...shown.rows.slice(0, 2), ...shown.rows.slice(1, 2)] }),
      ],
      ["rows are out of order", "PROOF_GROUP_ORDER", (shown) => ({ ...shown, rows: shown.rows.toReversed() })],
      ["the leaf of another group", "PROOF_OTHER_ROW", (shown, other) => ({ ...other, rows: shown.rows.slice(0, 1) })],
      [
        "an entry is the row",
        "PROOF_OTHER_ROW",
        (shown) => ({ ...shown, rows: shown.rows.map((item) => ({ ...item, entryProof: item.rowProof })) }),
      ],
      [
        "a row is an entry",
        "PROOF_ROW_RENDERING",
        (shown) => ({ ...shown, rows: shown.rows.map((item) => ({ ...item, rowProof: item.entryProof })) }),
      ],
      [
        "a value is changed",
        "PROOF_ROW_RENDERING",
        (shown) => ({
          ...shown,
          rows: shown.rows.map((item) => ({
            ...item,
            row: { key: { id: "g0" }, fields: { text: "y", size: 101 }, lastHeight: 1 },
          })),
        }),
      ],
    ])("A42: a group that is not complete, or not this one, is refused: %s", async (_, reason, change) => {
      await expect(
        (await lying(() => ({ ...change(complete, foreign) }))).stateGroup(group(101)),
      ).rejects.toMatchObject({
        code: "PROOF_REFUSED",
        data: { reason },
      });
    });

    test("A43: proofs of several blocks are no group, each true in its own", async () => {
      const { bytes, id } = pin(harness.node, "later", "x".repeat(101));
      await client.send(bytes);
      await client.waitForReceipt(id, { timeoutMs: 5_000 });
      // The leaf of before the new row, with the rows of after it.
      const later = (await client.call("state_group", group(101))).json as unknown as Shown;
      const mixed = await lying(() => ({ ...later, proof: complete.proof, rows: later.rows.slice(0, 3) }));
      await expect(mixed.stateGroup(group(101))).rejects.toMatchObject({ data: { reason: "PROOF_GROUP_BLOCK" } });
      await expect((await lying(() => ({ ...complete }))).stateGroup(group(101))).resolves.toMatchObject({
        rows: [{}, {}, {}],
      });
    });
  });

  test("A13: what is shown of a row must be what is proved", async () => {
    const shown = (change: Record<string, unknown>) =>
      lying((result) => ({
        ...result,
        row: { key: { id: "first" }, fields: { text: "text of first", size: 13 }, lastHeight: 1, ...change },
      }));
    await expect(
      (await shown({ fields: { text: "text of first", size: 14 } })).stateGet(row("first")),
    ).rejects.toMatchObject({ data: { reason: "PROOF_ROW_RENDERING" } });
    await expect(
      (await shown({ fields: { size: 13, text: "text of first" } })).stateGet(row("first")),
    ).rejects.toMatchObject({ data: { reason: "PROOF_ROW_RENDERING" } });
    await expect((await shown({})).stateGet(row("nobody"))).rejects.toMatchObject({
      data: { reason: "PROOF_ROW_ABSENT" },
    });
    expect((await (await shown({ lastHeight: 99 })).stateGet(row("first"))).row?.lastHeight).toBe(1);
    expect(
      (await (await shown({ fields: { text: "text of first", size: 13, added: 1 } })).stateGet(row("first"))).row
        ?.fields,
    ).toEqual({ text: "text of first", size: 13 });
  });

  test("A22: a list of transactions that is not the block's is refused: shorter, longer, in another order, of another block", async () => {
    harness.node.commitsAtOnce = false;
    const three = ["b1", "b2", "b3"].map((id) => pin(harness.node, id, id));
    for (const { bytes } of three) await client.send(bytes);
    harness.node.commitPending();
    harness.node.commitsAtOnce = true;
    const { height } = harness.node.head();
    const { transactionIds } = await client.block(height);
    expect(transactionIds).toEqual(three.map(({ id }) => id));
    const ids = transactionIds.map(toHex);
    const other = (await client.block(1)).transactionIds.map(toHex);
    for (const listed of [ids.slice(1), ids.slice(0, -1), [...ids, ...other], [...ids].reverse(), other, ["zz"]]) {
      const misled = await lying((result, method) =>
        method === "chain_block" ? { ...result, transactionIds: listed } : result,
      );
      await expect(misled.block(height), String(listed)).rejects.toMatchObject({
        code: expect.stringMatching(/^PROOF_REFUSED$|^RPC_PARAMS_INVALID$|^CLIENT_ANSWER_INVALID$/),
      });
      liar?.server.closeAllConnections();
      liar?.server.close();
    }
    await expect((await lying((result) => ({ ...result, transactionIds: [] }))).block(height)).rejects.toMatchObject({
      code: "BLOCK_NOT_PROVABLE",
    });
  });

  test("ids that are none in a block's list, and fields nested without end in a row, are refused as any other lie", async () => {
    const short = await lying((result, method) =>
      method === "chain_block" ? { ...result, transactionIds: [...(result.transactionIds as string[]), "00"] } : result,
    );
    await expect(short.block(1)).rejects.toMatchObject({ data: { reason: "PROOF_TRANSACTIONS" } });
    liar?.server.closeAllConnections();
    liar?.server.close();
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        const { text } = await post(harness.url, Buffer.concat(chunks).toString());
        response.end(text.replace('"text of first"', `${"[".repeat(200_000)}${"]".repeat(200_000)}`));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    liar = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    await expect(clientOf(liar.url).stateGet(row("first"))).rejects.toMatchObject({
      data: { reason: "PROOF_ROW_RENDERING" },
    });
  });

  test.each(["TX_WITHOUT_EFFECT", "PROOF_REFUSED", "TX_NOT_COMMITTED"])(
    "a node cannot refuse as this side does: %s",
    async (code) => {
      const server = createServer((_, response) => {
        response.end(
          JSON.stringify({ jsonrpc: "2.0", id: 1, error: { data: { code, remedy: "nothing of it happened" } } }),
        );
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      liar = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
      const { id } = pin(harness.node, "spoken for", "text");
      await expect(clientOf(liar.url).waitForReceipt(id, { timeoutMs: 1_000 })).rejects.toMatchObject({
        code: "NODE_REFUSED",
      });
    },
  );

  test("a feed that is stopped has ended, also when the node never says that it has closed", async () => {
    const feed = await clientOf(await feeding([])).followHeads(() => {});
    feed.stop();
    expect(await feed.ended).toBeUndefined();
  }, 5_000);

  test.each(['{"toString":1,"valueOf":1}', '[{"toString":1},"b"]', `${"[".repeat(100_000)}${"]".repeat(100_000)}`])(
    "a refusal is one whatever stands in its details: %.30s",
    async (detail) => {
      const server = createServer((_, response) => {
        response.end(`{"jsonrpc":"2.0","id":1,"error":{"data":{"code":"SOME_CODE","details":{"a":${detail}}}}}`);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      liar = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
      await expect(clientOf(liar.url).head()).rejects.toMatchObject({ name: "LedgerError", code: "SOME_CODE" });
    },
  );

  test("an acknowledgement of another transaction is refused", async () => {
    const misled = await lying((result) => ({ ...result, txId: "00".repeat(32) }));
    await expect(misled.send(pin(harness.node, "x", "x").bytes)).rejects.toMatchObject({
      code: "CLIENT_ANSWER_INVALID",
    });
  });

  test("answers of a wrong shape are errors with a code, never exceptions of their own", async () => {
    for (const result of [
      null,
      7,
      "x",
      [],
      {},
      { status: "maybe" },
      { status: "committed" },
      { status: "committed", proof: 5 },
      { status: "committed", proof: "zz" },
    ]) {
      await expect(
        (await lying(() => result)).transaction(new Uint8Array(32)),
        JSON.stringify(result),
      ).rejects.toMatchObject({ code: "CLIENT_ANSWER_INVALID" });
      liar?.server.closeAllConnections();
      liar?.server.close();
    }
  });

  test("a proof of another ledger is refused", async () => {
    const foreign = new LinliClient({
      url: harness.url,
      genesis: { ...harness.node.genesis, chainId: new Uint8Array(32) },
      verify: verifyNative,
    });
    await expect(foreign.head()).rejects.toMatchObject({
      code: "PROOF_REFUSED",
      data: { reason: "PROOF_WRONG_CHAIN" },
    });
  });

  test("a node's words are printed without control characters and no longer than a line", async () => {
    const server = createServer((_, response) => {
      response.end(
        JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          error: {
            code: -1,
            message: "x",
            data: { code: "bad code", remedy: "\u001b[31mred\n", details: { "a\u0007": "y".repeat(10_000) } },
          },
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    liar = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const error = await clientOf(liar.url)
      .head()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "NODE_REFUSED" });
    expect((error as Error).message).not.toMatch(/\p{Cc}/u);
    expect((error as Error).message.length).toBeLessThan(1_000);
  });

  test("an endless answer and a silent node are given up", async () => {
    const server = createServer((request, response) => {
      if (request.url !== "/endless") return;
      const more = setInterval(() => response.write("x".repeat(1 << 20)), 1);
      response.on("close", () => clearInterval(more));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    liar = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const silent = new LinliClient({
      url: liar.url,
      genesis: harness.node.genesis,
      verify: verifyNative,
      timeoutMs: 100,
    });
    await expect(silent.head()).rejects.toMatchObject({ code: "CLIENT_TIMEOUT" });
    const endless = new LinliClient({
      url: `${liar.url}/endless`,
      genesis: harness.node.genesis,
      verify: verifyNative,
      timeoutMs: 20_000,
    });
    await expect(endless.head()).rejects.toMatchObject({ code: "CLIENT_ANSWER_INVALID" });
  });
});

describe("rememberValid", () => {
  test("A14: checks what was valid once, never remembers a refusal, and does not mix up parts", () => {
    let checks = 0;
    const verify = rememberValid((_suite, _key, message) => {
      checks += 1;
      return message[0] === 1;
    });
    const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)];
    expect([verify(1, one, one, two), verify(1, one, one, two), checks]).toEqual([true, true, 1]);
    expect([verify(1, two, one, one), checks]).toEqual([true, 2]);
    expect([verify(1, one, two, two), verify(1, one, two, two), checks]).toEqual([false, false, 4]);
    for (let index = 0; index < REMEMBERED_SIGNATURES_MAX + 10; index += 1)
      verify(1, new Uint8Array(4).fill(index, 0, 2), one, Uint8Array.of(index & 255, index >> 8));
    expect(verify(1, one, one, two)).toBe(true);
  });
});
