// A contract is proposed, reviewed while the proposal is open, and approved: by the commands as they are printed, over a running network.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { genesisFromJson } from "../../src/client/genesis-json.ts";
import { createKeyFile } from "../../src/node/key-file.ts";
import { TestNetwork } from "./network.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const ORGANISATIONS = ["property", "street", "provider", "government"];
const NEXT = readFileSync(join(import.meta.dirname, "notes.yaml"), "utf8").replace(
  "text: text(128)}",
  "text: text(64)}",
);
const TESTS = `- test: 便条
  when:
    - {at: 1000, as: owner/anna, do: write, with: {id: a, text: hello}}
  then: {note: [{id: a, author: anna, text: hello}]}
`;

let home: string;
let network: TestNetwork | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "linli-review-"));
});
afterEach(async () => {
  await network?.stop();
  network = undefined;
  rmSync(home, { recursive: true });
});

function linli(words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Runs the last line that a command printed, as a shell reads it. */
function runLine(stdout: string) {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  expect(line).toMatch(/^linli tx send /);
  return spawnSync("sh", ["-c", `exec '${process.execPath}' '${MAIN}' ${line.slice("linli ".length)}`], {
    encoding: "utf8",
  });
}

it("R236: an open proposal is reviewed on a running network: what changes, who approved, and the line that approves", async () => {
  const keyOf = (organisation: string) => join(home, `${organisation}.key`);
  const accounts = await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const id = `${organisation}-admin`;
      const { signer } = await createKeyFile(keyOf(organisation), { kind: "account", account: id });
      return { id, organisation, roles: ["admin"], suite: signer.suite, publicKey: signer.publicKey };
    }),
  );
  network = await TestNetwork.start({ nodes: 4, portBase: 28_600, accounts });
  const [source, other, tests] = ["notes.yaml", "other.yaml", "notes.test.yaml"].map((name) => join(home, name));
  if (source === undefined || other === undefined || tests === undefined) throw new Error("no files");
  writeFileSync(source, NEXT);
  writeFileSync(other, NEXT.replace("text(64)", "text(65)"));
  writeFileSync(tests, TESTS);
  const { genesisFile } = network.layout;
  const { validators } = genesisFromJson(readFileSync(genesisFile, "utf8"));
  const { url } = network.nodeOf(0);
  const asking = (organisation: string) => {
    const seat = validators.findIndex((validator) => validator.organisation === organisation);
    return [
      "--url",
      url,
      "--genesis",
      genesisFile,
      "--key",
      keyOf(organisation),
      "--seat",
      `${seat}`,
      "--tests",
      tests,
    ];
  };

  const proposed = linli(["contract", "propose", source, "--height", "0", ...asking("property")]);
  expect([proposed.status, proposed.stdout]).toEqual([0, expect.stringContaining("1 passed, 0 failed")]);
  const sent = runLine(proposed.stdout);
  expect([sent.status, sent.stderr]).toEqual([0, expect.anything()]);
  const proposal = /notes-[0-9a-f]{12}/.exec(proposed.stdout)?.[0] ?? "";

  const review = (organisation: string, file = source) =>
    linli(["contract", "review", "--proposal", proposal, "--source", file, ...asking(organisation)]);
  const first = review("street");
  expect(first.status).toBe(0);
  expect(first.stdout).toContain(
    `${proposal}: notes, proposed by property, approved by 0, in force with the next block`,
  );
  expect(first.stdout).toContain("# Upgrade of notes");
  expect(first.stdout).toContain("text and tests are those of the proposal (proved); every test passes");
  expect(runLine(first.stdout).status).toBe(0);

  const wrong = review("provider", other);
  expect(wrong.status).toBe(1);
  expect(wrong.stdout).toContain("NOT SO: ");
  expect(wrong.stdout).not.toContain("tx send");

  const second = review("provider");
  expect([second.status, second.stdout]).toEqual([0, expect.stringContaining("approved by 1,")]);
  const nobody = linli(["contract", "review", "--proposal", "none", "--source", source, ...asking("provider")]);
  expect(nobody).toEqual({ status: 2, stdout: "", stderr: expect.stringContaining("none is none") });
}, 180_000);
