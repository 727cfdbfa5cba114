// What a command says: results to standard output as JSON, remarks to standard error, so that a pipe gets results only.
// Never decides how a process ends.

import { LedgerError } from "../../errors.ts";
import { fromHex } from "../../ledger/hash.ts";
import { NOT_SHOWN } from "./printable.ts";

/** Pretty for people; a program reads it as well: what a terminal would obey is written as JSON writes it in digits. */
export function printResult(result: unknown): void {
  const text = JSON.stringify(result, null, 2).replace(NOT_SHOWN, inDigits);
  process.stdout.write(`${text}\n`);
}

function inDigits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

export function printRemark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** @throws LedgerError `ARGUMENT_INVALID` */
export function hexArgument(text: string, name: string, length?: number): Uint8Array {
  const bytes = fromHex(text.trim());
  if (bytes === undefined || (length !== undefined && bytes.length !== length)) {
    throw argumentInvalid(name, `${length === undefined ? "" : `${length * 2} `}lower-case hexadecimal digits`);
  }
  return bytes;
}

/** @throws LedgerError `ARGUMENT_INVALID` */
export function jsonArgument(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw argumentInvalid(name, `JSON, e.g. '{"id":"a1"}'`);
  }
}

export function argumentInvalid(name: string, expected: string): LedgerError {
  return new LedgerError("ARGUMENT_INVALID", { argument: name, expected }, { remedy: "see --help for an example" });
}
