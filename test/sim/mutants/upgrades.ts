// Bugs in the coming into force of another protocol: at the wrong height, by the wrong rules, or in a node that lacks it.
// Each is what somebody in a hurry could write.

import type { Hunt, Mutant } from "./mutant.ts";

const CHAIN = "src/node/chain.ts";
const OPEN = "src/node/open-participant.ts";
const RULES = "      rules: rulesOf(this.protocols, header.protocol),";

const BY_UPGRADE: readonly Hunt[] = ["upgrade"];

export const UPGRADE_MUTANTS: readonly Mutant[] = [
  {
    name: "protocol-late",
    says: "another protocol comes into force one height late",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [
      {
        file: "src/contracts/governance-rows.ts",
        before: "return height >= fromHeight ? next : protocol;",
        after: "return height > fromHeight ? next : protocol;",
      },
    ],
  },
  {
    name: "protocol-early",
    says: "the parameters of the block after the next are those of the next",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [
      {
        file: "src/contracts/execute-block.ts",
        before: "parametersIn(overlay, height + 1)",
        after: "parametersIn(overlay, height + 2)",
      },
    ],
  },
  {
    name: "outgrown-votes",
    says: "the core goes on under a protocol that the program lacks",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [{ file: OPEN, before: "speaks: (protocol) => protocols.has(protocol),", after: "speaks: () => true," }],
  },
  {
    name: "outgrown-executes",
    says: "a program executes a protocol that it lacks by the rules that it has",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [
      { file: OPEN, before: "speaks: (protocol) => protocols.has(protocol),", after: "speaks: () => true," },
      { file: CHAIN, before: "return !this.protocols.has(this.facts.parameters.protocol);", after: "return false;" },
      {
        file: "src/contracts/protocols.ts",
        before: "const rules = protocols.get(version);",
        after: "const rules = protocols.get(version) ?? PROTOCOL_1;",
      },
    ],
  },
  {
    name: "outgrown-silent",
    says: "a node that has stopped for want of another program does not say so",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [
      {
        file: "src/node/protocol-watch.ts",
        before: "if (before !== undefined && isSame(before, view)) return;",
        after: "if (before !== undefined) return;",
      },
    ],
  },
  {
    name: "rules-of-the-first",
    says: "blocks carry the new number and are executed by the old rules",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [{ file: CHAIN, before: RULES, after: "      rules: rulesOf(this.protocols, 1)," }],
  },
  {
    name: "rules-of-the-newest",
    says: "blocks are executed by the newest rules that the program has",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [
      {
        file: CHAIN,
        before: RULES,
        after: "      rules: rulesOf(this.protocols, Math.max(...this.protocols.keys())),",
      },
    ],
  },
  {
    name: "order-of-the-first",
    says: "blocks carry the new number and stand in the old order",
    pitfalls: [],
    hunts: BY_UPGRADE,
    edits: [
      {
        file: CHAIN,
        before: "rulesOf(this.protocols, this.facts.parameters.protocol).placeOf",
        after: "rulesOf(this.protocols, 1).placeOf",
      },
    ],
  },
];
