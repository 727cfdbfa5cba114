// A community's register is imported over a running network by the command itself: dry run, upload, second signature, taking over.
// The files are written here; what stands on the ledger afterwards is read back with proof.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PROGRAM } from "../../src/installation.ts";
import { createKeyFile } from "../../src/node/key-file.ts";
import { TestNetwork } from "./network.ts";

const MAIN = fileURLToPath(PROGRAM);
const SOURCE = readFileSync(join(import.meta.dirname, "../../src/contracts/library/data-import.yaml"), "utf8");
/** more than one transaction takes */
const ROOMS = 60;

let home: string;
let network: TestNetwork | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "linli-import-"));
});
afterEach(async () => {
  await network?.stop();
  network = undefined;
  rmSync(home, { recursive: true });
});

function linli(words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8" });
  return { status, stderr, result: stdout === "" ? {} : JSON.parse(stdout) };
}

it("L408: a register is imported over a running network by two people, and the same files again import nothing", async () => {
  const people = { registrar: "street", clerk: "street", officer: "government" };
  const keyOf = (person: string) => join(home, `${person}.key`);
  const accounts = await Promise.all(
    Object.entries(people).map(async ([id, organisation]) => {
      const { signer } = await createKeyFile(keyOf(id), { kind: "account", account: id });
      return { id, organisation, roles: ["registrar"], suite: signer.suite, publicKey: signer.publicKey };
    }),
  );
  const contracts = [{ name: "data-import", source: SOURCE }];
  network = await TestNetwork.start({ nodes: 4, portBase: 29_400, accounts, contracts });
  const asking = ["--url", network.nodeOf(0).url, "--genesis", network.layout.genesisFile];
  const parties = { firm: "property", committee: "committee", bank: "bank", residents: "residents" };
  const community = { id: "linli", title: "邻里", ...parties };
  const call = ["--contract", "registry", "--action", "add_community", "--args", JSON.stringify(community)];
  expect(linli(["tx", "send", "--key", keyOf("registrar"), ...call, ...asking]).status).toBe(0);

  const files = join(home, "register");
  mkdirSync(files);
  const units = Array.from({ length: ROOMS }, (_, room) => `B01,${room + 101},home,89.37,delivered,h${room % 2}\n`);
  writeFileSync(join(files, "buildings.csv"), "building,title,floors\nB01,一号楼,18\n");
  writeFileSync(join(files, "heads.csv"), `head,kind,key\nh0,person,${"a".repeat(64)}\nh1,person,${"b".repeat(64)}\n`);
  writeFileSync(join(files, "units.csv"), `building,room,use,area_m2,status,head\n${units.join("")}`);
  const run = (...words: string[]) => linli(["import", files, "--community", "linli", ...words, ...asking]);

  const dry = run("--dry-run");
  expect([dry.stderr, dry.result]).toMatchObject(["", { rows: 63, areaCm2: ROOMS * 893_700, same: 0, state: "none" }]);
  const { digest } = dry.result;
  expect(run("--key", keyOf("registrar")).result).toMatchObject({ digest, state: "diffed", rowsLeft: 63 });
  const colleague = run("--key", keyOf("clerk"), "--digest", digest);
  expect([colleague.status, colleague.stderr]).toEqual([1, expect.stringContaining("data-import.sign.require[1]")]);
  expect(run("--key", keyOf("officer")).stderr).toContain("IMPORT_NOT_CONFIRMED");
  expect(run("--key", keyOf("officer"), "--digest", digest).result).toMatchObject({
    state: "signed",
    signedBy: "officer",
  });
  expect(run("--key", keyOf("registrar")).result).toMatchObject({ state: "committed", rowsLeft: 0 });
  expect(run("--dry-run").result).toMatchObject({ digest, same: 63, added: [], state: "committed" });
  const { row } = await network.clientOf(3).stateGet({ contract: "registry", table: "community", key: ["linli"] });
  expect(row?.fields).toMatchObject({ units: ROOMS, heads: 2, area: ROOMS * 893_700 });
}, 180_000);
