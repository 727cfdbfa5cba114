// Simulated time: callbacks in order of (time, order of scheduling). Nothing happens between them.

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Timeline {
  nowMs = 0;
  private order = 0;
  private readonly heap: Entry[] = [];

  after(delayMs: number, run: () => void): void {
    this.order += 1;
    this.push({ atMs: this.nowMs + Math.max(0, Math.ceil(delayMs)), order: this.order, run });
  }

  /** Runs until nothing is left, `isDone` says so, or the time is up. @returns whether `isDone` was reached */
  runUntil(endMs: number, isDone: () => boolean): boolean {
    for (;;) {
      if (isDone()) return true;
      const run = this.takeNext(endMs);
      if (run === undefined) return false;
      run();
    }
  }

  /** Moves time to the next callback and hands it out; undefined when none is left until `endMs`. */
  takeNext(endMs: number): (() => void) | undefined {
    const next = this.heap[0];
    if (next === undefined || next.atMs > endMs) return undefined;
    this.pop();
    this.nowMs = next.atMs;
    return next.run;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[index] = heap[parent] as Entry;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs !== other.atMs ? one.atMs < other.atMs : one.order < other.order;
}
