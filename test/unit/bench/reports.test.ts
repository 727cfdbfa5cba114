// What is made of recorded runs: the page, the comparison, and the bundle that a stranger checks.

import { describe, expect, it } from "vitest";
import { checkBundleText, sealBundle } from "../../../bench/bundle.ts";
import { compareRecords } from "../../../bench/compare.ts";
import { lineOf, type RunRecord } from "../../../bench/record.ts";
import { renderReport } from "../../../bench/report.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { nativeSigner } from "../../../src/node/ed25519-native.ts";
import { phase, RECORD } from "./record-fixture.ts";

function recordOf(rates: readonly number[]): RunRecord {
  const repetitions = rates.map((txPerSecond) => phase({ txPerSecond }));
  return { ...RECORD, points: [{ name: "peak", at: {}, repetitions }] };
}

describe("comparison", () => {
  const throughputOf = (before: readonly number[], after: readonly number[]) =>
    compareRecords([recordOf(before)], [recordOf(after)]).find(({ name }) => name === "peak: throughput");

  it("A138: five repetitions twice as fast are better, and the interval of the ratio holds two", () => {
    const found = throughputOf([100, 101, 102, 103, 104], [200, 202, 204, 206, 208]);
    expect(found).toMatchObject({ verdict: "better", before: 102, after: 204 });
    expect(found?.p).toBeCloseTo(2 / 252, 10);
    expect(found?.ratio.median).toBe(2);
    expect(found?.ratio.low).toBeLessThanOrEqual(2);
    expect(found?.ratio.high).toBeGreaterThanOrEqual(2);
  });

  it("A138: slower is worse, rows that overlap show nothing, and three of each side never can", () => {
    expect(throughputOf([200, 202, 204, 206], [100, 101, 102, 103])?.verdict).toBe("worse");
    expect(throughputOf([100, 102, 104, 106], [101, 103, 105, 107])?.verdict).toBe("no difference shown");
    expect(throughputOf([100, 101, 102], [200, 201, 202])?.verdict).toBe("too few repetitions");
  });

  it("A138: runs of other payloads or other numbers of nodes are not compared", () => {
    const other = { ...recordOf([1]), nodes: 7 };
    expect(compareRecords([recordOf([1])], [other])).toEqual([]);
    const voted = { ...recordOf([1]), configuration: { payload: "vote" } };
    expect(compareRecords([recordOf([1])], [voted])).toEqual([]);
    const envelopes = { ...recordOf([1]), configuration: { callsPerTransaction: 100 } };
    expect(compareRecords([recordOf([1])], [envelopes])).toEqual([]);
  });
});

describe("report", () => {
  const series = [
    {
      chart: "Commits",
      name: "a <b>",
      x: "s",
      y: "tx/s",
      points: [
        [0, 1],
        [1, 2],
      ] as const,
    },
  ];
  const page = renderReport([{ ...recordOf([1000, 2000, 3000]), series, words: ["peak", "--seed", "1"] }]);

  it("A139: one page that loads nothing: charts are in it, no address, no script", () => {
    expect(page.match(/<svg/g)?.length).toBe(2);
    expect(page).not.toMatch(/<script|<link|<img|src=|url\((?!#)|@import/);
    expect(page.replaceAll(/xmlns(?::\w+)?="[^"]*"/g, "")).not.toMatch(/https?:/);
  });

  it("A139: says how to repeat a run and when the machine was shared, and no name becomes markup", () => {
    expect(page).toContain("npm run bench -- peak --seed 1");
    expect(page).not.toContain("a <b>");
    expect(renderReport([{ ...RECORD }])).toContain("The machine was shared: others used up to 7%");
  });
});

describe("bundle", () => {
  const signer = nativeSigner(new Uint8Array(32).fill(5));
  const record = recordOf([1000]);
  const file = (line: unknown, change: Partial<RunRecord> = {}) => JSON.stringify({ line, ...record, ...change });
  const faults = (text: string, expected?: string) => checkBundleText(text, "runs.bundle", expected).faults;

  it("A140: a bundle as it was signed has no faults, and names its signer", () => {
    const text = sealBundle({ "peak.json": file(lineOf(record)), "report.html": "page" }, signer);
    expect(checkBundleText(text, "runs.bundle", toHex(signer.publicKey))).toMatchObject({
      signer: toHex(signer.publicKey),
      faults: [],
      runs: [{ scenario: "peak" }],
    });
  });

  it("A140: the line of an older run, which tells less, has no faults", () => {
    const { load: _, refused: __, ...older } = lineOf(record);
    expect(faults(sealBundle({ "peak.json": file(older) }, signer))).toEqual([]);
  });

  it("A140: a file changed, added, dropped or renamed after signing shows", () => {
    const text = sealBundle({ "peak.json": file(lineOf(record)), "report.html": "page" }, signer);
    const bundle = JSON.parse(text) as { files: Record<string, string> };
    const { "report.html": html, ...rest } = bundle.files;
    const changed = [
      { ...bundle.files, "report.html": "another page" },
      { ...bundle.files, "more.html": "page" },
      rest,
      { ...rest, "other.html": html },
    ];
    for (const files of changed)
      expect(faults(JSON.stringify({ ...bundle, files }))).toEqual([
        "the signature is not the signer's over these files",
      ]);
    expect(faults(text, "00".repeat(32))).toHaveLength(1);
  });

  it("A140, A152: figures that do not follow from the raw data show, whoever signed them", () => {
    const better = { ...lineOf(record), txPerSecond: 99_999 };
    const [first] = record.points[0]!.repetitions;
    const lost = [{ name: "peak", at: {}, repetitions: [{ ...first!, committed: 99, missing: 1 }] }];
    const steps = Array.from({ length: 10 }, () => 90);
    const fast = [
      { name: "peak", at: {}, repetitions: [{ ...first!, timeline: { ...first!.timeline, committed: steps } }] },
    ];
    const cases = [
      [file({ ...lineOf(record), more: 1 }), "the line does not follow"],
      [file(undefined), "the line does not follow"],
      [
        file(lineOf({ ...record, points: fast }), { points: fast }),
        "of 1000 commits, and 900 came while it was measured",
      ],
      [file(better), "the line does not follow"],
      [file(lineOf(record), { limitTxPerSecond: 1 }), "the limit is not"],
      [file(lineOf({ ...record, points: lost }), { points: lost }), "3 latencies of 99 commits"],
    ] as const;
    for (const [text, fault] of cases)
      expect(faults(sealBundle({ "peak.json": text }, signer)).join("; ")).toContain(fault);
  });
});
