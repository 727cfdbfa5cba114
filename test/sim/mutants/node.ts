// Bugs around the core: signer, vote record, store, mempool, batches, proposals, execution, catch-up, connections.
// Each is what somebody in a hurry could write.

import type { Hunt, Mutant } from "./mutant.ts";

const BATCH_POOL = "src/node/batch-pool.ts";
const CHAIN = "src/node/chain.ts";
const EXECUTED = "src/ledger/executed-list.ts";
const INTAKE = "src/node/batch-intake.ts";
const LEDGER_STORE = "src/store/ledger-store.ts";
const PARTICIPANT = "src/node/participant.ts";
const PROPOSALS = "src/node/proposals.ts";
const SYNC = "src/node/sync.ts";
const VALIDATE = "src/ledger/validate.ts";
const RECORD_FILE = "src/store/vote-record-file.ts";

const NODES: readonly Hunt[] = ["swarm", "crash", "byzantine"];
const BY_CRASHES: readonly Hunt[] = ["crash", "swarm"];
const BY_LIARS: readonly Hunt[] = ["byzantine", "swarm"];

export const NODE_MUTANTS: readonly Mutant[] = [
  // ---- votes and the disk ----
  {
    name: "vote-before-saved",
    says: "a vote leaves before its record is saved",
    pitfalls: [15],
    hunts: NODES,
    edits: [
      {
        file: "src/node/signer.ts",
        before: "await this.store.save(encodeVoteRecord(sealed.record)); // N43: before the vote leaves",
        after: "void this.store.save(encodeVoteRecord(sealed.record));",
      },
    ],
  },
  {
    name: "record-older-copy",
    says: "the older copy of the vote record is taken",
    pitfalls: [16, 17],
    hunts: BY_CRASHES,
    edits: [
      { file: RECORD_FILE, before: "other.generation > best.generation", after: "other.generation < best.generation" },
    ],
  },
  {
    name: "record-one-slot",
    says: "every vote overwrites the one before it in place",
    pitfalls: [15, 17],
    hunts: BY_CRASHES,
    edits: [
      {
        file: RECORD_FILE,
        before: 'return copy.generation % 2 === 0 ? "a" : "b";',
        after: 'return copy.generation < 2 ? "b" : "a";',
      },
    ],
  },
  {
    name: "batches-unsynced",
    says: "the batches of a block are written but not synced before it is voted on",
    pitfalls: [15],
    hunts: BY_CRASHES,
    edits: [
      {
        file: PROPOSALS,
        before: "store.saveBatches(missing, { sync: true })",
        after: "store.saveBatches(missing, { sync: false })",
      },
    ],
  },
  {
    name: "voted-before-batches",
    says: "a block is voted on while its batches are still being written",
    pitfalls: [15],
    hunts: BY_CRASHES,
    edits: [
      {
        file: PROPOSALS,
        before: "if (verdict.ok) await this.makeDurable(verdict.value);",
        after: "if (verdict.ok) void this.makeDurable(verdict.value);",
      },
    ],
  },
  {
    name: "proposed-before-batches",
    says: "the primary proposes while its batches are still being written",
    pitfalls: [15],
    hunts: BY_CRASHES,
    edits: [
      {
        file: PROPOSALS,
        before: "    await this.saveBodies(batches);\n    if (this.chain",
        after: "    void this.saveBodies(batches);\n    if (this.chain",
      },
    ],
  },
  {
    name: "commit-unsynced",
    says: "a block's commit is not synced",
    pitfalls: [18],
    hunts: BY_CRASHES,
    edits: [
      {
        file: LEDGER_STORE,
        before: "await this.#store.write(rows, { sync: true });",
        after: "await this.#store.write(rows, { sync: false });",
      },
    ],
  },
  {
    name: "commit-in-two-writes",
    says: "head and state of a block are two writes",
    pitfalls: [18],
    hunts: BY_CRASHES,
    edits: [
      {
        file: LEDGER_STORE,
        before: "    for (const write of commit.writes) yield stateOperation(write, head.height, this.#space);\n",
        after: "",
      },
      {
        file: LEDGER_STORE,
        before: "      await this.#store.write(rows, { sync: true });",
        after: `      const state = commit.writes.map((write) => stateOperation(write, header.height, this.#space));
      await this.#store.write(state, { sync: true });
      await this.#store.write(rows, { sync: true });`,
      },
    ],
  },
  {
    name: "failed-write-swallowed",
    says: "a write that fails is logged by nobody and halts nothing",
    pitfalls: [18, 30],
    hunts: ["crash", "swarm"],
    edits: [{ file: "src/node/driver.ts", before: "(error: unknown) => this.fail(error),", after: "() => undefined," }],
  },
  {
    name: "checksums-ignored",
    says: "checksums of stored values are not compared",
    pitfalls: [18],
    hunts: BY_CRASHES,
    edits: [
      {
        file: "src/store/checksum.ts",
        before: "if (sealed[index] !== digest.charCodeAt(index)) return undefined;",
        after: "if (digest.length === 0) return undefined;",
      },
    ],
  },
  {
    name: "root-not-compared",
    says: "the rows read at a start are not compared with the certified state root, nor are checksums",
    pitfalls: [18],
    hunts: BY_CRASHES,
    edits: [
      {
        file: "src/store/checksum.ts",
        before: "if (sealed[index] !== digest.charCodeAt(index)) return undefined;",
        after: "if (digest.length === 0) return undefined;",
      },
      {
        file: LEDGER_STORE,
        before: 'if (!bytesEqual(tree.root(), this.head.stateRoot)) throw corrupt("state", "ROOT");',
        after: "",
      },
    ],
  },
  {
    name: "receipts-lost",
    says: "of a block only the first receipt can be found again",
    pitfalls: [18],
    hunts: NODES,
    edits: [
      {
        file: "src/store/block-writes.ts",
        before: "of receipts.entries())",
        after: "of receipts.slice(0, 1).entries())",
      },
    ],
  },
  {
    name: "stale-cache",
    says: "a commit leaves the cached rows as they were",
    pitfalls: [],
    hunts: NODES,
    edits: [{ file: LEDGER_STORE, before: "    this.#cache.apply(commit.writes, header.height);\n", after: "" }],
  },
  // ---- exactly once, order, time ----
  {
    name: "replay-forgotten",
    says: "the replay window is not rebuilt at a start",
    pitfalls: [24],
    hunts: BY_CRASHES,
    edits: [
      {
        file: CHAIN,
        before:
          "for (const block of await store.replayIds({ sinceMs: head.timeMs - windowMs })) replay.add({ ...block, windowMs });",
        after: "",
      },
    ],
  },
  {
    name: "replay-window-short",
    says: "the replay window ends with the block",
    pitfalls: [24],
    hunts: NODES,
    edits: [
      {
        file: CHAIN,
        before: "this.replay.add({ timeMs: header.timeMs, windowMs: this.windowMs, ids",
        after: "this.replay.add({ timeMs: header.timeMs, windowMs: 0, ids",
      },
    ],
  },
  {
    name: "ids-not-stored",
    says: "the ids of a block are stored empty",
    pitfalls: [24],
    hunts: BY_CRASHES,
    edits: [
      {
        file: "src/store/block-writes.ts",
        before: "put(idsKey(height), encodeIds({ timeMs, ids: commit.transactionIds }))",
        after: "put(idsKey(height), encodeIds({ timeMs, ids: [] }))",
      },
    ],
  },
  {
    name: "repeated-in-block",
    says: "a transaction in two batches of one block is executed twice",
    pitfalls: [24],
    hunts: NODES,
    edits: [
      {
        file: EXECUTED,
        before: "if (taken.has(key) || block.isCommitted(id)) continue;",
        after: "if (block.isCommitted(id)) continue;",
      },
    ],
  },
  {
    name: "repeated-in-ledger",
    says: "a committed transaction is executed again",
    pitfalls: [24],
    hunts: NODES,
    edits: [
      {
        file: EXECUTED,
        before: "if (taken.has(key) || block.isCommitted(id)) continue;",
        after: "if (taken.has(key)) continue;",
      },
    ],
  },
  {
    name: "expired-executed",
    says: "a transaction is executed after it has expired",
    pitfalls: [24],
    hunts: NODES,
    edits: [
      {
        file: EXECUTED,
        before: "if (body.validUntilMs < block.timeMs || body.validUntilMs > block.timeMs + block.windowMs) continue;",
        after: "if (body.validUntilMs > block.timeMs + block.windowMs) continue;",
      },
    ],
  },
  {
    name: "leader-orders",
    says: "transactions run in the order in which the leader names their batches",
    pitfalls: [23],
    hunts: NODES,
    edits: [
      {
        file: EXECUTED,
        before: "(left, right) => comparePlaces(left.place, right.place) || compareOfOneAccount(",
        after: "(left, right) => comparePlaces(left.place, left.place) || 0 * compareOfOneAccount(",
      },
    ],
  },
  {
    name: "future-not-awaited",
    says: "a block from the future is voted on at once",
    pitfalls: [22],
    hunts: BY_LIARS,
    needs: "liars",
    edits: [
      {
        file: PROPOSALS,
        before: "    if (arrivedMs !== undefined) await this.waitUntilTimely(timeMs, isNeeded);\n",
        after: "",
      },
    ],
  },
  {
    name: "timers-not-rebuilt",
    says: "timers of the contracts are forgotten at a restart",
    pitfalls: [16],
    hunts: BY_CRASHES,
    edits: [
      {
        file: CHAIN,
        before: "const tree = await store.loadTree((key, value) => rows.apply([{ key, value }]));",
        after: "const tree = await store.loadTree((key, value) => rows.observers.apply([{ key, value }]));",
      },
    ],
  },
  {
    name: "timers-not-kept",
    says: "a commit does not bring the timers up to date",
    pitfalls: [],
    hunts: NODES,
    edits: [
      {
        file: CHAIN,
        before: "this.derived.rows.apply(staged.writes);",
        after: "this.derived.rows.observers.apply(staged.writes);",
      },
    ],
  },
  {
    name: "timers-not-awaited",
    says: "an idle ledger does not wake when a timer is due",
    pitfalls: [12],
    hunts: NODES,
    edits: [
      {
        file: "src/node/work.ts",
        before: 'if (nextDueMs !== undefined && !hasDueTimer) this.wake("timer", nextDueMs - nowMs);',
        after: "",
      },
    ],
  },
  // ---- blocks ----
  {
    name: "history-unchecked",
    says: "a header's root of the history is not compared",
    pitfalls: [5],
    hunts: ["newcomers", "byzantine", "swarm"],
    needs: "liars",
    edits: [
      {
        file: "src/node/block-header.ts",
        before: '  if (!bytesEqual(header.historyRoot, historyRoot)) return refuse("BLOCK_HISTORY");\n',
        after: "",
      },
    ],
  },
  {
    name: "list-unchecked",
    says: "a header's root and count of transactions are not compared",
    pitfalls: [5],
    hunts: BY_LIARS,
    needs: "liars",
    edits: [
      {
        file: CHAIN,
        before: "if (transactions.length !== header.transactionCount)",
        after: "if (transactions.length < 0)",
      },
      {
        file: CHAIN,
        before: "if (!bytesEqual(header.transactionsRoot, transactionsRootOf(transactions.map(({ id }) => id))))",
        after: "if (transactions.length < 0)",
      },
    ],
  },
  {
    name: "validators-one-late",
    says: "the next height is judged by the validators of the one before",
    pitfalls: [27],
    hunts: NODES,
    edits: [
      {
        file: CHAIN,
        before: "timeMs: header.timeMs,\n      validators: staged.validators,",
        after: "timeMs: header.timeMs,\n      validators: this.facts.validators,",
      },
    ],
  },
  {
    name: "own-change-in-proof",
    says: "a proof of the head counts the head's own change of validators twice",
    pitfalls: [27],
    hunts: NODES,
    edits: [{ file: CHAIN, before: "this.changes.slice(0, -1) : this.changes", after: "this.changes : this.changes" }],
  },
  {
    name: "stale-execution",
    says: "a block is executed for a height that catch-up has committed meanwhile",
    pitfalls: [30],
    hunts: NODES,
    edits: [{ file: PARTICIPANT, before: "    if (this.chain.head.height >= height) return undefined;\n", after: "" }],
  },
  {
    name: "committed-by-two",
    says: "core and catch-up commit one height side by side",
    pitfalls: [30],
    hunts: NODES,
    edits: [
      { file: PARTICIPANT, before: "      if (this.chain.head.height + 1 !== header.height) return;\n", after: "" },
    ],
  },
  // ---- batches and mempool ----
  {
    name: "transactions-unverified",
    says: "signatures of transactions in batches are not verified",
    pitfalls: [2],
    hunts: BY_LIARS,
    edits: [
      {
        file: VALIDATE,
        before: "if (!verify(signer.suite, signer.publicKey, signed, signatures[index] ?? EMPTY_BYTES)) {",
        after: "if (signatures[index] === undefined) {",
      },
    ],
  },
  {
    name: "origin-unverified",
    says: "the origin's signature of a batch is not verified",
    pitfalls: [2],
    hunts: BY_LIARS,
    edits: [
      {
        file: VALIDATE,
        before: "if (!verify(origin.suite, origin.publicKey, batchSigningBytes(batch.digest), batch.signature)) {",
        after: "if (batch.signature.length === 0) {",
      },
    ],
  },
  {
    name: "any-batch-for-a-digest",
    says: "a fetched batch is taken for the one that was asked for",
    pitfalls: [5],
    hunts: BY_LIARS,
    needs: "liars",
    edits: [
      {
        file: INTAKE,
        before: "return batch !== undefined && bytesEqual(batch.digest, digest) ? batch : undefined;",
        after: "return batch;",
      },
    ],
  },
  {
    name: "committed-bodies-deleted",
    says: "the batches of a committed block are deleted with those that nobody names",
    pitfalls: [36],
    hunts: NODES,
    edits: [
      {
        file: BATCH_POOL,
        before:
          "if (!isOver) continue;\n      this.remove(digest, entry);\n      if (!entry.isCommitted) orphans.push(entry.batch.digest);",
        after: "if (!isOver) continue;\n      this.remove(digest, entry);\n      orphans.push(entry.batch.digest);",
      },
    ],
  },
  {
    name: "bodies-in-memory-only",
    says: "after a restart nobody looks on a disk for the batches of a block, neither for itself nor for others",
    pitfalls: [36],
    hunts: BY_CRASHES,
    edits: [
      {
        file: INTAKE,
        before: "const stored = this.ports.loadBatch(digest);",
        after: "const stored: Uint8Array | undefined = undefined;",
      },
      {
        file: INTAKE,
        before: "return this.ports.pool.get(digest)?.bytes ?? this.ports.loadBatch(digest);",
        after: "return this.ports.pool.get(digest)?.bytes;",
      },
    ],
  },
  {
    name: "first-origin-first",
    says: "a block is filled with the batches of one origin before the next has a turn",
    pitfalls: [20],
    hunts: BY_LIARS,
    edits: [
      {
        file: "src/node/block-builder.ts",
        before: "    queues.sort((left, right) => left.bytes - right.bytes);\n",
        after: "",
      },
    ],
  },
  {
    name: "mempool-drops-the-rest",
    says: "what does not fit into a batch leaves the mempool's queue with what does",
    pitfalls: [20],
    hunts: NODES,
    edits: [
      { file: "src/node/mempool.ts", before: "this.queue = this.queue.slice(count);", after: "this.queue = [];" },
    ],
  },
  {
    name: "own-batch-not-kept",
    says: "a node spreads its batches and does not keep them",
    pitfalls: [34],
    hunts: NODES,
    edits: [
      {
        file: PARTICIPANT,
        before: "    this.pool.add(batch);\n    this.guard(this.network.publish",
        after: "    this.guard(this.network.publish",
      },
    ],
  },
  // ---- catch-up and connections ----
  {
    name: "catch-up-unverified",
    says: "catch-up takes blocks without verifying their certificates",
    pitfalls: [25, 28],
    hunts: BY_LIARS,
    edits: [{ file: SYNC, before: "    if (!certified.ok) return certified;\n", after: "" }],
  },
  {
    name: "catch-up-any-certificate",
    says: "catch-up takes a block with the certificate of another one",
    pitfalls: [25],
    hunts: BY_LIARS,
    needs: "liars",
    edits: [
      {
        file: SYNC,
        before:
          '    if (!bytesEqual(certificate.blockHash, proposal.blockHash)) return refuse("SYNC_CERTIFICATE_BLOCK");\n',
        after: "",
      },
    ],
  },
  {
    name: "catch-up-origin-unverified",
    says: "catch-up keeps batches without their origins' true signatures",
    pitfalls: [2],
    hunts: ["newcomers", "byzantine", "swarm"],
    needs: "liars",
    edits: [{ file: SYNC, before: "    if (broken !== undefined) return broken;\n", after: "" }],
  },
  {
    name: "seats-not-followed",
    says: "who may connect does not follow the ledger",
    pitfalls: [27],
    hunts: NODES,
    edits: [
      { file: PARTICIPANT, before: "    this.peers.follow(head.validators, this.chain.observers);\n", after: "" },
    ],
  },
];
