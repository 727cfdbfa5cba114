// More bugs in the ways back from what was lost (recovery.ts has the others), and in the proof of who forked.
// Each is what somebody in a hurry could write.

import type { Hunt, Mutant } from "./mutant.ts";

const FORK = "src/consensus/fork.ts";
const RECOVERY = "src/consensus/recovery.ts";
const TRAIL = "src/consensus/trail.ts";
const SNAPSHOTS = "src/store/snapshots.ts";
const STATE_SYNC = "src/node/state-sync.ts";

const BY_LOSSES: readonly Hunt[] = ["losses", "swarm"];
const BY_FETCHES: readonly Hunt[] = ["newcomers", "losses", "swarm"];

export const LOSS_MUTANTS: readonly Mutant[] = [
  {
    name: "window-ids-unverified",
    says: "ids of the replay window are taken without comparing them with their header",
    pitfalls: [24],
    hunts: BY_FETCHES,
    needs: "liarsAndFetches",
    edits: [{ file: STATE_SYNC, before: " || !bytesEqual(transactionsRootOf(ids), transactionsRoot)", after: "" }],
  },
  {
    name: "snapshot-too-many",
    says: "everything that is found in the folder is offered (the simulator found this one)",
    pitfalls: [],
    hunts: BY_FETCHES,
    edits: [{ file: SNAPSHOTS, before: "found.slice(-SNAPSHOTS_KEPT)", after: "found" }],
  },
  {
    name: "recovery-one-answer",
    says: "one answer is enough to come back",
    pitfalls: [32],
    hunts: ["losses"],
    needs: "lostRecords",
    edits: [
      { file: RECOVERY, before: "return quorumSize(this.chain.head.validators.length);", after: "return 1;" },
      { file: RECOVERY, before: 'import { quorumSize } from "../ledger/certificate.ts";\n', after: "" },
      { file: RECOVERY, before: "const FLOOR_ABOVE_HEADS = 3;", after: "const FLOOR_ABOVE_HEADS = 1;" },
    ],
  },
  {
    name: "recovery-never-ends",
    says: "the floor is raised again and again",
    pitfalls: [],
    hunts: BY_LOSSES,
    edits: [
      {
        file: RECOVERY,
        before: "if (this.hasSameValidators(floorHeight)) return this.save({ mustNotSign: undefined });",
        after: "if (floorHeight === 0) return this.save({ mustNotSign: undefined });",
      },
    ],
  },
  {
    name: "trail-without-views",
    says: "no NEW-VIEW is kept of a height",
    pitfalls: [],
    hunts: ["fork"],
    edits: [
      {
        file: "src/consensus/normal-case.ts",
        before: "state.newViews.set(view, { signer, content, signature: newView.signature });",
        after: "",
      },
    ],
  },
  {
    name: "trail-without-certificates",
    says: "no prepared certificate is kept of a height",
    pitfalls: [],
    hunts: ["fork"],
    edits: [{ file: TRAIL, before: "prepared: first(prepared) }", after: "prepared: [] }" }],
  },
  {
    name: "trail-unsigned",
    says: "VIEW-CHANGEs of a trail count without their signatures",
    pitfalls: [39],
    hunts: ["fork"],
    edits: [{ file: FORK, before: "if (this.verifier.isViewChangeSigned(view, viewChange))", after: "" }],
  },
];
