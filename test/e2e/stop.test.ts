// Ctrl-C as a terminal sends it: to the whole group of processes, and once more by those that pass it on.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { genesisFromJson, genesisToJson, sealGenesis } from "../../src/client/genesis-json.ts";
import { runDevnet } from "../../src/node/devnet/devnet.ts";
import { TestNetwork } from "./network.ts";

let network: TestNetwork | undefined;
afterEach(async () => {
  await network?.stop();
  network = undefined;
});

it("N180: one Ctrl-C that arrives twice stops a node cleanly", async () => {
  network = await TestNetwork.create({ nodes: 4, portBase: 28_400 });
  const node = network.nodeOf(0);
  node.start();
  await network.untilHealthy([node]);
  const ended = node.stop();
  node.signal("SIGINT");
  await ended;
  expect(node.exitCode).toBe(0);
  expect(readFileSync(node.logFile, "utf8")).toContain("node stopped");
}, 60_000);

it("N181: a devnet does not take the answers of one that runs already for its own", async () => {
  network = await TestNetwork.create({ nodes: 4, portBase: 28_400 });
  const node = network.nodeOf(3);
  node.start();
  await network.untilHealthy([node]);
  // A network of its own, on the ports where another one answers.
  const data = join(network.layout.directory, "devnet");
  const options = { nodes: 4, once: true, json: false, data, port: 28_400 };
  await expect(runDevnet(options, new AbortController().signal)).rejects.toMatchObject({ code: "DEVNET_RUNS_ALREADY" });
}, 60_000);

it("N183: a devnet that another version made is named before any node starts", async () => {
  network = await TestNetwork.create({ nodes: 4, portBase: 28_400 });
  const { directory, genesisFile } = network.layout;
  const genesis = genesisFromJson(readFileSync(genesisFile, "utf8"));
  const options = { nodes: 4, once: true, json: false, data: directory, port: 28_400 };
  const start = () => runDevnet(options, new AbortController().signal);
  // This one has other organisations than the devnet's day.
  await expect(start()).rejects.toMatchObject({ code: "DEVNET_OTHER_VERSION", data: { other: "homecare" } });
  const contracts = genesis.contracts.map(({ name, source }) => ({ name, source: `# before\n${source}` }));
  writeFileSync(genesisFile, genesisToJson(sealGenesis({ ...genesis, contracts })));
  await expect(start()).rejects.toMatchObject({ code: "DEVNET_OTHER_VERSION", data: { other: "governance" } });
});
