// Lists by index over a real ledger that goes on while they are read.

import { expect, it } from "vitest";
import { decodeGenesis, encodeGenesis } from "../../../src/ledger/genesis.ts";
import { Api } from "../../../src/node/api.ts";
import type { Participant } from "../../../src/node/participant.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { batchOf, buildBlock, commitBlock, makeGenesis, openLedger, VALIDATORS } from "./ledger-fixture.ts";

const SHOP = `rules: 1
contract: shop
title: {zh: 商店, en: Shop}
tables:
  order:
    key: {id: id}
    fields: {fen: money, state: "enum(open,paid)"}
    index: {by_state: [state]}
actions:
  put:
    by: [anyone]
    params: {id: id}
    do:
      - insert: order
        row: {id: p.id, fen: "5", state: '"open"'}
  pay:
    by: [anyone]
    params: {id: id}
    read: {o: "order[p.id]"}
    do:
      - update: o
        set: {fen: "6", state: '"paid"'}
  drop:
    by: [anyone]
    params: {id: id}
    read: {o: "order[p.id]"}
    do:
      - delete: o
`;

it("A45: a list by index shows rows of the height that it names, whatever is committed while it is read", async () => {
  const { contracts, ...rest } = await makeGenesis();
  const decoded = decodeGenesis(encodeGenesis({ ...rest, contracts: [...contracts, { name: "shop", source: SHOP }] }));
  if (!decoded.ok) throw new Error(decoded.code);
  const genesis = decoded.value;
  const disk = new MemoryStore();
  const chain = await openLedger(genesis, disk);
  const act = async (action: string, id: string): Promise<void> => {
    const sequence = chain.head.height + 1;
    const timeMs = genesis.timeMs + sequence * 1_000;
    const call = { contract: "shop", action, args: { id } };
    const batch = batchOf(genesis, { sequence, validUntilMs: timeMs + 60_000, call });
    await commitBlock(chain, genesis, buildBlock(chain, [batch], timeMs));
  };
  for (const id of ["a", "b", "c"]) await act("put", id);
  const snapshot = disk.snapshot.bind(disk);
  disk.snapshot = () => {
    const taken = snapshot();
    const scan: typeof taken.scan = async (range) => {
      const rows = await taken.scan(range);
      await act("pay", "b");
      await act("drop", "a");
      return rows;
    };
    return { ...taken, scan };
  };
  const participant = { chain, onCommitted: () => undefined } as unknown as Participant;
  const api = new Api({ participant, genesis, key: VALIDATORS[0]!, name: "node", peerId: "peer-0" });
  const query = { contract: "shop", table: "order", index: "by_state", prefix: ["open"], after: undefined, limit: 9 };
  const { height, rows } = await api.stateList(query);
  expect(height).toBe(3);
  const open = (id: string) => ({
    key: [["id", id]],
    fields: [
      ["fen", 5],
      ["state", "open"],
    ],
  });
  expect(rows).toMatchObject(["a", "b", "c"].map(open));
});
