// A seat for a node that runs: proposed, approved, declared ready by the node itself with the operator's command, enacted, voted with.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LinliClient } from "../../../src/client/client.ts";
import { buildTransaction } from "../../../src/client/transaction.ts";
import { CONFIG_DEFAULTS } from "../../../src/config.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { decodeGenesis, encodeGenesis, type SealedGenesis } from "../../../src/ledger/genesis.ts";
import { Api } from "../../../src/node/api.ts";
import { declareReady, type ReadyOptions } from "../../../src/node/commands/ready.ts";
import { loadLibraryContract } from "../../../src/node/devnet/library.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { saveGenesisFile } from "../../../src/node/genesis-plan.ts";
import { createValidatorKey } from "../../../src/node/key-file.ts";
import type { KeySigner } from "../../../src/ports.ts";
import { startRpcServer } from "../../../src/rpc/server.ts";
import { makeSigners, sampleGenesis, validatorsOf } from "../ledger/samples.ts";
import { type Member, MemberNetwork } from "./network-fixture.ts";
import { SILENT } from "./support.ts";

/** The last one's node is gone, and its key with it. */
const SEATED = makeSigners(5);
const ORGANISATION = "organisation-4";

async function genesisWith(newcomer: KeySigner): Promise<SealedGenesis> {
  const library = async (name: "governance" | "registry") => ({ name, source: await loadLibraryContract(name) });
  const person = (id: string, index: number, role: string, { publicKey }: KeySigner) => {
    return { id, organisation: `organisation-${index}`, roles: [role], suite: 1, publicKey };
  };
  const decoded = decodeGenesis(
    encodeGenesis({
      ...sampleGenesis(),
      organisations: SEATED.map((_, n) => ({ id: `organisation-${n}`, title: `第 ${n} 家`, role: "street" })),
      validators: validatorsOf(SEATED),
      endpoints: SEATED.map((_, n) => ({ peerId: `peer-${n}`, addresses: ["/ip4/127.0.0.1/tcp/26001"] })),
      contracts: [await library("governance"), await library("registry")],
      accounts: [
        ...SEATED.map((key, n) => person(`clerk-${n}`, n, "admin", key)),
        person("new-node", 4, "node", newcomer),
      ],
    }),
  );
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

describe("a seat for a node that runs", () => {
  let directory: string;
  const closers: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "linli-ready-"));
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers.length = 0;
    await rm(directory, { recursive: true });
  });

  it("N205: is not given before that node has declared with its own key that it runs and has caught up; then it votes", async () => {
    const keyFile = join(directory, "validator.key");
    const { signer: newcomer } = await createValidatorKey({ keyFile, votesDirectory: join(directory, "votes") });
    const genesis = await genesisWith(newcomer);
    const genesisFile = join(directory, "genesis.json");
    await saveGenesisFile(genesisFile, genesis);
    const network = new MemberNetwork(genesis);
    closers.push(() => network.stop());
    const serve = async (key: KeySigner, index: number, members = network) => {
      const member = await members.start(key, `peer-${index}`);
      const api = new Api({
        participant: member.participant,
        genesis,
        key,
        name: `node-${index}`,
        peerId: `peer-${index}`,
      });
      const settings = { ...CONFIG_DEFAULTS.rpc, port: 0 };
      const server = await startRpcServer({ settings, api, clock: members.clock, log: SILENT });
      closers.push(() => server.stop());
      return { ...member, url: `http://127.0.0.1:${server.port}` };
    };
    const first = await serve(SEATED[0]!, 0);
    const others: Member[] = [];
    for (const index of [1, 2, 3]) others.push(await network.start(SEATED[index]!, `peer-${index}`));

    const client = new LinliClient({ url: first.url, genesis, verify: verifyNative });
    let nonce = 0;
    const act = async (by: number, action: string, args: Readonly<Record<string, Value>>): Promise<string> => {
      nonce += 1;
      const { id, bytes } = buildTransaction({
        chainId: genesis.chainId,
        signers: [{ account: `clerk-${by}`, signer: SEATED[by]! }],
        nonce,
        validUntilMs: Math.floor(network.clock.nowMs()) + 60_000,
        gasLimit: 10_000_000,
        calls: [{ contract: "governance", action, args }],
      });
      await client.send(bytes);
      const { receipt } = await client.waitForReceipt(id, { timeoutMs: 20_000 });
      return receipt.status === "ok" ? "ok" : receipt.ruleId;
    };
    expect(await act(0, "propose_removal", { id: "cut", seat: 0, organisation: ORGANISATION })).toBe("ok");
    for (const by of [0, 1, 2, 3]) expect(await act(by, "approve", { proposal: "cut", seat: by })).toBe("ok");
    expect(await act(0, "enact_removal", { proposal: "cut", seat: 4 })).toBe("ok");
    const seat = { organisation: ORGANISATION, key: newcomer.publicKey, peer: "peer-4" };
    expect(await act(0, "propose_seat", { id: "add", seat: 0, ...seat })).toBe("ok");
    for (const by of [0, 1, 2]) expect(await act(by, "approve", { proposal: "add", seat: by })).toBe("ok");
    expect(await act(0, "enact_seat", { proposal: "add" })).toBe("governance.enact_seat.require[3]");

    const ready = (node: string, options: Partial<ReadyOptions> = {}) =>
      declareReady({
        url: first.url,
        genesis: genesisFile,
        key: keyFile,
        account: "new-node",
        proposal: "add",
        node,
        gas: 1_000_000,
        validFor: 60,
        wait: 20,
        out: undefined,
        ...options,
      });
    // Another node's word is not enough, and one that is away says nothing.
    await expect(ready(first.url)).rejects.toMatchObject({ code: "NODE_OF_ANOTHER_KEY" });
    await expect(ready("http://127.0.0.1:9")).rejects.toMatchObject({ code: "CLIENT_UNREACHABLE" });
    // One that is cut off has seen nothing of the blocks so far.
    const lonely = new MemberNetwork(genesis);
    const behind = await serve(newcomer, 4, lonely);
    while (first.chain.head.height <= 10) await act(0, "enact_seat", { proposal: "add" });
    await expect(ready(behind.url)).rejects.toMatchObject({ code: "NODE_BEHIND" });
    await lonely.stop();
    const late = await serve(newcomer, 4);
    await vi.waitFor(() => expect(late.chain.head.height).toBe(first.chain.head.height), { timeout: 20_000 });
    expect(late.participant.isSeated).toBe(false);
    await expect(ready(late.url, { proposal: "none" })).rejects.toMatchObject({ code: "TX_WITHOUT_EFFECT" });
    await ready(late.url);
    expect(await act(0, "enact_seat", { proposal: "add" })).toBe("ok");
    await vi.waitFor(() => expect(late.participant.isSeated).toBe(true), { timeout: 20_000 });
    expect(first.chain.head.validators.length).toBe(5);
    // Four of five are a quorum: without one of the others the newcomer's votes are needed.
    await others[2]?.participant.stop();
    expect(await act(0, "enact_seat", { proposal: "add" })).toBe("governance.enact_seat.require[0]");
  }, 120_000);
});
