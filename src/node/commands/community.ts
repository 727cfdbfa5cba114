// `linli community`: writes the example community's CSV files.
// The community itself is made in node/devnet/community.ts.

import { writeCommunity } from "../devnet/community.ts";
import { printResult } from "./output.ts";

export async function makeCommunity(options: { readonly out: string; readonly seed: number }): Promise<void> {
  const community = await writeCommunity(options.out, { seed: options.seed });
  const { buildings, units, heads, devices } = community;
  printResult({
    directory: options.out,
    seed: options.seed,
    buildings: buildings.length,
    units: units.length,
    heads: heads.length,
    devices: devices.length,
  });
}
