// Every planted bug of `npm run sim:mutants`. One that nothing can find because something else stands in is none:
// docs/simulator.md says which those are, and what stands in.

import { CONSENSUS_MUTANTS } from "./consensus.ts";
import { LOSS_MUTANTS } from "./losses.ts";
import type { Mutant } from "./mutant.ts";
import { NODE_MUTANTS } from "./node.ts";
import { RECOVERY_MUTANTS } from "./recovery.ts";
import { UPGRADE_MUTANTS } from "./upgrades.ts";

export const MUTANTS: readonly Mutant[] = [
  ...CONSENSUS_MUTANTS,
  ...NODE_MUTANTS,
  ...RECOVERY_MUTANTS,
  ...LOSS_MUTANTS,
  ...UPGRADE_MUTANTS,
];
