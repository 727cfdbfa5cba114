// How far apart nodes are: delays between the places of a network, one way, with their source.
// The relay delays by them; nothing here measures.

import { LedgerError } from "../src/errors.ts";

export interface Places {
  readonly title: string;
  readonly names: readonly string[];
  /** ms there and back, by place and place */
  readonly roundTripMs: readonly (readonly number[])[];
  readonly source: string;
}

const CHINA: Places = {
  title: "four cities of China",
  names: ["Beijing", "Shanghai", "Guangzhou", "Chengdu"],
  roundTripMs: [
    [0, 28.6, 50.6, 40.7],
    [28.6, 0, 32.5, 44.5],
    [50.6, 32.5, 0, 33.1],
    [40.7, 44.5, 33.1, 0],
  ],
  source:
    "Beijing to Shanghai as measured between cloud hosts in 2023 (yunthe.com/news/507739.html: 28.6 ms on average); the others by great-circle distance (1,889, 1,518, 1,213, 1,660 and 1,236 km) at the same 26.8 us for each km",
};

const WORLD: Places = {
  title: "five regions of the world",
  names: ["Frankfurt", "Washington", "Tokyo", "Sydney", "Sao Paulo"],
  roundTripMs: [
    [0, 90, 231, 250, 197],
    [90, 0, 169, 213, 119],
    [231, 169, 0, 117, 283],
    [250, 213, 117, 0, 328],
    [197, 119, 283, 328, 0],
  ],
  source:
    "IBM Cloud, inter-region latency, averages of 28 September to 27 October 2024 (ibm-cloud-docs/vpc, network-latency.md)",
};

const DELAY_MS_MAX = 2_000;

/** @param name china, world, or a delay in ms, one way, between each two of four nodes. @throws LedgerError BENCH_PLACE_UNKNOWN */
export function placesNamed(name: string): Places {
  if (name === "china") return CHINA;
  if (name === "world") return WORLD;
  const delayMs = Number(name);
  if (!/^[0-9]+$/.test(name) || delayMs > DELAY_MS_MAX)
    throw new LedgerError("BENCH_PLACE_UNKNOWN", { name }, { remedy: "china, world, or ms one way" });
  const nodes = [1, 2, 3, 4];
  return {
    title: `${delayMs} ms one way between each two`,
    names: nodes.map((node) => `place ${node}`),
    roundTripMs: nodes.map((from) => nodes.map((to) => (from === to ? 0 : 2 * delayMs))),
    source: "as asked for",
  };
}

/** ms, from one place to another. */
export function oneWayMs(places: Places, from: number, to: number): number {
  const roundTripMs = places.roundTripMs[from]?.[to];
  if (roundTripMs === undefined) throw new LedgerError("BENCH_PLACE_UNKNOWN", { from, to });
  return roundTripMs / 2;
}
