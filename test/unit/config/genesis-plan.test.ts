// From members' public files to a genesis, and the genesis file that goes to everybody.

import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { genesisFromJson, genesisToJson, sealGenesis } from "../../../src/client/genesis-json.ts";
import { compareBytes, toHex } from "../../../src/ledger/hash.ts";
import {
  genesisFromPlan,
  loadGenesisFile,
  loadMember,
  type Member,
  memberToJson,
  PARAMETER_DEFAULTS,
  saveGenesisFile,
} from "../../../src/node/genesis-plan.ts";
import { makeGenesis, signerOf } from "../rpc/small-node.ts";

const CONFIG = join(import.meta.dirname, "../../../config");
const NOW_MS = 1_767_225_600_000;
const SEVEN = ["property", "street", "provider", "government", "committee", "residents", "auditor"];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-genesis-"));
  await mkdir(join(directory, "members"));
});

function memberOf(id: string, index: number): Member {
  const { suite, publicKey } = signerOf(index);
  const node = { suite, publicKey, peerId: `peer-${id}`, addresses: [`/dns4/${id}/tcp/26000`] };
  const admin = signerOf(100 + index);
  return {
    organisation: { id, title: `${id} 机构`, role: id },
    node,
    accounts: [{ id: `${id}-admin`, roles: ["admin"], suite: admin.suite, publicKey: admin.publicKey }],
  };
}

async function writePlan(text: string, ids: readonly string[] = SEVEN): Promise<string> {
  for (const [index, id] of ids.entries())
    await writeFile(join(directory, "members", `${id}.json`), memberToJson(memberOf(id, index)));
  const file = join(directory, "plan.yaml");
  await writeFile(file, text);
  return file;
}

describe("plans", () => {
  test("the example with seven organisations becomes a genesis that tolerates two of them", async () => {
    const plan = await writePlan(await readFile(join(CONFIG, "genesis-seven.yaml"), "utf8"));
    const genesis = await genesisFromPlan(plan, NOW_MS);
    expect(genesis).toMatchObject({ production: true, timeScale: 1, timeMs: NOW_MS, parameters: PARAMETER_DEFAULTS });
    expect(genesis.validators).toHaveLength(7);
    expect(genesis.validators).toEqual(
      [...genesis.validators].sort((left, right) => compareBytes(left.publicKey, right.publicKey)),
    );
    expect(genesis.organisations.map(({ id }) => id)).toEqual(SEVEN);
    expect(genesis.accounts.map(({ id, organisation, roles }) => [id, organisation, roles])).toEqual(
      SEVEN.map((id) => [`${id}-admin`, id, ["admin"]]),
    );
    expect(genesis.contracts.map(({ name }) => name)).toEqual(["governance", "registry"]);
  });

  test("the example with four is a plan too, and the parameters shown in the other are the defaults", async () => {
    const plan = await writePlan(await readFile(join(CONFIG, "genesis-four.yaml"), "utf8"));
    expect((await genesisFromPlan(plan, NOW_MS)).validators).toHaveLength(4);
    expect(parse(await readFile(join(CONFIG, "genesis-seven.yaml"), "utf8")).parameters).toEqual(PARAMETER_DEFAULTS);
  });

  test("contracts can be named, and are read beside the plan", async () => {
    await writeFile(join(directory, "board.yaml"), "contract: board\n");
    const plan = await writePlan(
      "name: x\nproduction: false\nmembers: [members/property.json, members/street.json, members/provider.json, members/government.json]\ncontracts: [board.yaml]\n",
    );
    expect((await genesisFromPlan(plan, NOW_MS)).contracts).toEqual([{ name: "board", source: "contract: board\n" }]);
  });

  test.each([
    ["name: x", "PLAN_INVALID", { field: expect.stringMatching(/plan\.yaml\.members$/) }],
    [
      "name: x\nmembers: []\nmember: 1",
      "PLAN_INVALID",
      { field: expect.stringMatching(/plan\.yaml\.member$/), problem: "unknown" },
    ],
    [
      "name: x\nmembers: []\nparameters: {blockBytes: 1}",
      "PLAN_INVALID",
      { field: expect.stringMatching(/parameters\.blockBytes$/) },
    ],
    ["name: x\nmembers: [nobody.json]", "FILE_MISSING", {}],
    ["name: x\nmembers: [plan.yaml]", "MEMBER_FILE_INVALID", {}],
    ["name: x\nmembers: []", "GENESIS_INVALID", {}],
    ["name: x\nmembers: [members/property.json, members/street.json, members/provider.json]", "GENESIS_INVALID", {}],
    [
      "name: x\ntimeScale: 2\nmembers: [members/property.json, members/street.json, members/provider.json, members/government.json]",
      "GENESIS_INVALID",
      { reason: "GENESIS_TIME_SCALE" },
    ],
    [
      "name: x\nmembers: [members/property.json, members/property.json, members/provider.json, members/government.json]",
      "GENESIS_INVALID",
      {},
    ],
  ])("%j is refused", async (text, code, data) => {
    await expect(genesisFromPlan(await writePlan(text), NOW_MS)).rejects.toMatchObject({ code, data });
  });

  test("N254: a plan or a member's file in another encoding is refused, not read as boxes", async () => {
    const ids = SEVEN.slice(0, 4);
    const plan = await writePlan(`name: x\nmembers: [${ids.map((id) => `members/${id}.json`).join(", ")}]`, ids);
    expect((await genesisFromPlan(plan, NOW_MS)).organisations).toHaveLength(4);
    const file = join(directory, "members", "street.json");
    const [before, after] = (await readFile(file, "utf8")).split("机构") as [string, string];
    await writeFile(file, Buffer.concat([Buffer.from(before), Buffer.from("bbfab9b9", "hex"), Buffer.from(after)]));
    await expect(genesisFromPlan(plan, NOW_MS)).rejects.toMatchObject({
      code: "MEMBER_FILE_INVALID",
      data: { place: file, expected: "UTF-8 (GBK perhaps)", line: 5 },
    });
    await writeFile(plan, Buffer.from("6e616d653a20bbfab9b90a", "hex"));
    await expect(genesisFromPlan(plan, NOW_MS)).rejects.toMatchObject({ code: "PLAN_INVALID", data: { line: 1 } });
  });

  test("members come back as they were described; secrets and unknown keys are refused", async () => {
    const member = memberOf("property", 0);
    const file = join(directory, "m.json");
    await writeFile(file, memberToJson(member));
    expect(await loadMember(file)).toEqual(member);
    await writeFile(file, memberToJson({ ...member, node: undefined }));
    expect((await loadMember(file)).node).toBeUndefined();
    await writeFile(file, memberToJson(member).replace('"accounts"', '"seed": "00", "accounts"'));
    await expect(loadMember(file)).rejects.toMatchObject({ code: "MEMBER_FILE_INVALID", data: { problem: "unknown" } });
  });
});

describe("the genesis file", () => {
  test("comes back to the same chain id, whatever the order of validators was", async () => {
    const genesis = makeGenesis();
    const file = join(directory, "genesis.json");
    await saveGenesisFile(file, genesis);
    expect(await loadGenesisFile(file)).toEqual(genesis);
    expect(toHex(sealGenesis({ ...genesis, validators: [...genesis.validators].reverse() }).chainId)).toBe(
      toHex(genesis.chainId),
    );
  });

  test("is never overwritten", async () => {
    const file = join(directory, "genesis.json");
    await saveGenesisFile(file, makeGenesis());
    await expect(saveGenesisFile(file, makeGenesis())).rejects.toMatchObject({ code: "FILE_EXISTS" });
  });

  test("A20: any change of a fact is refused by the chain id that the file names", () => {
    const text = genesisToJson(makeGenesis());
    const changes: readonly (readonly [string, string])[] = [
      ['"name": "test garden"', '"name": "test gardem"'],
      ['"replayWindowMs": 600000', '"replayWindowMs": 600001'],
      ['"roles": [\n        "clerk"', '"roles": [\n        "admin"'],
      ["/ip4/127.0.0.1/tcp/26000", "/ip4/127.0.0.1/tcp/26009"],
    ];
    for (const [from, to] of changes) {
      expect(text).toContain(from);
      expect(() => genesisFromJson(text.replace(from, to)), from).toThrow(
        expect.objectContaining({ code: "GENESIS_CHAIN_ID" }),
      );
    }
  });

  test.each([
    ["", "GENESIS_FILE_INVALID"],
    ["{}", "GENESIS_FILE_INVALID"],
    ["[]", "GENESIS_FILE_INVALID"],
    [genesisToJson(makeGenesis()).replace('"timeScale": 1', '"timeScale": "1"'), "GENESIS_FILE_INVALID"],
    [genesisToJson(makeGenesis()).replace('"accounts"', '"acounts"'), "GENESIS_FILE_INVALID"],
    [genesisToJson(makeGenesis()).replace('"production"', '"extra": 1, "production"'), "GENESIS_FILE_INVALID"],
    [genesisToJson(makeGenesis()).replace('"peer-1"', '"peer-0"'), "GENESIS_INVALID"],
  ])("what is no genesis is refused by name (%#)", (text, code) => {
    expect(() => genesisFromJson(text)).toThrow(expect.objectContaining({ code }));
  });
});
