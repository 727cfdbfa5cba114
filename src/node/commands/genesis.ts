// `linli genesis`: one member makes the genesis from everybody's public descriptions; all others compare its chain id.
// Checks what it makes by executing it once, so that a faulty contract is found before anybody starts.

import { Engine } from "../../contracts/engine.ts";
import { genesisWrites } from "../../contracts/genesis-state.ts";
import { faultBound } from "../../ledger/certificate.ts";
import { toHex } from "../../ledger/hash.ts";
import { genesisFromPlan, saveGenesisFile } from "../genesis-plan.ts";
import { printRemark, printResult } from "./output.ts";

/** Below this, two organisations that stand close to each other can break safety together. */
const VALIDATORS_RECOMMENDED = 7;

export async function makeGenesis(options: { readonly plan: string; readonly out: string }): Promise<void> {
  const genesis = await genesisFromPlan(options.plan, Date.now());
  const rows = genesisWrites(genesis, new Engine()).length;
  await saveGenesisFile(options.out, genesis);
  const validators = genesis.validators.length;
  printResult({
    file: options.out,
    chainId: toHex(genesis.chainId),
    name: genesis.name,
    validators,
    faultyTolerated: faultBound(validators),
    organisations: genesis.organisations.map(({ id }) => id),
    accounts: genesis.accounts.length,
    contracts: genesis.contracts.map(({ name }) => name),
    rows,
  });
  if (validators < VALIDATORS_RECOMMENDED) {
    printRemark(
      `${validators} validators tolerate ${faultBound(validators)} faulty one: enough to learn, too few in earnest. ${VALIDATORS_RECOMMENDED} organisations are recommended.`,
    );
  }
  printRemark("Give this file to every member. Each compares the chain id with the others before the first start.");
}
