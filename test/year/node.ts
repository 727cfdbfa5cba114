// One node of the synthetic year: `linli start` with the clock of the year, and nothing else of its own.
// Takes the same words, so that whoever starts node processes can start this one: `start --home DIRECTORY`.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadNodeConfig } from "../../src/config.ts";
import { PROTOCOLS } from "../../src/contracts/protocols.ts";
import { createLogger } from "../../src/node/logger.ts";
import { startNode } from "../../src/node/node.ts";
import { CLOCK_FILE, clockFrom } from "./clock.ts";

const { values } = parseArgs({ options: { home: { type: "string" } }, allowPositionals: true });
const home = values.home ?? ".";
const config = await loadNodeConfig(home);
const log = createLogger({ level: config.log.level, name: config.name });
const asked = new Promise<undefined>((resolve) => {
  process.once("SIGTERM", () => resolve(undefined));
  process.once("SIGINT", () => resolve(undefined));
});
const node = await startNode(config, log, PROTOCOLS, () => clockFrom(join(home, "..", CLOCK_FILE)));
const halt = await Promise.race([asked, node.halted]);
await node.stop();
process.exit(halt === undefined ? 0 : 1);
