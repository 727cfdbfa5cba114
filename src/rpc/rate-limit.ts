// Who may ask how much: token buckets per connection and per address, and what each address has in use.
// Never keeps more addresses than its limit: the least recently seen idle one gives way.

import type { Clock } from "../ports.ts";

export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Holds up to `burst` tokens, refilled with `perSecond`. */
export class TokenBucket {
  private readonly limit: RateLimit;
  private readonly clock: Clock;
  private tokens: number;
  private refilledMs: number;

  constructor(limit: RateLimit, clock: Clock) {
    this.limit = limit;
    this.clock = clock;
    this.tokens = limit.burst;
    this.refilledMs = clock.monotonicMs();
  }

  /** Takes `cost` tokens, or none and answers false. A cost above the burst is taken from a full bucket. */
  take(cost: number): boolean {
    this.refill();
    const needed = Math.min(cost, this.limit.burst);
    if (this.tokens < needed) return false;
    this.tokens -= needed;
    return true;
  }

  isFull(): boolean {
    this.refill();
    return this.tokens >= this.limit.burst;
  }

  private refill(): void {
    const nowMs = this.clock.monotonicMs();
    this.tokens = Math.min(this.limit.burst, this.tokens + ((nowMs - this.refilledMs) / 1000) * this.limit.perSecond);
    this.refilledMs = nowMs;
  }
}

export interface AddressLimits {
  readonly requests: RateLimit;
  /** addresses remembered at once */
  readonly addressesMax: number;
}

/** What one address has in use. */
export class AddressUse {
  readonly bucket: TokenBucket;
  /** open sockets, whatever they carry */
  connections = 0;
  /** calls whose answer is still due */
  openCalls = 0;

  constructor(bucket: TokenBucket) {
    this.bucket = bucket;
  }

  get isIdle(): boolean {
    return this.connections === 0 && this.openCalls === 0;
  }
}

export class AddressBook {
  private readonly limits: AddressLimits;
  private readonly clock: Clock;
  private readonly uses = new Map<string, AddressUse>();

  constructor(limits: AddressLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
  }

  /** @returns undefined when the book is full of addresses in use */
  use(address: string): AddressUse | undefined {
    const name = networkOf(address);
    let use = this.uses.get(name);
    if (use === undefined) {
      if (this.uses.size >= this.limits.addressesMax && !this.forgetOneIdle()) return undefined;
      use = new AddressUse(new TokenBucket(this.limits.requests, this.clock));
    } else {
      this.uses.delete(name); // moves it to the end: the map's order is the order of last use
    }
    this.uses.set(name, use);
    return use;
  }

  get size(): number {
    return this.uses.size;
  }

  // Looks at the oldest few only, so that a flood of addresses costs the same for each; full buckets go first,
  // otherwise the oldest idle one, whose owner gains at most one burst by it.
  private forgetOneIdle(): boolean {
    let oldestIdle: string | undefined;
    let looked = 0;
    for (const [name, use] of this.uses) {
      if (use.isIdle && use.bucket.isFull()) return this.uses.delete(name);
      if (use.isIdle) oldestIdle ??= name;
      looked += 1;
      if (looked >= 32) break;
    }
    return oldestIdle !== undefined && this.uses.delete(oldestIdle);
  }
}

/** One household has 2^64 IPv6 addresses: they count as one, by their /64. IPv4 counts by address. */
export function networkOf(address: string): string {
  const plain = address.split("%")[0] ?? "";
  const mapped = /^::ffff:([0-9.]+)$/i.exec(plain);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
