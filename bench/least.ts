// How long something takes at least: the least of many short runs counts, since other work on the machine only ever adds.
// Knows nothing of what is measured.

/** Shorter than what a busy machine leaves a process at a time: the least is then a run that nobody interrupted. */
const RUN_MS = 2;

/** us for each of the `size` evaluations that one call of `round` makes; the result is used, so that none is left out. */
export function leastUs(size: number, round: () => number, runs = 400): number {
  let used = 0;
  for (const warm = performance.now(); performance.now() - warm < 150; ) used += round();
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) {
    const started = performance.now();
    let rounds = 0;
    let elapsed = 0;
    while (elapsed < RUN_MS) {
      used += round();
      rounds += 1;
      elapsed = performance.now() - started;
    }
    least = Math.min(least, (elapsed * 1000) / (rounds * size));
  }
  if (used < 0) throw new Error("nothing was evaluated");
  return least;
}
