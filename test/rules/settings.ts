// The settings under which the same programs must give the same hash, and how one of them is run.
// It downloads Node versions on demand into the user's cache, never into the repository.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface Setting {
  readonly name: string;
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** undefined: the one that runs this */
  readonly node: string | undefined;
}

function setting(name: string, flags: readonly string[], environment: Setting["environment"] = {}): Setting {
  return { name, flags, environment, node: undefined };
}

const place = (timeZone: string, locale: string) => ({
  TZ: timeZone,
  LANG: locale,
  LC_ALL: locale,
  LC_MESSAGES: locale,
});

/** Run on every `npm test`: the three that differ most from each other. */
export const CHEAP_SETTINGS: readonly Setting[] = [
  setting("as it comes", [], place("UTC", "C")),
  setting(
    "no optimisation, small stack, St John's, Turkish",
    ["--no-opt", "--no-sparkplug", "--no-maglev", "--stack-size=300"],
    place("America/St_Johns", "tr_TR.UTF-8"),
  ),
  setting(
    "everything optimised, large stack, Shanghai, Chinese",
    ["--always-turbofan", "--stack-size=3900"],
    place("Asia/Shanghai", "zh_CN.UTF-8"),
  ),
];

const NODE_VERSIONS = ["22.23.3", "24.21.0", "26.9.0"];

export const ALL_SETTINGS: readonly Setting[] = [
  ...CHEAP_SETTINGS,
  setting("jitless", ["--jitless"]),
  setting("no optimisation", ["--no-opt"]),
  setting("every function optimised at once", ["--always-turbofan"]),
  setting("every function in baseline code", ["--always-sparkplug", "--no-opt", "--no-maglev"]),
  setting("small stack", ["--stack-size=300"]),
  setting("large stack", ["--stack-size=3900"]),
  setting("Apia, English", [], place("Pacific/Apia", "en_US.UTF-8")),
  ...NODE_VERSIONS.map((node) => ({ ...setting(`Node ${node}`, []), node })),
  ...NODE_VERSIONS.map((node) => ({ ...setting(`Node ${node}, jitless`, ["--jitless"]), node })),
];

const ROOT = new URL("../../", import.meta.url).pathname;
const FOLDERS = ["src", "test/rules", "test/sim", "test/unit/contracts"];
const RECORD = new URL("determinism.json", import.meta.url).pathname;

/**
 * The sources without types, in a folder of their own: Node strips types by WebAssembly, which --jitless does not have.
 * It is also one state of the sources for all settings, whatever is edited meanwhile.
 */
export class PlainSources {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "linli-determinism-"));
    for (const folder of FOLDERS) this.copy(folder);
    writeFileSync(join(this.folder, "package.json"), plainNames(readFileSync(join(ROOT, "package.json"), "utf8")));
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
  }

  /** What the program prints under a setting: hash and count. */
  run({ flags, environment, node }: Setting): string {
    const executable = node === undefined ? process.execPath : nodeOfVersion(node);
    const env = { ...process.env, NODE_OPTIONS: "", NODE_NO_WARNINGS: "1", ...environment };
    const program = join(this.folder, "test/rules/determinism-program.js");
    return execFileSync(executable, [...flags, program], { encoding: "utf8", env }).trim();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private copy(folder: string): void {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      const isSource = name.endsWith(".ts") && !name.endsWith(".test.ts");
      if (!isSource && !name.endsWith(".yaml")) continue;
      const text = readFileSync(join(ROOT, folder, name), "utf8");
      const target = join(this.folder, folder, plainNames(name));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, isSource ? plainNames(stripTypeScriptTypes(text)) : text);
    }
  }
}

/** x.ts as x.js, at the end of a name and before a quote. */
function plainNames(text: string): string {
  return text.replaceAll(/\.ts(?="|$)/g, ".js");
}

export function recordedResult(): string {
  return (JSON.parse(readFileSync(RECORD, "utf8")) as { readonly result: string }).result;
}

export function recordResult(result: string): void {
  const about =
    "results, refusals, gas and writes of test/rules/programs.ts; after a change that is meant to change them: npm run determinism -- --renew";
  writeFileSync(RECORD, `${JSON.stringify({ about, result }, null, 2)}\n`);
}

/** Node of one version from its npm package, kept for the next time. */
function nodeOfVersion(version: string): string {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "linli");
  const kept = join(cache, `node-${version}`);
  const executable = join(kept, "package", "bin", "node");
  if (existsSync(executable)) return executable;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "download-"));
  try {
    const packed = `node-${process.platform}-${process.arch}@${version}`;
    const archive = execFileSync("npm", ["pack", packed, "--silent"], { cwd: folder, encoding: "utf8" }).trim();
    execFileSync("tar", ["-xzf", archive], { cwd: folder });
    rmSync(join(folder, archive));
    renameSync(folder, kept);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return executable;
}
