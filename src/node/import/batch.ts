// The digests of a batch: what both signers see, and what the contract data-import works out row by row.
// Pure. Says in bytes what a row is; the contract says the same in its `text` of each enter action.

import { sha256 } from "#sha256";
import { invariant, unreachable } from "../../assert.ts";
import { EMPTY_BYTES, type Hash, joinBytes } from "../../ledger/hash.ts";
import type { RegisterRow } from "./register-rows.ts";

const UTF8 = new TextEncoder();
const NO_ROWS = sha256(UTF8.encode("linli-import"));

/** The digest of the rows from each number on: the first is the digest of the batch, the last that of no rows. */
export function batchDigests(rows: readonly RegisterRow[]): readonly Hash[] {
  const digests: Hash[] = [NO_ROWS];
  for (const row of rows.toReversed()) digests.push(sha256(joinBytes([rowBytes(row), digests.at(-1) ?? NO_ROWS])));
  return digests.toReversed();
}

function rowBytes({ register, id, fields }: RegisterRow): Uint8Array {
  const beginning = `linli-import:${register}:${sized(id)}:`;
  const { key = EMPTY_BYTES } = fields;
  invariant(key instanceof Uint8Array, "L400: a key is bytes");
  switch (register) {
    case "building":
      return UTF8.encode(`${beginning}${fields.floors}:${fields.title}`);
    case "head":
      return joinBytes([UTF8.encode(`${beginning}${fields.kind}:`), key]);
    case "unit":
      return UTF8.encode(
        `${beginning}${sized(fields.building)}:${fields.use}:${fields.area}:${fields.status}:${fields.head}`,
      );
    case "device":
      return UTF8.encode(
        `${beginning}${sized(fields.building)}:${fields.kind}:${sized(fields.gateway)}:${fields.limit}:${fields.warranty_until}`,
      );
    default:
      return unreachable(register);
  }
}

/** With its length before it, so that no two rows have the same text. */
function sized(text: RegisterRow["fields"][string] | undefined): string {
  return `${[...String(text)].length}:${text}`;
}
