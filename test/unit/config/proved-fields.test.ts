// What a column is called and what a key is made of comes from the contract's text on the ledger, whatever the node that answers says.
// Only the proofs themselves are left out: client.test.ts.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sha256 } from "#sha256";
import type { RowQuery, StateAnswer } from "../../../src/client/client.ts";
import { encode, type Value } from "../../../src/ledger/codec.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { publicKeys } from "../../../src/node/commands/ballot.ts";
import { provedFields } from "../../../src/node/proved-fields.ts";

const SOURCE = readFileSync(new URL("../../../src/contracts/library/owners-vote.yaml", import.meta.url), "utf8");
const HASH = sha256(new TextEncoder().encode(SOURCE));
const [PUBLIC, SECRET_HASH] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

/** A node that holds these rows and calls their columns as it likes. */
function liar(rows: readonly (readonly [table: string, key: readonly Value[], values: readonly Value[]])[]) {
  const all = [
    ["governance.contract", ["owners-vote"], [1, HASH, 0, new Uint8Array()]],
    ["governance.source", [HASH], [SOURCE]],
    ...rows,
  ] as const;
  const nameOf = (table: string, key: readonly Value[]) => `${table} ${toHex(encode(key))}`;
  const known = new Map(all.map(([table, key, values]) => [nameOf(table, key), values]));
  return {
    stateGet: async ({ contract, table, key }: RowQuery): Promise<StateAnswer> => {
      const values = known.get(nameOf(`${contract}.${table}`, key));
      const row = values && { values, fields: { secret_hash: 1, public: 2, secret: 3 }, lastHeight: 1 };
      return { height: 9, timeMs: 0, row, proof: new Uint8Array() };
    },
  };
}

const keyRow = (organisation: string, offered: readonly Value[] = [PUBLIC, SECRET_HASH, new Uint8Array()]) =>
  ["owners-vote.ballot_key", ["lifts", organisation], offered] as const;

test("N260: columns have the names of the contract's text on the ledger, not those that the node says", async () => {
  const query = { contract: "owners-vote", table: "ballot_key", key: ["lifts", "street"] };
  const { fields } = await provedFields(liar([keyRow("street")]), query);
  expect(fields).toEqual({
    public: { hex: toHex(PUBLIC) },
    secret_hash: { hex: toHex(SECRET_HASH) },
    secret: { hex: "" },
  });
  expect((await provedFields(liar([]), query)).fields).toBeUndefined();
});

test.each<readonly [string, string, readonly Value[]]>([
  ["a number for a text", "motion", [2024]],
  ["a text for a number of parts", "motion", ["lifts", "street"]],
  ["a part too few", "ballot_key", ["lifts"]],
  ["no table of the contract", "ballots", ["lifts"]],
])("N260: no row is said to be absent under a key that none can have: %s", async (_, table, key) => {
  await expect(provedFields(liar([]), { contract: "owners-vote", table, key })).rejects.toMatchObject({
    code: "PROOF_REFUSED",
  });
});

test("L321: a ballot is sealed for the public keys of all key organisations, or not at all", async () => {
  const holders = ["street", "committee"];
  const both = liar([keyRow("street"), keyRow("committee")]);
  expect(await publicKeys(both, "lifts", { holders })).toEqual([PUBLIC, PUBLIC]);
  await expect(publicKeys(liar([keyRow("street")]), "lifts", { holders })).rejects.toMatchObject({
    code: "BALLOT_KEYS_FEW",
    data: { offered: 1, needed: 2 },
  });
});
