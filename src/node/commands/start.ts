// `linli start`: runs one node from its home directory until it is told to stop, or has to.
// Never ends the process itself: it resolves or throws, and main.ts decides.

import { loadNodeConfig } from "../../config.ts";
import { PROTOCOLS } from "../../contracts/protocols.ts";
import { createLogger } from "../logger.ts";
import { startNode } from "../node.ts";

/**
 * Resolves when the node has stopped because it was asked to.
 * @param stopping aborted when somebody wants it to stop
 * @throws LedgerError what kept it from starting, or why it halted by itself
 */
export async function runNode(options: { readonly home: string }, stopping: AbortSignal): Promise<void> {
  const config = await loadNodeConfig(options.home);
  const log = createLogger({ level: config.log.level, name: config.name });
  const node = await startNode(config, log, PROTOCOLS);
  const asked = new Promise<undefined>((resolve) => {
    if (stopping.aborted) resolve(undefined);
    else stopping.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const halt = await Promise.race([asked, node.halted]);
  await node.stop();
  // Why is in the log already; main.ts says it once more and fails.
  if (halt !== undefined) throw halt;
  log.info("node stopped");
}
