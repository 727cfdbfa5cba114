// What `build.ts` makes of sources, in a small installation of its own.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
let place: string;

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "linli-program-"));
  mkdirSync(join(place, "src/node"), { recursive: true });
  for (const file of ["build.ts", "package.json"]) cpSync(join(ROOT, file), join(place, file));
  symlinkSync(join(ROOT, "node_modules"), join(place, "node_modules"));
  writeFileSync(join(place, "src/node/verify-worker.ts"), "export {};\n");
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

function run(file: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: place, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.trim();
}

function built(text: string): string {
  writeFileSync(join(place, "src/main.ts"), `const text: string = "${text}";\nconsole.log(text);\n`);
  run("build.ts");
  return run("dist/main.js");
}

const folders = () => readdirSync(place).filter((name) => name.startsWith("dist-"));

it("N263: what runs is what the sources say, also where an update brings files that are older than the program", () => {
  expect(built("第一版")).toBe("第一版");
  writeFileSync(join(place, "src/main.ts"), 'console.log("第二版");\n');
  const longAgo = new Date("2020-01-01");
  for (const each of ["src/main.ts", "src"]) utimesSync(join(place, each), longAgo, longAgo);
  run("build.ts");
  expect(run("dist/main.js")).toBe("第二版");
});

it("N263: the program that was replaced stays whole for a process that is loading it, and no older one", () => {
  expect(built("a")).toBe("a");
  const before = folders();
  expect(built("b")).toBe("b");
  expect(folders()).toHaveLength(2);
  expect(folders().filter((name) => before.includes(name))).toHaveLength(1);
  mkdirSync(join(place, "dist-123"));
  utimesSync(join(place, "dist-123"), new Date("2020-01-01"), new Date("2020-01-01"));
  expect(built("c")).toBe("c");
  expect(folders()).toHaveLength(2);
});
