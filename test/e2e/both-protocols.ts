// A program like `linli start`, but for tests: it speaks a second version of the protocol beside the first.
// Runs the node whose home is its argument until it is killed.

import { loadNodeConfig } from "../../src/config.ts";
import { createLogger } from "../../src/node/logger.ts";
import { startNode } from "../../src/node/node.ts";
import { BOTH_PROTOCOLS } from "../protocols.ts";

const config = await loadNodeConfig(process.argv[2] ?? "");
const node = await startNode(config, createLogger({ level: config.log.level, name: config.name }), BOTH_PROTOCOLS);
throw await node.halted;
