// When an open-loop load intends to send: decided before the clock starts, from a seed, whatever the network then does.
// Knows no clock.

export type ArrivalKind = "poisson" | "constant";

/** Offsets in ms from the start of the load, ascending, all below `seconds`. */
export function arrivalsMs(load: {
  readonly kind: ArrivalKind;
  /** mean arrivals per second */
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
}): Float64Array {
  const { kind, rate, seconds, seed } = load;
  const gapMs = 1000 / rate;
  const endMs = seconds * 1000;
  const random = randomFrom(seed);
  const offsets: number[] = [];
  // A constant load starts half a gap in, so that it has the same number of arrivals in every second.
  for (let at = kind === "constant" ? gapMs / 2 : 0; ; ) {
    if (kind === "poisson") at -= Math.log(1 - random()) * gapMs;
    if (at >= endMs) return Float64Array.from(offsets);
    offsets.push(at);
    if (kind === "constant") at += gapMs;
  }
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
