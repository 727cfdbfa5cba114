// Work that runs on its own: whatever goes wrong in it is heard of.
// Knows nothing of what the work is.

import { LedgerError } from "../errors.ts";
import type { Logger } from "../ports.ts";

/** Nothing that runs on its own may fail unheard: what is not a peer's fault halts the node. */
export function backgroundGuard(options: {
  readonly log: Logger;
  halt(error: LedgerError): void;
}): (pending: Promise<unknown>) => void {
  return (pending) => {
    pending.catch((error: unknown) => {
      const failure = error instanceof LedgerError ? error : new LedgerError("NODE_HALTED", {}, { cause: error });
      options.log.error("background work failed", {
        code: failure.code,
        ...failure.data,
        cause: error instanceof Error ? error.stack : String(error),
      });
      options.halt(failure);
    });
  };
}
