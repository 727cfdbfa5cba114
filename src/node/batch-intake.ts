// The one way a foreign batch enters this node: decoded, verified once, pooled. Whoever needs a batch asks `obtain`,
// which waits for gossip, asks its holders, and gives up only when nobody needs it any more.

import type { ValidatorKey } from "../consensus/events.ts";
import { accept, LedgerError, refuse, type Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decode, encode, ownBytes, type Value } from "../ledger/codec.ts";
import { decodeBatch } from "../ledger/format-batch.ts";
import { bytesEqual, bytesKey, type Hash, toHex } from "../ledger/hash.ts";
import type { Batch, BatchReference, Validator, VerifySignature } from "../ledger/types.ts";
import { checkBatch } from "../ledger/validate.ts";
import type { Clock, Logger } from "../ports.ts";
import type { BatchPool, PoolView } from "./batch-pool.ts";
import { SHARE_PER_PEER } from "./fair-turns.ts";
import type { VerifyPool } from "./verify-pool.ts";

/** How long gossip may take before a missing batch is asked for; doubled after each attempt, up to the maximum. */
const GOSSIP_WAIT_MS = 30;
const GOSSIP_WAIT_MS_MAX = 500;
const FETCH_TIMEOUT_MS = 2_000;
/** Digests in one fetch; what an answer carries at most. */
export const FETCH_DIGESTS_MAX = 256;
export const FETCH_ANSWER_BYTES_MAX = 6 << 20;
/** Batches in one answer: more than the digests of a question, as a question without digests asks for all that wait. */
const FETCH_BATCHES_MAX = 8_192;
/** Lists of byte strings and nothing else: a small message may not become a large heap. */
const QUESTION_LIMITS: DecodeLimits = { ...DECODE_LIMITS, depthMax: 1, itemsMax: FETCH_DIGESTS_MAX + 1 };
const ANSWER_LIMITS: DecodeLimits = { ...DECODE_LIMITS, depthMax: 1, itemsMax: FETCH_BATCHES_MAX + 1 };
/** Gossip of one peer that waits for its turn; beyond it batches are dropped unread, and fetched when a block names them. */
export const BACKLOG_BYTES_PER_PEER_MAX = 4 << 20;
/** Batches of one peer's gossip that are checked at a time. */
const LANES_PER_PEER = 4;

export interface IntakePorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pool: BatchPool;
  readonly verifyPool: VerifyPool;
  readonly verify: VerifySignature;
  readonly chainId: Hash;
  validators(): readonly Validator[];
  poolView(): PoolView;
  windowMs(): number;
  /** batches of this node that wait for a block, oldest first */
  ownWaiting(): readonly Batch[];
  /** a batch that was durable before and so was verified before */
  loadBatch(digest: Hash): Uint8Array | undefined;
  fetch(from: ValidatorKey, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** the signatures of one batch took this long */
  onVerified(durationMs: number, transactions: number): void;
  /** a new batch is in the pool */
  onBatch(batch: Batch): void;
  /** an origin signed an invalid batch, or a peer sent rubbish */
  onInvalid(from: ValidatorKey, code: string, bytes: Uint8Array): void;
}

export class BatchIntake {
  private readonly ports: IntakePorts;
  private readonly verifying = new Map<string, Promise<Batch | undefined>>();
  private readonly arrivals = new Map<string, Set<(batch: Batch | undefined) => void>>();
  /** bytes of gossip that wait for their turn, by peer */
  private readonly backlogs = new Map<ValidatorKey, number>();
  /** the last turn of each lane */
  private readonly lanes = new Map<string, Promise<unknown>>();
  private heard = 0;
  /** monotonic ms until which a peer's gossip waits, because it was of no use */
  private readonly restUntilMs = new Map<ValidatorKey, number>();

  constructor(ports: IntakePorts) {
    this.ports = ports;
  }

  /**
   * Takes gossip. A peer's batches wait for each other and not for those of others, so that a flood takes its sender's
   * share of this node's time and no memory beyond its backlog.
   */
  hear(bytes: Uint8Array, from: ValidatorKey): Promise<void> {
    const waiting = this.backlogs.get(from) ?? 0;
    if (waiting + bytes.length > BACKLOG_BYTES_PER_PEER_MAX) return Promise.resolve();
    this.backlogs.set(from, waiting + bytes.length);
    const own = ownBytes(bytes);
    this.heard += 1;
    const lane = `${from}:${this.heard % LANES_PER_PEER}`;
    const turn = (this.lanes.get(lane) ?? Promise.resolve())
      .then(() => this.takeIfWanted(own, from))
      .finally(() => this.backlogs.set(from, (this.backlogs.get(from) ?? 0) - own.length));
    this.lanes.set(
      lane,
      turn.catch(() => undefined),
    );
    return turn;
  }

  private async takeIfWanted(bytes: Uint8Array, from: ValidatorKey): Promise<void> {
    const { pool, clock, poolView, windowMs } = this.ports;
    for (let restMs = this.restOf(from); restMs > 0; restMs = this.restOf(from))
      await new Promise<void>((resolve) => {
        clock.setTimer(restMs, resolve);
      });
    const startedMs = clock.monotonicMs();
    const decoded = decodeBatch(bytes);
    if (!decoded.ok) return this.ports.onInvalid(from, decoded.code, bytes);
    const times = { nowMs: clock.nowMs(), windowMs: windowMs() };
    if (this.isSeated(decoded.value.origin) && pool.wants(decoded.value, poolView(), times)) {
      await this.check(decoded.value, from);
      return;
    }
    // Reading what is of no use may take a peer's share of this node's time, and no more.
    const nowMs = clock.monotonicMs();
    const restMs = (nowMs - startedMs) * (1 / SHARE_PER_PEER - 1);
    this.restUntilMs.set(from, Math.max(nowMs, this.restUntilMs.get(from) ?? 0) + restMs);
  }

  /** N93: who has left, or is seated by a block that is not here yet: nobody's fault, and of no use at this height. */
  private isSeated(origin: Uint8Array): boolean {
    return this.ports.validators().some(({ publicKey }) => bytesEqual(publicKey, origin));
  }

  private restOf(from: ValidatorKey): number {
    return (this.restUntilMs.get(from) ?? 0) - this.ports.clock.monotonicMs();
  }

  /** Takes a batch that was asked for. @returns it when valid */
  take(bytes: Uint8Array, from: ValidatorKey): Promise<Batch | undefined> {
    const decoded = decodeBatch(bytes);
    if (decoded.ok) return this.check(decoded.value, from);
    this.ports.onInvalid(from, decoded.code, bytes);
    return Promise.resolve(undefined);
  }

  /** @returns the batch when valid; the same promise for the same batch in flight */
  private check(batch: Batch, from: ValidatorKey): Promise<Batch | undefined> {
    const known = this.ports.pool.get(batch.digest);
    if (known !== undefined) return Promise.resolve(known);
    const digest = bytesKey(batch.digest);
    let pending = this.verifying.get(digest);
    if (pending === undefined && !this.isSeated(batch.origin)) return Promise.resolve(undefined);
    if (pending === undefined) {
      // The origin's signature first: it is no part of the digest, so a copy with a wrong one may neither cost the work
      // of its transactions nor stand for the true one that arrives meanwhile.
      const sealed = this.judge(batch, { areTransactionsChecked: true });
      if (!sealed.ok) {
        this.ports.onInvalid(from, sealed.code, batch.bytes);
        return Promise.resolve(undefined);
      }
      pending = this.verify(batch, from).finally(() => this.verifying.delete(digest));
      this.verifying.set(digest, pending);
    }
    return pending;
  }

  /**
   * The batch behind a reference, from pool, store, gossip or its holders, whoever answers first.
   * @param isNeeded asked between attempts; once false the search ends
   */
  async obtain(
    reference: BatchReference,
    holders: readonly ValidatorKey[],
    isNeeded: () => boolean,
  ): Promise<Verdict<Batch>> {
    let arrived: Batch | undefined;
    for (let attempt = 0; isNeeded(); attempt += 1) {
      const found = arrived ?? (await this.find(reference.digest));
      if (found !== undefined) {
        const isAsNamed =
          found.bytes.length === reference.bytes &&
          found.transactions.length === reference.count &&
          bytesEqual(found.origin, reference.origin);
        return isAsNamed ? accept(found) : refuse("REFERENCE_MISMATCH", toHex(reference.digest));
      }
      // N79: a proposal may name a thousand batches that nobody has, at a height that nobody closes for hours.
      const waitMs = Math.min(GOSSIP_WAIT_MS * 2 ** Math.min(attempt, 8), GOSSIP_WAIT_MS_MAX);
      arrived = await this.waitForArrival(reference.digest, waitMs);
      const holder = holders[attempt % Math.max(1, holders.length)];
      if (arrived === undefined && holder !== undefined) {
        arrived = await this.fetch(holder, reference.digest);
      }
    }
    return refuse("NO_LONGER_NEEDED");
  }

  /**
   * Hears what a peer answers as if it had spread it: batches that a suspicion of its names, or without digests its own
   * that wait for a block. Gossip that missed this node (it was away, or has just started) comes by this way.
   */
  async collect(from: ValidatorKey, digests: readonly Hash[]): Promise<void> {
    const missing = digests.filter((digest) => !this.ports.pool.has(digest)).slice(0, FETCH_DIGESTS_MAX);
    if (digests.length > 0 && missing.length === 0) return;
    await Promise.all((await this.ask(from, missing)).map((bytes) => this.hear(bytes, from)));
  }

  /** Asks one peer for a batch and takes it at once: a block waits for it. */
  private async fetch(from: ValidatorKey, digest: Hash): Promise<Batch | undefined> {
    const [bytes] = await this.ask(from, [digest]);
    const batch = bytes === undefined ? undefined : await this.take(bytes, from);
    return batch !== undefined && bytesEqual(batch.digest, digest) ? batch : undefined;
  }

  /** What a peer answers to a fetch. One that cannot answer is no error. */
  private async ask(from: ValidatorKey, digests: readonly Hash[]): Promise<readonly Uint8Array[]> {
    let answer: Uint8Array;
    try {
      answer = await this.ports.fetch(from, encode(digests), FETCH_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.ports.log.debug("batch fetch failed", { from, code: error.code });
      return [];
    }
    const decoded = decode(answer, ANSWER_LIMITS);
    if (decoded.ok && Array.isArray(decoded.value)) {
      const items = decoded.value as readonly Value[];
      return items.filter((item): item is Uint8Array => item instanceof Uint8Array);
    }
    this.ports.onInvalid(from, "FETCH_ANSWER_INVALID", answer);
    return [];
  }

  /** Answers a peer's fetch, as much as fits: from pool and store; one without digests with the own batches that wait. */
  answerFetch(payload: Uint8Array): Uint8Array {
    const decoded = decode(payload, QUESTION_LIMITS);
    if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length > FETCH_DIGESTS_MAX)
      throw new LedgerError("FETCH_REQUEST_INVALID");
    const digests = decoded.value as readonly Value[];
    const found =
      digests.length > 0
        ? digests.map((digest) => this.bodyOf(digest))
        : this.ports.ownWaiting().map(({ bytes }) => bytes);
    const bodies: Uint8Array[] = [];
    let bytes = 0;
    for (const body of found) {
      if (body === undefined || bodies.length >= FETCH_BATCHES_MAX || bytes + body.length > FETCH_ANSWER_BYTES_MAX)
        continue;
      bytes += body.length;
      bodies.push(body);
    }
    return encode(bodies);
  }

  private bodyOf(digest: Value): Uint8Array | undefined {
    if (!(digest instanceof Uint8Array) || digest.length !== 32) throw new LedgerError("FETCH_REQUEST_INVALID");
    return this.ports.pool.get(digest)?.bytes ?? this.ports.loadBatch(digest);
  }

  private async find(digest: Hash): Promise<Batch | undefined> {
    const pooled = this.ports.pool.get(digest) ?? (await this.verifying.get(bytesKey(digest)));
    if (pooled !== undefined) return pooled;
    const stored = this.ports.loadBatch(digest);
    if (stored === undefined) return undefined;
    const decoded = decodeBatch(stored);
    return decoded.ok ? decoded.value : undefined;
  }

  private async verify(batch: Batch, from: ValidatorKey): Promise<Batch | undefined> {
    const { chainId, verifyPool, pool, clock } = this.ports;
    const startedMs = clock.monotonicMs();
    // A transaction of another chain is left to checkBatch, which names it.
    const isOfThisChain = batch.transactions.every(({ body }) => bytesEqual(body.chainId, chainId));
    const isChecked = isOfThisChain && (await verifyPool.verifyTransactions(batch.transactions));
    this.ports.onVerified(clock.monotonicMs() - startedMs, batch.transactions.length);
    // N237: a seat that was lost meanwhile. The pool has dropped what it had of that origin, and a block of it is refused by all.
    if (!this.isSeated(batch.origin)) return undefined;
    const verdict = isChecked ? accept(true) : this.judge(batch, { areTransactionsChecked: false });
    if (!verdict.ok) {
      this.ports.onInvalid(from, verdict.code, batch.bytes);
      return undefined;
    }
    pool.add(batch);
    this.ports.onBatch(batch);
    const waiting = this.arrivals.get(bytesKey(batch.digest));
    if (waiting !== undefined) for (const wake of waiting) wake(batch);
    return batch;
  }

  private judge(batch: Batch, known: { readonly areTransactionsChecked: boolean }): Verdict<true> {
    const { chainId, validators, verify } = this.ports;
    const transactionChecked = () => known.areTransactionsChecked;
    return checkBatch({ batch, chainId, validators: validators(), verify, transactionChecked });
  }

  private waitForArrival(digest: Hash, waitMs: number): Promise<Batch | undefined> {
    const key = bytesKey(digest);
    return new Promise((resolve) => {
      const waiting = this.arrivals.get(key) ?? new Set();
      const wake = (batch: Batch | undefined) => {
        cancel();
        waiting.delete(wake);
        if (waiting.size === 0) this.arrivals.delete(key);
        resolve(batch);
      };
      const cancel = this.ports.clock.setTimer(waitMs, () => wake(undefined));
      waiting.add(wake);
      this.arrivals.set(key, waiting);
    });
  }
}
