// The parts of a transaction's way, each alone on one thread: codec, verification, rule engine, state tree, store.
// The only file that knows tinybench. CPU time, not wall time, so that others on the machine do not count; the store's is wall time.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bench } from "tinybench";
import { Engine } from "../../src/contracts/engine.ts";
import { executeBlock } from "../../src/contracts/execute-block.ts";
import { genesisWrites } from "../../src/contracts/genesis-state.ts";
import { PROTOCOLS, rulesOf } from "../../src/contracts/protocols.ts";
import { valueHashOf } from "../../src/ledger/format-receipt.ts";
import { decodeTransaction, transactionSigningBytes } from "../../src/ledger/format-transaction.ts";
import type { Genesis } from "../../src/ledger/genesis.ts";
import { fromHex, type Hash, hashTagged, toHex } from "../../src/ledger/hash.ts";
import { FORMAT_VERSION, type StateEntry, SUITE_ED25519, type Transaction } from "../../src/ledger/types.ts";
import { NODE_ORGANISATIONS } from "../../src/node/devnet/cast.ts";
import { GENESIS_CONTRACTS, loadLibraryContract } from "../../src/node/devnet/library.ts";
import { nativeSigner, verifyNative } from "../../src/node/ed25519-native.ts";
import { PARAMETER_DEFAULTS } from "../../src/node/genesis-plan.ts";
import type { WriteOperation } from "../../src/ports.ts";
import { Overlay } from "../../src/state/overlay.ts";
import { StateTree } from "../../src/state/tree.ts";
import { openLevelStore } from "../../src/store/level-store.ts";
import type { Hooks } from "../loads.ts";
import { machineFacts } from "../machine.ts";
import type { Content } from "../payloads.ts";
import { type Figure, limitOf } from "../record.ts";
import type { Outcome, Scenario } from "../scenario.ts";
import { measureVerifyUs } from "../verification.ts";
import { benchAccounts, benchContract, benchKeys, TransactionSource } from "../workload.ts";

const ROUND_MS = 300;
const ROUNDS_USUAL = 5;
/** All probes once, with their warm-up. */
const ROUND_SECONDS_ALL = 6;
const ACCOUNTS = 200;
const TREE_KEYS = 100_000;
const TREE_CHANGES = 2_000;
const STORE_ROWS = 1_000;
const STORE_VALUE_BYTES = 200;
const CHAIN_ID: Hash = new Uint8Array(32).fill(7);

interface Probe {
  readonly name: string;
  /** operations of one call of `run` */
  readonly operations: number;
  readonly clock: "CPU" | "wall";
  run(): unknown;
}

export const MICRO: Scenario = {
  name: "micro",
  what: "one thread alone: codec, verification, rule engine, state tree, store; us for each operation",
  defaults: { repeat: ROUNDS_USUAL },
  heeds: ["repeat", "seed", "json", "out"],
  secondsNeeded: ({ repeat }) => 20 + repeat * ROUND_SECONDS_ALL,
  async run({ repeat, seed }, hooks): Promise<Outcome> {
    const transactions = signed("transfer", 1, seed);
    const envelopes = signed("telemetry", 100, seed);
    const probes = [
      ...codecProbes(transactions, envelopes),
      verificationProbe(),
      await engineProbe("a transfer, executed", transactions, seed),
      await engineProbe("an envelope of 100 readings, executed", envelopes.slice(0, 20), seed),
      treeProbe(),
      ...(await storeProbes(hooks)),
    ];
    const figures: Figure[] = [];
    for (const probe of probes) {
      figures.push(await measure(probe, repeat));
      hooks.progress(
        `${probe.name}: ${figures
          .at(-1)
          ?.values.map((us) => us.toFixed(2))
          .join(", ")} us`,
      );
    }
    const verifyUs = measureVerifyUs();
    const alone = { holds: false, basis: "not measured: no node runs" };
    return {
      nodes: 1,
      configuration: { repeat, seed, roundMs: ROUND_MS, treeKeys: TREE_KEYS, treeChanges: TREE_CHANGES },
      points: [],
      main: undefined,
      figures,
      verifyUs,
      limitTxPerSecond: limitOf(machineFacts().cores, 1, verifyUs),
      synced: alone,
      verifiedByEveryNode: alone,
      notes: ["us of CPU for each operation, and of wall time where the name says wall."],
    };
  },
};

async function measure({ name, operations, clock, run }: Probe, rounds: number): Promise<Figure> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const now = clock === "wall" ? () => performance.now() : threadCpuMs;
    const bench = new Bench({ time: ROUND_MS, warmupTime: ROUND_MS / 3, now, throws: true });
    bench.add(name, run);
    await bench.run();
    const [task] = bench.tasks;
    const result = task?.result;
    if (result === undefined || !("latency" in result)) throw new Error(`${name} was not measured`);
    values.push((result.latency.mean * 1000) / operations);
  }
  return { name: clock === "wall" ? `${name} (wall)` : name, unit: "us", better: "less", values };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function signed(content: Content, calls: number, seed: number): readonly Uint8Array[] {
  const source = new TransactionSource({
    chainId: CHAIN_ID,
    keys: benchKeys(seed),
    accounts: ACCOUNTS,
    seed,
    numbersFrom: 0,
  });
  const made = source.take({ content, calls, count: ACCOUNTS, spreadSeconds: 0 });
  return made.map(({ hex }) => fromHex(hex)!);
}

function decoded(bytes: Uint8Array): Transaction {
  const judged = decodeTransaction(bytes);
  if (!judged.ok) throw new Error(judged.code);
  return judged.value;
}

function codecProbes(transactions: readonly Uint8Array[], envelopes: readonly Uint8Array[]): readonly Probe[] {
  const decodeAll = (name: string, all: readonly Uint8Array[]): Probe => ({
    name,
    operations: all.length,
    clock: "CPU",
    run: () => {
      // Calls are decoded when somebody asks for them.
      for (const bytes of all) void decoded(bytes).body.calls;
    },
  });
  return [
    decodeAll("a transfer, decoded", transactions),
    decodeAll("an envelope of 100 readings, decoded", envelopes),
    {
      name: "220 bytes, hashed",
      operations: transactions.length,
      clock: "CPU",
      run: () => {
        for (const bytes of transactions) hashTagged("TX", bytes);
      },
    },
  ];
}

function verificationProbe(): Probe {
  const signer = nativeSigner(new Uint8Array(32).fill(7));
  const message = transactionSigningBytes(hashTagged("TX", CHAIN_ID));
  const signature = signer.sign(message);
  return {
    name: "a signature, verified",
    operations: 100,
    clock: "CPU",
    run: () => {
      for (let count = 0; count < 100; count += 1) verifyNative(SUITE_ED25519, signer.publicKey, message, signature);
    },
  };
}

/** A block of these transactions over a state in which all accounts are open. */
async function engineProbe(name: string, bytes: readonly Uint8Array[], seed: number): Promise<Probe> {
  const rows = new Map<string, StateEntry>();
  const base = { get: (key: Uint8Array) => rows.get(toHex(key)) };
  const engine = new Engine();
  for (const { key, value } of genesisWrites(await genesis(seed), engine))
    if (value !== undefined) rows.set(toHex(key), { value, lastHeight: 0 });
  const execute = (transactions: readonly Transaction[]): Overlay => {
    const overlay = new Overlay({ base, height: 1 });
    const { receipts } = executeBlock(
      {
        chainId: CHAIN_ID,
        height: 1,
        timeMs: 1,
        transactions,
        dueTimers: [],
        overlay,
        validators: [],
        parameters: { ...PARAMETER_DEFAULTS, blockGasMax: Number.MAX_SAFE_INTEGER },
        rules: rulesOf(PROTOCOLS, PARAMETER_DEFAULTS.protocol),
        engine,
      },
      (receipt) => receipt,
    );
    const refused = receipts.find(({ status }) => status !== "ok");
    if (refused !== undefined) throw new Error(`${name}: ${refused.ruleId}`);
    return overlay;
  };
  const source = new TransactionSource({
    chainId: CHAIN_ID,
    keys: benchKeys(seed),
    accounts: ACCOUNTS,
    seed,
    numbersFrom: 0,
  });
  const opened = execute(source.openings().map(({ hex }) => decoded(fromHex(hex)!)));
  for (const { key, value } of opened.writes()) if (value !== undefined) rows.set(toHex(key), { value, lastHeight: 1 });
  const transactions = bytes.map(decoded);
  return { name, operations: transactions.length, clock: "CPU", run: () => execute(transactions).writes() };
}

async function genesis(seed: number): Promise<Genesis> {
  const library = GENESIS_CONTRACTS.map(async (name) => ({ name, source: await loadLibraryContract(name) }));
  const validators = NODE_ORGANISATIONS.slice(0, 4);
  return {
    version: FORMAT_VERSION,
    name: "bench",
    hashSuite: "sha256",
    timeMs: 0,
    timeScale: 1,
    production: false,
    organisations: validators,
    validators: validators.map(({ id }, index) => ({
      organisation: id,
      suite: SUITE_ED25519,
      publicKey: new Uint8Array(32).fill(index + 1),
      peerId: `peer-${id}`,
    })),
    endpoints: [],
    parameters: PARAMETER_DEFAULTS,
    contracts: [...(await Promise.all(library)), await benchContract()],
    accounts: benchAccounts({ keys: benchKeys(seed), count: ACCOUNTS, organisation: validators[0]!.id }),
  };
}

/** Changes of one block, staged on a tree that stays as it is. */
function treeProbe(): Probe {
  const keyOf = (index: number): Uint8Array => hashTagged("STATE", new TextEncoder().encode(String(index)));
  const leafOf = (text: string, lastHeight: number) => ({
    valueHash: valueHashOf(new TextEncoder().encode(text)),
    lastHeight,
  });
  const tree = StateTree.build(
    Array.from({ length: TREE_KEYS }, (_, index) => ({ key: keyOf(index), ...leafOf("before", 0) })),
  );
  const changes = Array.from({ length: TREE_CHANGES }, (_, index) => ({
    key: keyOf(index * Math.floor(TREE_KEYS / TREE_CHANGES)),
    leaf: leafOf("after", 1),
  }));
  return {
    name: "a key of 100,000, changed in the tree",
    operations: TREE_CHANGES,
    clock: "CPU",
    run: () => tree.stage(changes),
  };
}

async function storeProbes(hooks: Hooks): Promise<readonly Probe[]> {
  const directory = mkdtempSync(join(tmpdir(), "linli-micro-"));
  hooks.onEnd(() => rmSync(directory, { recursive: true, force: true }));
  const store = await openLevelStore(directory);
  let round = 0;
  const keyOf = (row: number): Uint8Array => new TextEncoder().encode(`row ${row}`);
  const rowsOf = (count: number): readonly WriteOperation[] => {
    round += 1;
    return Array.from({ length: count }, (_, row) => ({
      kind: "put",
      key: keyOf(row),
      value: new Uint8Array(STORE_VALUE_BYTES).fill(round & 0xff),
    }));
  };
  await store.write(rowsOf(STORE_ROWS), { sync: true });
  return [
    {
      name: "a row of 1,000, written and synced",
      operations: STORE_ROWS,
      clock: "wall",
      run: () => store.write(rowsOf(STORE_ROWS), { sync: true }),
    },
    {
      name: "one row, written and synced",
      operations: 1,
      clock: "wall",
      run: () => store.write(rowsOf(1), { sync: true }),
    },
    {
      name: "a row, read",
      operations: STORE_ROWS,
      clock: "CPU",
      run: () => {
        for (let row = 0; row < STORE_ROWS; row += 1) store.get(keyOf(row));
      },
    },
  ];
}
