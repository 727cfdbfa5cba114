// Guards the house: who may import whom, what the pure folders may name, and how long files grow.
// Reads the sources as text; a rule that stands in ARCHITECTURE.md and not here is only a wish.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "..", "src");
const PURE_FOLDERS = ["ledger", "consensus", "state", "contracts"];
const FILE_LINES_MAX = 450;

/** What each folder of src/ may import: folders or files of src/ (first path part), and packages. */
const ALLOWED: Record<string, { readonly own: readonly string[]; readonly packages: readonly string[] }> = {
  "errors.ts": { own: [], packages: [] },
  "assert.ts": { own: ["errors.ts"], packages: [] },
  "installation.ts": { own: [], packages: [] },
  "ports.ts": { own: ["ledger"], packages: [] },
  "sha256.node.ts": { own: [], packages: ["node:crypto", "@chainsafe/hashtree"] },
  "sha256.browser.ts": { own: [], packages: ["@noble/hashes"] },
  ledger: { own: ["errors.ts", "assert.ts"], packages: ["cbor-x", "#sha256"] },
  consensus: { own: ["ledger", "errors.ts", "assert.ts"], packages: [] },
  state: { own: ["ledger", "errors.ts", "assert.ts"], packages: ["#sha256"] },
  contracts: { own: ["ledger", "errors.ts", "assert.ts"], packages: ["yaml", "#sha256"] },
  client: {
    own: ["ledger", "contracts/state-keys.ts", "contracts/nearest-name.ts", "ports.ts", "errors.ts", "assert.ts"],
    packages: ["@noble/", "shamir-secret-sharing", "#sha256"],
  },
  store: {
    own: ["ledger", "state", "ports.ts", "errors.ts", "assert.ts"],
    packages: ["node:", "level", "classic-level"],
  },
  p2p: {
    own: ["ports.ts", "errors.ts", "assert.ts", "ledger/hash.ts", "ledger/codec.ts"],
    packages: ["node:", "libp2p", "@libp2p/", "@chainsafe/libp2p-gossipsub", "@multiformats/", "uint8arraylist"],
  },
  rpc: {
    own: ["ledger", "ports.ts", "errors.ts", "assert.ts"],
    packages: ["node:", "fastify", "@fastify/", "zod", "ws"],
  },
  "config.ts": {
    own: ["ledger", "client/fields.ts", "rpc/server.ts", "p2p/address.ts", "ports.ts", "errors.ts", "assert.ts"],
    packages: ["node:", "yaml", "zod"],
  },
};

interface SourceFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourceFiles(): readonly SourceFile[] {
  return readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((path) => {
      const text = readFileSync(join(SOURCE, path), "utf8");
      const imports = [
        ...text.matchAll(/^(?:import|export)[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm),
      ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
      return { path, folder: path.split("/")[0] ?? path, text, imports };
    });
}

function targetOf(file: SourceFile, specifier: string): string {
  return relative(SOURCE, join(SOURCE, file.path, "..", specifier));
}

function isAllowed(file: SourceFile, specifier: string): boolean {
  const rule = ALLOWED[file.folder];
  if (rule === undefined) return true;
  if (!specifier.startsWith("."))
    return rule.packages.some(
      (name) =>
        specifier === name || specifier.startsWith(name.endsWith(":") || name.endsWith("/") ? name : `${name}/`),
    );
  const target = targetOf(file, specifier);
  return (
    target.startsWith(`${file.folder}/`) || rule.own.some((name) => target === name || target.startsWith(`${name}/`))
  );
}

/** Comments and texts may mention anything; code may not. */
function codeOf(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/\/\/.*$/gm, "")
    .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

const IMPURE: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["a clock", /\bDate\b|\bperformance\b/],
  ["randomness", /\bMath\.random\b|\bcrypto\b/],
  ["asynchrony", /\basync\b|\bawait\b|\bPromise\b|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b/],
  ["the process", /\bprocess\b|\bglobalThis\b|\bBuffer\b/],
  ["the locale", /\bIntl\b|\btoLocale\w*|\blocaleCompare\b/],
  ["floats", /\bMath\.(?:sqrt|pow|exp|log\w*|sin|cos|tan|random)\b|\bparseFloat\b|\bNumber\.EPSILON\b/],
  ["the console", /\bconsole\b/],
];

describe("architecture", () => {
  const files = sourceFiles();

  it("X1: a folder imports only what ARCHITECTURE.md allows it", () => {
    const violations = files.flatMap((file) =>
      file.imports
        .filter((specifier) => !isAllowed(file, specifier))
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(violations).toEqual([]);
  });

  it("X2: the pure folders name no clock, randomness, locale, float function, host object or asynchrony", () => {
    const violations = files
      .filter(({ folder }) => PURE_FOLDERS.includes(folder))
      .flatMap((file) =>
        IMPURE.filter(([, pattern]) => pattern.test(codeOf(file.text))).map(([name]) => `${file.path} names ${name}`),
      );
    expect(violations).toEqual([]);
  });

  it("X3: only config.ts reads the environment and only main.ts ends the process", () => {
    const environment = files
      .filter(({ path, text }) => path !== "config.ts" && /\bprocess\.env\b/.test(codeOf(text)))
      .map(({ path }) => path);
    const exits = files
      .filter(({ path, text }) => path !== "main.ts" && /\bprocess\.(?:exit|abort|kill)\(/.test(codeOf(text)))
      .map(({ path }) => path);
    expect({ environment, exits }).toEqual({ environment: [], exits: [] });
  });

  it("X4: a package has one importing file", () => {
    const single = [
      "cbor-x",
      "pino",
      "level",
      "commander",
      "csv-parse/sync",
      "read-excel-file/node",
      "sodium-native",
      "@noble/ciphers/chacha.js",
      "@noble/curves/ed25519.js",
      "shamir-secret-sharing",
      "@chainsafe/hashtree",
      "@chainsafe/libp2p-gossipsub",
    ];
    const importers = single.map(
      (name) => [name, files.filter(({ imports }) => imports.includes(name)).map(({ path }) => path)] as const,
    );
    expect(importers.filter(([, paths]) => paths.length > 1)).toEqual([]);
    // The pure language and the configuration may not import each other: each has its own reader.
    const yaml = files.filter(({ imports }) => imports.includes("yaml")).map(({ path }) => path);
    expect(yaml.sort()).toEqual(["config.ts", "contracts/yaml-document.ts"]);
  });

  it("X5: a file is one thing of at most 450 lines", () => {
    const long = files
      .map(({ path, text }) => [path, text.split("\n").length] as const)
      .filter(([, lines]) => lines > FILE_LINES_MAX);
    expect(long).toEqual([]);
  });

  it("X6: no file switches the type checker or the linter off", () => {
    const loose = files
      .filter(
        ({ text }) =>
          /@ts-(?:ignore|expect-error|nocheck)|biome-ignore/.test(text) ||
          /\bas any\b|\bas unknown as\b/.test(codeOf(text)),
      )
      .map(({ path }) => path);
    expect(loose).toEqual([]);
  });

  it("X7: there are no barrel files, and imports end in the real extension", () => {
    const barrels = files.filter(({ path }) => path.endsWith("/index.ts")).map(({ path }) => path);
    const bare = files.flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith(".") && !/\.(?:ts|json)$/.test(specifier))
        .map((specifier) => `${path}: ${specifier}`),
    );
    expect({ barrels, bare }).toEqual({ barrels: [], bare: [] });
  });
});
