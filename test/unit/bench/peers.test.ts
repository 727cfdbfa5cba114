// How other systems are driven, as far as it shows without them: what is sent and read, what of their settings is changed, and what
// somebody hears who does not have them.

import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { CometSocket, KeyValueSource } from "../../../bench/client/comet-socket.ts";
import { readWords } from "../../../bench/options.ts";
import { answersIn, resultOf, runBftSmart } from "../../../bench/peers/bft-smart.ts";
import { runCometBft, withSetting } from "../../../bench/peers/cometbft.ts";

const HOOKS = { progress: () => undefined, onEnd: () => undefined };
const optionsOf = (...words: string[]) => readWords(["peer", ...words]).options({});

describe("a peer that is not there", () => {
  it("A141: is named with what to do, before anything starts", async () => {
    await expect(runCometBft(optionsOf("--path", "/nowhere/cometbft"), HOOKS)).rejects.toThrow(
      /BENCH_PEER_MISSING.*go install/,
    );
    await expect(runBftSmart(optionsOf(), HOOKS)).rejects.toThrow(/BENCH_PEER_MISSING.*--path/);
    await expect(runBftSmart(optionsOf("--path", "/nowhere"), HOOKS)).rejects.toThrow("BENCH_PEER_MISSING");
  });
});

describe("CometBFT", () => {
  let server: WebSocketServer | undefined;
  afterEach(() => server?.close());

  it("A141: its transactions are as long as a transfer; blocks settle them, refusals name their reason", async () => {
    const said: string[] = [];
    const [first, second] = new KeyValueSource(1).take({ content: "transfer", calls: 1, count: 2, spreadSeconds: 0 });
    expect(first!.hex.length / 2).toBe(216);
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (socket) =>
      socket.on("message", (data) => {
        const { id, method, params } = JSON.parse(String(data)) as {
          id: number;
          method: string;
          params: { tx?: string };
        };
        said.push(method);
        if (method === "subscribe") return socket.send(JSON.stringify({ id, result: {} }));
        if (id === 2)
          return socket.send(JSON.stringify({ id, error: { message: "Internal", data: "mempool is full" } }));
        socket.send(JSON.stringify({ id, result: { code: 0 } }));
        const value = { block: { data: { txs: [params.tx] } }, result_finalize_block: { tx_results: [{ code: 0 }] } };
        socket.send(JSON.stringify({ id: 0, result: { data: { value } } }));
      }),
    );
    await once(server, "listening");
    const [receipts, refusals] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const socket = await CometSocket.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      onReceipt: (txId, status) => receipts.resolve(`${txId} ${status}`),
      onRefused: (txId, code) => refusals.resolve(`${txId} ${code}`),
      onBroken: () => undefined,
    });
    socket.send([first!, second!]);
    expect(await receipts.promise).toBe(`${first!.id} ok`);
    expect(await refusals.promise).toBe(`${second!.id} mempool is full`);
    expect(said).toEqual(["subscribe", "broadcast_tx_sync", "broadcast_tx_sync"]);
    for (const client of server.clients) client.terminate();
  });

  it("A141: a setting is changed in its own section only, and one that is not there is named", () => {
    const toml = '\n[rpc]\nladdr = "a"\nsize = 1\n\n[mempool]\nsize = 5000\nladdr = "b"\n';
    expect(withSetting(toml, ["mempool", "size", "7"])).toBe(toml.replace("5000", "7"));
    expect(withSetting(toml, ["rpc", "laddr", '"c"'])).toBe(toml.replace('"a"', '"c"'));
    expect(() => withSetting(toml, ["rpc", "timeout", "1"])).toThrow("BENCH_PEER_FAILED");
    expect(() => withSetting(toml, ["p2p", "laddr", "1"])).toThrow("BENCH_PEER_FAILED");
  });
});

/** Stands for the Java runtime: replicas that say that they are ready, clients that write one line for each request. */
const JAVA = `#!/usr/bin/env bash
class=""
while [ $# -gt 0 ]; do case "$1" in -cp) shift 2;; -*) shift;; *) class="$1"; shift; break;; esac; done
case "$class" in
  *Server) grep -q "^$1 127.0.0.1 " config/hosts.config || exit 3; echo " -- Ready to process operations";;
  *Client) for i in $(seq 1 400); do printf '%s\\t%s\\t%s\\n' "$1" $((1000 + i * 5)) 3000000; done > "latencies_$1.txt"; echo "All clients done.";;
esac
exec sleep 60
`;

describe("BFT-SMaRt", () => {
  const home = mkdtempSync(join(tmpdir(), "linli-bench-peer-"));
  const path = process.env.PATH;
  afterEach(() => {
    process.env.PATH = path;
    rmSync(home, { recursive: true, force: true });
  });

  it("A141: replicas are started, clients asked, processes ended, and the record is like any other", async () => {
    for (const folder of ["lib", "config", "java"]) mkdirSync(join(home, folder));
    writeFileSync(join(home, "java", "java"), JAVA, { mode: 0o755 });
    process.env.PATH = `${join(home, "java")}:${path}`;
    const { points, latencyOf, synced, notes } = await runBftSmart(optionsOf("--path", home, "--seconds", "1"), HOOKS);
    expect(points.map(({ name }) => name)).toEqual(["one client", "peak"]);
    expect(latencyOf).toBe("one client");
    for (const { repetitions } of points) {
      expect(repetitions[0]?.latencySummary.p50Ms).toBeCloseTo(3, 1);
      expect(repetitions[0]?.txPerSecond).toBeGreaterThan(190);
      expect(repetitions[0]?.cpuUsPerTxByNode).toHaveLength(4);
    }
    expect(synced.basis).toContain("rwd");
    expect(notes?.join(" ")).toContain("No accounts, no contracts");
  });

  it("A141: the second half of its requests counts, stragglers do not", () => {
    // 100 requests of 2 ms, one each 10 ms; the first half took 50 ms each, a line is cut off at the end.
    const lines = Array.from(
      { length: 100 },
      (_, index) => `1001\t${5_000 + 10 * index}\t${index < 50 ? 50_000_000 : 2_000_000}`,
    );
    const answers = answersIn(`${lines.join("\n")}\n1001\t60`);
    expect(answers).toHaveLength(100);
    const result = resultOf(answers, 1);
    expect(result.committed).toBe(45);
    expect(result.txPerSecond).toBeCloseTo(45 / 0.44, 5);
  });
});
