// Bugs of what a node comes back with: snapshots made, served, fetched and installed, and vote records that were lost.
// The state of others is believed by its proofs alone, the own past by the record alone.

import type { Hunt, Mutant } from "./mutant.ts";

const CHUNK = "src/state/chunk.ts";
const STATE_SYNC = "src/node/state-sync.ts";
const RECOVERY = "src/consensus/recovery.ts";

const NODES: readonly Hunt[] = ["losses", "swarm", "byzantine", "crash"];
const BY_FETCHES: readonly Hunt[] = ["newcomers", "losses", "swarm"];
const BY_CRASHES: readonly Hunt[] = ["losses", "crash", "swarm"];

export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: "chunk-unverified",
    says: "a chunk of a snapshot is not held against the state root",
    pitfalls: [28],
    hunts: BY_FETCHES,
    needs: "liarsAndFetches",
    edits: [
      {
        file: CHUNK,
        before: 'return bytesEqual(node, claim.stateRoot) ? accept(rows) : refuse("CHUNK_ROOT");',
        after: "return node.length > 0 ? accept(rows) : accept(rows);",
      },
    ],
  },
  {
    name: "fetched-state-unverified",
    says: "neither the chunks nor the whole of a fetched state are held against the state root",
    pitfalls: [28],
    hunts: BY_FETCHES,
    needs: "liarsAndFetches",
    edits: [
      {
        file: CHUNK,
        before: 'return bytesEqual(node, claim.stateRoot) ? accept(rows) : refuse("CHUNK_ROOT");',
        after: "return node.length > 0 ? accept(rows) : accept(rows);",
      },
      {
        file: STATE_SYNC,
        before: "if (!bytesEqual(tree.root(), offer.manifest.stateRoot))",
        after: "if (tree.root().length === 0)",
      },
    ],
  },
  {
    name: "manifest-not-of-the-header",
    says: "a manifest may name another state than its certified header",
    pitfalls: [28],
    hunts: BY_FETCHES,
    needs: "liarsAndFetches",
    edits: [
      {
        file: STATE_SYNC,
        before: "bytesEqual(manifest.stateRoot, block.result.stateRoot);",
        after: "manifest.stateRoot.length > 0;",
      },
    ],
  },
  {
    name: "anchor-parts-believed",
    says: "validators, parameters and history that come with a snapshot are not held against its header",
    pitfalls: [27, 28],
    hunts: BY_FETCHES,
    needs: "liarsAndFetches",
    edits: [
      {
        file: "src/ledger/format-snapshot.ts",
        before: 'return isWhole ? accept({ anchor, block: block.value }) : refuse("ANCHOR_PARTS");',
        after: "return isWhole ? accept({ anchor, block: block.value }) : accept({ anchor, block: block.value });",
      },
    ],
  },
  {
    name: "window-incomplete",
    says: "a snapshot is installed without the whole replay window",
    pitfalls: [24, 28],
    hunts: NODES,
    edits: [
      { file: STATE_SYNC, before: "if (!isWhole()) return undefined;", after: "" },
      {
        file: STATE_SYNC,
        before: "const isWhole = () => next.height === 0 ||",
        after: "const isWhole = () => found.length >= 0 || next.height === 0 ||",
      },
    ],
  },
  {
    name: "rotten-chunk-served",
    says: "a chunk that rotted on disk is handed on",
    pitfalls: [18, 29],
    hunts: BY_FETCHES,
    edits: [
      {
        file: "src/store/snapshots.ts",
        before: "if (bytes !== undefined && bytesEqual(chunkHashOf(bytes), entry.hash)) return bytes;",
        after: "if (bytes !== undefined && bytes.length > 0) return bytes;",
      },
    ],
  },
  {
    name: "install-unsynced",
    says: "a fetched state is installed without a sync",
    pitfalls: [18],
    hunts: BY_CRASHES,
    edits: [
      {
        file: "src/store/ledger-store.ts",
        before: "await this.#store.write(installOperations(installed, head, space), { sync: true });",
        after: "await this.#store.write(installOperations(installed, head, space), { sync: false });",
      },
    ],
  },
  {
    name: "old-record-taken",
    says: "a vote record older than the store is taken for the newest",
    pitfalls: [15, 32],
    hunts: BY_CRASHES,
    edits: [
      {
        file: "src/node/signer.ts",
        before: "if (record.sequence < options.headRecordSequence) {",
        after: "if (record.sequence < 0) {",
      },
    ],
  },
  {
    name: "recovering-key-answers",
    says: "a key that lost its record tells others where its head is",
    pitfalls: [32],
    hunts: NODES,
    edits: [
      {
        file: RECOVERY,
        before: 'if (record.mustNotSign !== undefined) return refuse("HEAD_UNKNOWN", record.mustNotSign);',
        after: "",
      },
    ],
  },
  {
    name: "floor-at-the-head",
    says: "a key that lost its record votes at the next height of those who answered",
    pitfalls: [32],
    hunts: ["losses"],
    needs: "lostRecords",
    edits: [{ file: RECOVERY, before: "const FLOOR_ABOVE_HEADS = 3;", after: "const FLOOR_ABOVE_HEADS = 1;" }],
  },
];
