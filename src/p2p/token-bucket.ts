// How much of something a peer may do per second, and how much at once after a pause.
// Counts only; what happens to a peer that takes too much is decided elsewhere.

export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledMs: number;

  constructor(options: { readonly perSecond: number; readonly burst: number; readonly nowMs: number }) {
    this.#perMs = options.perSecond / 1_000;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#filledMs = options.nowMs;
  }

  /** Takes `amount` and answers true, or takes nothing and answers false. `nowMs` is monotonic. */
  take(amount: number, nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedMs * this.#perMs);
    this.#filledMs = nowMs;
    if (amount > this.#tokens) return false;
    this.#tokens -= amount;
    return true;
  }
}
