// Proof that the exploration can find something: rules broken in a copy of the sources, one at a time, each to be found.
// The first five are those that protocol.md calls known to fork; the copy lies in a temporary folder and is removed.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface PlantedBreak {
  readonly name: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** name of the bounds within which it shows */
  readonly bounds: string;
}

const SAFETY = "src/consensus/safety.ts";
const VERIFIER = "src/consensus/height-verifier.ts";
const VIEW_CHANGE_RECORD = "const next = advanced(record, { height, position, block: undefined, suspicion });";

export const PLANTED: readonly PlantedBreak[] = [
  {
    name: "VIEW-CHANGE without the lock",
    edits: [
      {
        file: SAFETY,
        from: "const lock = height === record.height ? record.lock : undefined;",
        to: 'const lock = undefined as VoteRecord["lock"];',
      },
    ],
    bounds: "lying first primary",
  },
  {
    name: "VIEW-CHANGE that does not raise the position",
    edits: [
      {
        file: SAFETY,
        from: VIEW_CHANGE_RECORD,
        to: `const raised = advanced(record, { height, position, block: undefined, suspicion });
  const { position: before, suspicionBytes } = record;
  const next = height === record.height ? { ...raised, position: before, suspicionBytes, frames: [] } : raised;`,
      },
    ],
    bounds: "lying first primary, restarts",
  },
  {
    name: "the lowest prepared view decides",
    edits: [
      { file: VERIFIER, from: "prepared.view > highest.view", to: "prepared.view < highest.view" },
      {
        file: "src/consensus/view-change.ts",
        from: "chosen[0]?.certificate }",
        to: "chosen.find(({ viewChange }) => viewChange.prepared === decided)?.certificate }",
      },
    ],
    bounds: "three views, lying first primary",
  },
  {
    name: "any NEW-VIEW taken as free",
    edits: [
      {
        file: VERIFIER,
        from: 'if (highest === undefined) return certificate === undefined ? accept(undefined) : refuse("NEW_VIEW_CERTIFICATE");',
        to: "if (newView.view > 0) return accept(undefined);\n  if (highest === undefined) return accept(undefined);",
      },
    ],
    bounds: "lying second primary",
  },
  {
    name: "VIEW-CHANGE recorded at the sender's old view",
    edits: [
      {
        file: SAFETY,
        from: VIEW_CHANGE_RECORD,
        to: `const old = { view: view - 1, step: STEP_VIEW_CHANGE } as const;
  const next = { ...advanced(record, { height, position: old, block: undefined, suspicion: undefined }), frames: [] };`,
      },
    ],
    bounds: "lying first primary, restarts",
  },
  {
    name: "a record read back without its lock",
    edits: [
      {
        file: "src/consensus/vote-record.ts",
        from: "lock: readLock(reader),",
        to: "lock: readLock(reader) === undefined ? undefined : undefined,",
      },
    ],
    bounds: "lying first primary, restarts",
  },
  {
    name: "a quorum of two",
    edits: [
      {
        file: "src/ledger/certificate.ts",
        from: "return Math.floor((2 * count) / 3) + 1;",
        to: "return Math.floor((2 * count) / 3);",
      },
    ],
    bounds: "lying first primary",
  },
];

/** @returns how many were found */
export function findPlanted(say: (line: string) => void): number {
  let found = 0;
  for (const planted of PLANTED) {
    const startedMs = performance.now();
    const lines = runBroken(planted);
    const last = lines.at(-1) ?? "";
    const isFound = / states visited, [1-9]\d* violations$/.test(last);
    if (isFound) found += 1;
    const rule = isFound ? (lines.at(-2) ?? "").trim() : "NOT FOUND";
    say(`${planted.name}: ${rule} (${last}, ${((performance.now() - startedMs) / 1000).toFixed(0)} s)`);
  }
  return found;
}

function runBroken({ edits, bounds }: PlantedBreak): readonly string[] {
  const root = join(import.meta.dirname, "../..");
  const folder = mkdtempSync(join(tmpdir(), "linli-planted-"));
  try {
    for (const part of ["src", "test/explore", "test/sim"])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    for (const part of ["package.json", "node_modules"]) symlinkSync(join(root, part), join(folder, part));
    for (const { file, from, to } of edits) {
      const text = readFileSync(join(folder, file), "utf8");
      if (text.split(from).length !== 2) throw new Error(`${file} has not exactly one place: ${from}`);
      writeFileSync(join(folder, file), text.replace(from, to));
    }
    const args = [join(folder, "test/explore/main.ts"), "--bounds", bounds];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1 << 26 });
    const lines = stdout.trimEnd().split("\n");
    if (!/ states visited, /.test(lines.at(-1) ?? "")) throw new Error(`the broken copy does not run: ${stderr}`);
    return lines;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
