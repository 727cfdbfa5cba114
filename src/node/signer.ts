// The only holder of the consensus key. It asks `safety.ts` before every vote, makes the record durable before the vote
// leaves, and halts the node when the core asks for what may not be signed.

import { invariant } from "../assert.ts";
import type { HeadFacts } from "../consensus/events.ts";
import { authorise, type SigningRequest } from "../consensus/safety.ts";
import { decodeVoteRecord, encodeVoteRecord, type VoteRecord } from "../consensus/vote-record.ts";
import { LedgerError } from "../errors.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import type { Clock, KeySigner, VoteRecordStore } from "../ports.ts";

/** Weight of the newest measurement in the smoothed duration of a save. */
const SAVE_SMOOTHING = 0.2;

export class Signer {
  private readonly key: KeySigner;
  private readonly store: VoteRecordStore;
  private readonly clock: Clock;
  private readonly chainId: Hash;
  private current: VoteRecord;
  private turn: Promise<unknown> = Promise.resolve();
  private smoothedSaveMs = 0;
  private constructor(options: {
    key: KeySigner;
    store: VoteRecordStore;
    clock: Clock;
    chainId: Hash;
    record: VoteRecord;
  }) {
    this.key = options.key;
    this.store = options.store;
    this.clock = options.clock;
    this.chainId = options.chainId;
    this.current = options.record;
  }

  /**
   * Loads the vote record that was created together with the key.
   * @throws LedgerError VOTE_RECORD_MISSING, VOTE_RECORD_CORRUPT, VOTE_RECORD_FOREIGN, VOTE_RECORD_OLD: a key without its
   * own newest record may have voted already and must not vote again
   */
  static async open(options: {
    key: KeySigner;
    store: VoteRecordStore;
    clock: Clock;
    chainId: Hash;
    /** the record's sequence that was stored with the head */
    headRecordSequence: number;
  }): Promise<Signer> {
    const loaded = await options.store.load();
    if (loaded.kind === "missing") throw new LedgerError("VOTE_RECORD_MISSING");
    if (loaded.kind === "corrupt") throw new LedgerError("VOTE_RECORD_CORRUPT");
    const decoded = decodeVoteRecord(loaded.bytes);
    if (!decoded.ok) throw new LedgerError("VOTE_RECORD_CORRUPT", { reason: decoded.code });
    const record = decoded.value;
    if (!bytesEqual(record.chainId, options.chainId) || !bytesEqual(record.publicKey, options.key.publicKey))
      throw new LedgerError("VOTE_RECORD_FOREIGN");
    if (record.sequence < options.headRecordSequence) {
      throw new LedgerError("VOTE_RECORD_OLD", {
        recordSequence: record.sequence,
        storeSequence: options.headRecordSequence,
      });
    }
    return new Signer({ ...options, record });
  }

  get record(): VoteRecord {
    return this.current;
  }

  /** Smoothed duration of making a vote durable, ms. */
  get saveMs(): number {
    return this.smoothedSaveMs;
  }

  /**
   * N250: resolves when what was asked to be signed, by this step of the core or before, is on disk and its frames are written.
   * Whoever then holds the thread, for seconds perhaps, delays no vote: a PRE-PREPARE that waited would be too old on arrival, in
   * every view again.
   */
  async untilVotesLeft(): Promise<void> {
    // The other effects of this step are performed first.
    await Promise.resolve();
    for (let seen: unknown; seen !== this.turn; ) {
      seen = this.turn;
      await seen;
      // Frames of a turn are written at its end, which is after the first of these.
      for (let turn = 0; turn < 2; turn += 1) {
        await new Promise<void>((resolve) => {
          this.clock.setTimer(0, resolve);
        });
      }
    }
  }

  /**
   * Signs one vote. On return the record is on disk and the message may be sent.
   * @param head the node's certified head, asked for when it is this request's turn
   * @returns undefined when the height was committed meanwhile
   * @throws LedgerError SIGNING_REFUSED (our own bug), or what the record's disk says: both halt the node
   */
  sign(request: SigningRequest, head: () => HeadFacts): Promise<Uint8Array | undefined> {
    const signed = this.turn.then(() => this.signInTurn(request, head()));
    this.turn = signed.catch(() => undefined);
    return signed;
  }

  /** Takes the record of the next step of a recovery. On return it survives power loss. */
  replaceRecord(record: VoteRecord): Promise<void> {
    const replaced = this.turn.then(async () => {
      const follows = this.current.mustNotSign !== undefined && record.sequence === this.current.sequence + 1;
      invariant(follows, "N160: only the record of a key that signs nothing is replaced");
      await this.store.save(encodeVoteRecord(record));
      this.current = record;
    });
    this.turn = replaced.catch(() => undefined);
    return replaced;
  }

  private async signInTurn(request: SigningRequest, head: HeadFacts): Promise<Uint8Array | undefined> {
    const decision = authorise({
      record: this.current,
      request,
      head,
      validators: head.validators,
      chainId: this.chainId,
    });
    if (!decision.ok) {
      if (decision.code === "STALE_HEIGHT") return undefined;
      throw new LedgerError("SIGNING_REFUSED", { rule: decision.code, detail: decision.detail });
    }
    const sealed = decision.seal(decision.signedBytes.map((bytes) => this.key.sign(bytes)));
    if (sealed.record !== this.current) {
      const startedMs = this.clock.monotonicMs();
      await this.store.save(encodeVoteRecord(sealed.record)); // N43: before the vote leaves
      this.smoothedSaveMs += SAVE_SMOOTHING * (this.clock.monotonicMs() - startedMs - this.smoothedSaveMs);
      this.current = sealed.record;
    }
    return sealed.message;
  }
}
