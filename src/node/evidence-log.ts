// Proofs of misbehaviour that this node found or was told, kept on disk for supervision. Each is checked before it is
// kept, whoever sent it; silence is never evidence.

import { batchOrigin } from "../consensus/batch-evidence.ts";
import { encodeInvalidBatch, evidenceSubject, verifyEvidence } from "../consensus/evidence.ts";
import { type Hash, toHex } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { Validator, VerifySignature } from "../ledger/types.ts";
import type { Logger } from "../ports.ts";
import type { LedgerStore } from "../store/ledger-store.ts";

/** One proof: above the largest batch and the longest NEW-VIEW of 128 honest validators, and below what can be spread. */
export const EVIDENCE_BYTES_MAX = LIMITS.batchBytesMax + 1_024;
/** Beyond this many nobody needs another proof of the same offender; a flood of them fills neither disk nor memory. */
export const EVIDENCE_PER_OFFENDER_MAX = 32;

export interface EvidenceView {
  readonly rule: string;
  readonly label: string;
  readonly height: number;
  readonly offender: string;
  /** the proof itself, checkable by anybody */
  readonly bytes: string;
}

/** Who had seats when: evidence is judged by those of its height, not by those of today. */
interface ValidatorHistory {
  readonly validatorsEver: readonly Validator[];
  validatorsAt(height: number): readonly Validator[];
}

export class EvidenceLog {
  private readonly store: LedgerStore;
  private readonly chainId: Hash;
  private readonly verify: VerifySignature;
  private readonly log: Logger;
  private readonly publish: (bytes: Uint8Array) => Promise<void>;
  private readonly seats: ValidatorHistory;
  /** by offender, height and rule: one proof of each is enough */
  private readonly known = new Map<string, EvidenceView>();

  constructor(options: {
    store: LedgerStore;
    chainId: Hash;
    verify: VerifySignature;
    log: Logger;
    seats: ValidatorHistory;
    publish(bytes: Uint8Array): Promise<void>;
  }) {
    this.store = options.store;
    this.chainId = options.chainId;
    this.verify = options.verify;
    this.log = options.log;
    this.seats = options.seats;
    this.publish = (bytes) => options.publish(bytes);
  }

  /** An invalid batch that its origin signed proves itself, whoever handed it over. */
  async accuse(batchBytes: Uint8Array): Promise<void> {
    const origin = batchOrigin(batchBytes);
    if (origin !== undefined && !this.knows("INVALID_BATCH", origin))
      await this.record(encodeInvalidBatch(origin, batchBytes));
  }

  /** Keeps what this node found, and passes it on. */
  async record(bytes: Uint8Array): Promise<void> {
    if (await this.take(bytes)) await this.publish(bytes);
  }

  /** Finds what earlier runs recorded. */
  async load(): Promise<void> {
    for (const bytes of await this.store.loadEvidence()) this.check(bytes);
  }

  /** @returns true when it proves something new; it is then durable and worth passing on */
  async take(bytes: Uint8Array): Promise<boolean> {
    const view = this.check(bytes);
    if (view === undefined) return false;
    await this.store.saveEvidence(bytes);
    this.log.warn("evidence recorded", {
      rule: view.rule,
      label: view.label,
      height: view.height,
      offender: view.offender,
    });
    return true;
  }

  /** Whether this rule is proved against the offender already: another proof need not even be made. */
  knows(rule: string, offender: Uint8Array): boolean {
    const key = toHex(offender);
    return this.list().some((view) => view.rule === rule && view.offender === key);
  }

  list(): readonly EvidenceView[] {
    return [...this.known.values()];
  }

  private check(bytes: Uint8Array): EvidenceView | undefined {
    if (bytes.length > EVIDENCE_BYTES_MAX) return undefined;
    const subject = evidenceSubject(bytes);
    if (!subject.ok) return undefined;
    const { rule, height } = subject.value;
    const offender = toHex(subject.value.offender);
    // The same contradiction has many forms: order, views, other halves. Who knows one needs no other.
    const id = `${offender}:${height}:${rule}`;
    const ofOffender = this.list().filter((view) => view.offender === offender).length;
    if (this.known.has(id) || ofOffender >= EVIDENCE_PER_OFFENDER_MAX) return undefined;
    // A batch belongs to no height: its origin had a seat at some time.
    const validators = rule === "INVALID_BATCH" ? this.seats.validatorsEver : this.seats.validatorsAt(height);
    const verdict = verifyEvidence({ bytes, chainId: this.chainId, validators, verify: this.verify });
    if (!verdict.ok) return undefined;
    const view = { rule, label: verdict.value.label, height, offender, bytes: toHex(bytes) };
    this.known.set(id, view);
    return view;
  }
}
