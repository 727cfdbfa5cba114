// The node's log: one JSON line per message, through pino. The only file that knows pino.
// Never writes keys, payloads or peers' text: errors are reduced to code, message and stack.

import { type DestinationStream, pino, stdSerializers } from "pino";
import type { Logger } from "../ports.ts";

/**
 * @param options.level least severe level that is written
 * @param destination where lines go; standard output if not given
 */
export function createLogger(
  options: { readonly level: "error" | "warn" | "info" | "debug"; readonly name: string },
  destination?: DestinationStream,
): Logger {
  const settings = {
    level: options.level,
    base: { node: options.name },
    messageKey: "message",
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
    serializers: { error: stdSerializers.err },
  };
  const log = destination === undefined ? pino(settings) : pino(settings, destination);
  return {
    error: (message, fields) => log.error(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    debug: (message, fields) => log.debug(fields ?? {}, message),
  };
}
