// Bugs of the consensus core, the signer's rules, certificates and evidence, as they could be made.
// "Known to fork" in a sentence: broken so, PBFT commits two blocks at one height.

import type { Hunt, Mutant } from "./mutant.ts";

const CERTIFICATE = "src/ledger/certificate.ts";
const CORE = "src/consensus/core.ts";
const EVIDENCE = "src/consensus/evidence.ts";
const HEIGHT_STATE = "src/consensus/height-state.ts";
const NORMAL = "src/consensus/normal-case.ts";
const PROGRESS = "src/consensus/progress.ts";
const REPLICA = "src/consensus/replica.ts";
const SAFETY = "src/consensus/safety.ts";
const VERIFIER = "src/consensus/height-verifier.ts";
const VIEW_CHANGE = "src/consensus/view-change.ts";
const VIEW_FORMATS = "src/consensus/view-formats.ts";
const VOTE_LOG = "src/consensus/vote-log.ts";
const CATCH_UP = "src/consensus/catch-up.ts";

const VIEW_CHANGE_RECORD = "const next = advanced(record, { height, position, block: undefined, suspicion });";

const BY_CORE: readonly Hunt[] = ["core", "byzantine", "swarm", "crash"];
const BY_CRASHES: readonly Hunt[] = ["crash", "core", "swarm"];

export const CONSENSUS_MUTANTS: readonly Mutant[] = [
  // ---- quorums and certificates ----
  {
    name: "quorum-2f+1",
    says: "a quorum is 2f+1, which is too few for n = 5 and 6",
    pitfalls: [1],
    hunts: BY_CORE,
    edits: [
      {
        file: CERTIFICATE,
        before: "return Math.floor((2 * count) / 3) + 1;",
        after: "return 2 * Math.floor((count - 1) / 3) + 1;",
      },
    ],
  },
  {
    name: "certificate-unsigned",
    says: "a certificate's signers are counted, their signatures are not looked at",
    pitfalls: [2, 5],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: "return bad === undefined ? accept(votes) :",
        after: "if (certificate.height > 0) return accept(votes);\n    return bad === undefined ? accept(votes) :",
      },
    ],
  },
  {
    name: "prepare-unsigned",
    says: "PREPAREs count unverified, COMMITs do not",
    pitfalls: [2],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: "const validator = this.validators[vote.signer];",
        after: 'if (vote.kind === "prepare") return true;\n    const validator = this.validators[vote.signer];',
      },
    ],
  },
  {
    name: "vote-without-view",
    says: "the view is not among the signed bytes of a vote",
    pitfalls: [3],
    hunts: BY_CORE,
    edits: [
      {
        file: "src/ledger/format-vote.ts",
        before: "encode([vote.chainId, vote.height, vote.view, ",
        after: "encode([vote.chainId, vote.height, 0, ",
      },
    ],
  },
  {
    name: "view-change-without-view",
    says: "the target view is not among the signed bytes of a VIEW-CHANGE",
    pitfalls: [3, 13],
    hunts: ["core"],
    edits: [
      {
        file: VIEW_FORMATS,
        before: "encode([chainId, height, targetView, validatorsHash, ...items])",
        after: "encode([chainId, height, 0, validatorsHash, ...items])",
      },
    ],
  },
  {
    name: "one-vote-less",
    says: "one vote less than a quorum prepares and commits",
    pitfalls: [1],
    hunts: BY_CORE,
    edits: [
      {
        file: VOTE_LOG,
        before: "if (votes.length < this.quorum) return undefined;",
        after: "if (votes.length < this.quorum - 1) return undefined;",
      },
    ],
  },
  {
    name: "results-count-together",
    says: "COMMITs with different results are counted as one",
    pitfalls: [5],
    hunts: BY_CORE,
    edits: [
      {
        file: VOTE_LOG,
        before: "return bytesEqual(one.blockHash, other.blockHash) && bytesEqual(one.resultHash, other.resultHash);",
        after: "return bytesEqual(one.blockHash, other.blockHash);",
      },
    ],
  },
  {
    name: "unchecked-result",
    says: "the certified result is not compared with the own",
    pitfalls: [5],
    hunts: ["core"],
    edits: [
      {
        file: NORMAL,
        before: "if (!bytesEqual(resultHash, decided.resultHash)) {",
        after: "if (decided.resultHash.length === 0) {",
      },
    ],
  },
  // ---- NEW-VIEW and suspicions ----
  {
    name: "new-view-signer-twice",
    says: "one signer's VIEW-CHANGE counts as often as it stands in a NEW-VIEW",
    pitfalls: [4],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: `  if (new Set(viewChanges.map(({ signer }) => signer)).size !== viewChanges.length)
    return refuse("NEW_VIEW_SIGNER_TWICE");
`,
        after: "",
      },
    ],
  },
  {
    name: "new-view-no-quorum",
    says: "a NEW-VIEW of fewer than a quorum of VIEW-CHANGEs is taken",
    pitfalls: [4],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: '  if (viewChanges.length < quorumSize(validatorCount)) return refuse("NEW_VIEW_NO_QUORUM");\n',
        after: "",
      },
    ],
  },
  {
    name: "new-view-unsigned",
    says: "the VIEW-CHANGEs in a NEW-VIEW are not verified",
    pitfalls: [4],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: 'if (bad !== undefined) return refuse("NEW_VIEW_SIGNATURE",',
        after: 'if (bad !== undefined && bad.signer < 0) return refuse("NEW_VIEW_SIGNATURE",',
      },
    ],
  },
  {
    name: "new-view-lock-unproved",
    says: "the prepared certificate of a NEW-VIEW is not verified",
    pitfalls: [4, 13],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: "return certified.ok ? decision : certified;",
        after: "return certified.ok ? decision : decision;",
      },
    ],
  },
  {
    name: "lowest-lock-decides",
    says: "of several prepared blocks the one of the lowest view decides (known to fork)",
    pitfalls: [7],
    hunts: BY_CORE,
    edits: [
      { file: VERIFIER, before: "prepared.view > highest.view", after: "prepared.view < highest.view" },
      {
        file: VIEW_CHANGE,
        before: "chosen[0]?.certificate }",
        after: "chosen.find(({ viewChange }) => viewChange.prepared === decided)?.certificate }",
      },
    ],
  },
  {
    name: "any-new-view-free",
    says: "any NEW-VIEW leaves the primary free (known to fork)",
    pitfalls: [6, 9],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before:
          'if (highest === undefined) return certificate === undefined ? accept(undefined) : refuse("NEW_VIEW_CERTIFICATE");',
        after:
          "if (newView.view > 0) return accept(undefined);\n  if (highest === undefined) return accept(undefined);",
      },
    ],
  },
  {
    name: "only-own-lock",
    says: "a new primary heeds its own lock only",
    pitfalls: [6],
    hunts: BY_CORE,
    edits: [
      {
        file: VIEW_CHANGE,
        before: "const decided = highestClaim(viewChanges);",
        after: "const decided = highestClaim(viewChanges.filter(({ signer }) => signer === state.own));",
      },
    ],
  },
  {
    name: "suspicion-of-few",
    says: "f+1 suspicions move a replica",
    pitfalls: [13],
    hunts: BY_CORE,
    edits: [
      {
        file: VIEW_CHANGE,
        before: "suspects.size < state.quorum)",
        after: "suspects.size <= state.validators.length - state.quorum)",
      },
    ],
  },
  {
    name: "suspicion-no-quorum",
    says: "a certificate of suspicions may have any number of signers",
    pitfalls: [13],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: '    if (suspicion.suspects.length < this.quorum) return refuse("SUSPICION_NO_QUORUM");\n',
        after: "",
      },
    ],
  },
  {
    name: "suspicion-unsigned",
    says: "a certificate of suspicions is not verified: liars move everybody as far as they like",
    pitfalls: [13],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: "return bad === undefined ? accept(true) :",
        after: "if (suspicion.height > 0) return accept(true);\n    return bad === undefined ? accept(true) :",
      },
    ],
  },
  {
    name: "suspicion-signer-twice",
    says: "one signer counts as often as it stands in a certificate of suspicions",
    pitfalls: [4],
    hunts: BY_CORE,
    edits: [
      {
        file: VERIFIER,
        before: '    if (signers.size !== suspicion.suspects.length) return refuse("SUSPICION_SIGNER_TWICE");\n',
        after: "",
      },
      { file: VIEW_FORMATS, before: "    requireAscending(reader, suspects);\n", after: "" },
    ],
  },
  // ---- locks ----
  {
    name: "view-change-without-lock",
    says: "VIEW-CHANGE goes without the lock (known to fork)",
    pitfalls: [6, 10],
    hunts: BY_CORE,
    edits: [
      {
        file: SAFETY,
        before: "const lock = height === record.height ? record.lock : undefined;",
        after: 'const lock = undefined as VoteRecord["lock"];',
      },
    ],
  },
  {
    name: "view-change-no-raise",
    says: "VIEW-CHANGE does not raise the recorded position (known to fork)",
    pitfalls: [11, 16],
    hunts: BY_CRASHES,
    edits: [
      {
        file: SAFETY,
        before: VIEW_CHANGE_RECORD,
        after: `const raised = advanced(record, { height, position, block: undefined, suspicion });
  const { position: before, suspicionBytes } = record;
  const next = height === record.height ? { ...raised, position: before, suspicionBytes, frames: [] } : raised;`,
      },
    ],
  },
  {
    name: "view-change-at-old-view",
    says: "VIEW-CHANGE is recorded at its sender's old view (known to fork)",
    pitfalls: [11, 16],
    hunts: BY_CRASHES,
    edits: [
      {
        file: SAFETY,
        before: VIEW_CHANGE_RECORD,
        after: `const old = { view: view - 1, step: STEP_VIEW_CHANGE } as const;
  const next = { ...advanced(record, { height, position: old, block: undefined, suspicion: undefined }), frames: [] };`,
      },
    ],
  },
  {
    name: "lock-not-recorded",
    says: "COMMIT leaves no lock in the record",
    pitfalls: [6],
    hunts: BY_CORE,
    edits: [
      {
        file: SAFETY,
        before: "results: before === undefined ? [...results, { blockHash, resultHash }] : results,\n    lock,",
        after:
          "results: before === undefined ? [...results, { blockHash, resultHash }] : results,\n    lock: lock.view > 1_000 ? lock : undefined,",
      },
    ],
  },
  {
    name: "lock-forgotten-once-said",
    says: "the first VIEW-CHANGE says the lock, the record then forgets it",
    pitfalls: [6, 10],
    hunts: BY_CORE,
    edits: [
      {
        file: SAFETY,
        before: VIEW_CHANGE_RECORD,
        after:
          "const next = { ...advanced(record, { height, position, block: undefined, suspicion }), lock: undefined };",
      },
    ],
  },
  {
    name: "lock-not-read-back",
    says: "the record is read back without its lock",
    pitfalls: [16],
    hunts: BY_CRASHES,
    edits: [
      {
        file: "src/consensus/vote-record.ts",
        before: "lock: readLock(reader),",
        after: "lock: readLock(reader) === undefined ? undefined : undefined,",
      },
    ],
  },
  {
    name: "prepared-block-forgotten",
    says: "a view change forgets the recorded blocks, the locked one among them",
    pitfalls: [6, 36],
    hunts: BY_CORE,
    edits: [
      {
        file: SAFETY,
        before: "proposals: withProposal(base, vote.block),",
        after: "proposals: vote.block === undefined ? [] : withProposal(base, vote.block),",
      },
    ],
  },
  // ---- restart ----
  {
    name: "votes-not-restored",
    says: "the core begins after a restart as if nothing had been signed",
    pitfalls: [16],
    hunts: BY_CRASHES,
    edits: [
      {
        file: REPLICA,
        before:
          "if (state.own === undefined || record.height !== state.height || record.position === undefined) return;",
        after: "if (record.height >= 0) return;",
      },
    ],
  },
  {
    name: "position-not-kept-at-all",
    says: "neither the core after a restart nor the signer knows the signed position",
    pitfalls: [16],
    hunts: BY_CRASHES,
    edits: [
      {
        file: REPLICA,
        before:
          "if (state.own === undefined || record.height !== state.height || record.position === undefined) return;",
        after: "if (record.height >= 0) return;",
      },
      {
        file: SAFETY,
        before: "if (isAbove(position, record.position)) return undefined;",
        after: "if (position.view >= 0) return undefined;",
      },
    ],
  },
  {
    name: "suspicion-not-recorded",
    says: "the record does not keep what led to the view",
    pitfalls: [33],
    hunts: BY_CRASHES,
    edits: [{ file: SAFETY, before: "suspicionBytes: vote.suspicion?.bytes,", after: "suspicionBytes: undefined," }],
  },
  {
    name: "locked-block-not-restored",
    says: "the recorded blocks are not taken up again after a restart",
    pitfalls: [16, 36],
    hunts: BY_CRASHES,
    edits: [
      {
        file: REPLICA,
        before: "for (const { blockHash, bytes } of record.proposals) {",
        after: "for (const { blockHash, bytes } of record.proposals.slice(record.proposals.length)) {",
      },
    ],
  },
  {
    name: "nothing-resent",
    says: "neither recorded votes nor what led to them are ever sent again",
    pitfalls: [11, 16],
    hunts: ["core"],
    edits: [
      {
        file: PROGRESS,
        before: "if (state.own === undefined) return;\n  if (suspicion !== undefined)",
        after: "if (state.own === undefined || height > 0) return;\n  if (suspicion !== undefined)",
      },
    ],
  },
  // ---- late answers ----
  {
    name: "stale-signature",
    says: "a vote that was signed for a height that has passed is taken for one of this height",
    pitfalls: [30],
    hunts: ["swarm", "crash", "byzantine", "core"],
    edits: [
      {
        file: REPLICA,
        before: "if (request.height !== state.height || state.isCommitting) return;",
        after: "if (state.isCommitting) return;",
      },
    ],
  },
  {
    name: "stale-block-built",
    says: "a block that was built for an earlier view or height is proposed in this one",
    pitfalls: [12, 30],
    hunts: ["swarm", "core", "crash", "byzantine"],
    edits: [
      {
        file: NORMAL,
        before: 'if (event.height !== state.height || event.view !== state.view || current.building === "no") return;',
        after: "",
      },
    ],
  },
  {
    name: "stale-proposal",
    says: "the block of a view is not dropped with it",
    pitfalls: [8, 12],
    hunts: BY_CORE,
    edits: [{ file: VIEW_CHANGE, before: "  state.current = newViewState();\n", after: "" }],
  },
  {
    name: "votes-asked-together",
    says: "a vote is asked for while another one is on its way to the disk",
    pitfalls: [30],
    hunts: BY_CORE,
    edits: [
      {
        file: NORMAL,
        before: "if (state.own === undefined || state.signing !== undefined) return;",
        after: "if (state.own === undefined) return;",
      },
    ],
  },
  // ---- timers and suspicion ----
  {
    name: "stale-timers",
    says: "timers of earlier heights and views still count",
    pitfalls: [12, 19],
    hunts: BY_CORE,
    edits: [
      {
        file: PROGRESS,
        before: "if (timer.height !== state.height || timer.view !== state.view || state.isCommitting) return false;",
        after: "if (state.isCommitting) return false;",
      },
    ],
  },
  {
    name: "patience-not-doubled",
    says: "the timeout is the same in every view",
    pitfalls: [19],
    hunts: ["core", "swarm"],
    edits: [{ file: PROGRESS, before: " * 2 ** Math.min(state.view, DOUBLINGS_MAX)", after: "" }],
  },
  {
    name: "work-known-to-one",
    says: "nobody fetches what others say they wait for",
    pitfalls: [34],
    hunts: ["swarm", "core", "crash", "byzantine"],
    edits: [
      {
        file: VIEW_CHANGE,
        before: "if (signer === state.own || waitingFor.length === 0) return;",
        after: "if (signer >= 0 || waitingFor.length === 0) return;",
      },
      {
        file: CATCH_UP,
        before:
          'if (digests.length === 0 || !core.state.keys.includes(from) || !this.mayAnswer(core, from, "batches")) return;',
        after: "if (digests.length >= 0) return;",
      },
    ],
  },
  {
    name: "clock-rules-for-ever",
    says: "a prepared block is still held against the clock",
    pitfalls: [8, 22],
    hunts: ["swarm", "core", "byzantine", "crash"],
    edits: [
      {
        file: HEIGHT_STATE,
        before: "if (candidate === undefined || candidate.isCertified) return;",
        after: "if (candidate === undefined || !candidate.isCertified) return;",
      },
      {
        file: HEIGHT_STATE,
        before: "const isCertified = this.certified.has(key);",
        after: "const isCertified = arrivedMs === undefined;",
      },
    ],
  },
  // ---- evidence ----
  {
    name: "amnesia-frames",
    says: "a COMMIT above an earlier VIEW-CHANGE passes for amnesia",
    pitfalls: [39],
    hunts: BY_CORE,
    edits: [{ file: EVIDENCE, before: "  if (viewChange.view <= commit.view) return undefined;\n", after: "" }],
  },
  {
    name: "evidence-unsigned",
    says: "evidence is believed without its signatures",
    pitfalls: [39],
    hunts: ["byzantine", "swarm"],
    edits: [
      {
        file: EVIDENCE,
        before:
          '  if (!statements.every((statement) => isStatementSigned(verifier, signer, statement)))\n    return refuse("EVIDENCE_SIGNATURE");\n',
        after: "",
      },
    ],
  },
  {
    name: "equivocation-untold",
    says: "a key that contradicts itself is not reported",
    pitfalls: [5],
    hunts: ["core"],
    edits: [
      {
        file: CORE,
        before: "if (contradiction !== undefined) reportContradiction(core, contradiction);\n",
        after: "",
      },
    ],
  },
];
