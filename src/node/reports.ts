// What the core reports to people and to the peer gate: one line of the log each, evidence kept, bad messages counted.
// Decides nothing.

import { unreachable } from "../assert.ts";
import type { Report, ValidatorKey } from "../consensus/events.ts";
import { toHex } from "../ledger/hash.ts";
import type { Logger } from "../ports.ts";

export function handleReport(
  report: Report,
  ports: {
    readonly log: Logger;
    recordEvidence(bytes: Uint8Array): void;
    penalise(from: ValidatorKey, code: string): void;
  },
): void {
  const { log } = ports;
  switch (report.kind) {
    case "evidence":
      return ports.recordEvidence(report.bytes);
    case "viewChanged":
      return log.info("view changed", { height: report.height, view: report.view, primary: report.primary });
    case "suspected":
      return log.warn("primary suspected", { height: report.height, view: report.view, reason: report.code });
    case "resultsDiverge":
      return log.error("results diverge", { height: report.height, block: toHex(report.blockHash) });
    case "badMessage":
      log.debug("message refused", { from: report.from, code: report.code });
      return ports.penalise(report.from, report.code);
    default:
      return unreachable(report);
  }
}
