// The omniscient checkers of whole nodes: what none of them may do, seen from outside. Each names the rule it guards.
// They keep what a crash makes a node forget, and trust nothing that a node says about itself.

import type { HeadFacts } from "../../../src/consensus/events.ts";
import { DEFAULT_TIMING } from "../../../src/consensus/limits.ts";
import type { ConsensusMessage } from "../../../src/consensus/messages.ts";
import { decodeMessage, type PrePrepareMessage } from "../../../src/consensus/messages.ts";
import type { NewView } from "../../../src/consensus/view-formats.ts";
import { decodeVoteRecord } from "../../../src/consensus/vote-record.ts";
import { decodeRow, rowPrefix } from "../../../src/contracts/describe.ts";
import type { Verdict } from "../../../src/errors.ts";
import { verifyCertificate } from "../../../src/ledger/certificate.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { batchSigningBytes, decodeBatch } from "../../../src/ledger/format-batch.ts";
import { blockHashOf, resultHashOf } from "../../../src/ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { transactionSigningBytes } from "../../../src/ledger/format-transaction.ts";
import { decodeCertificate } from "../../../src/ledger/format-vote.ts";
import { bytesEqual, EMPTY_BYTES, type Hash, toHex } from "../../../src/ledger/hash.ts";
import type { Batch, BatchReference, Header, Transaction, Validator } from "../../../src/ledger/types.ts";
import type { CommittedBlock, Participant } from "../../../src/node/participant.ts";
import type { RequestProtocol } from "../../../src/ports.ts";
import { batchKey, SPACE_KEY, type StateSpace, stateKey } from "../../../src/store/keys.ts";
import { decodeState } from "../../../src/store/rows.ts";
import { isRightfulNewView, isTrueSuspicion, listFault, quorumOf } from "../outside.ts";
import { nameOf, ownPlaceOf, type Place, SignedPlaces } from "../signed-places.ts";
import { PURSE_FEN } from "./clients.ts";
import type { SimDisk } from "./disk.ts";
import { Headers } from "./headers.ts";
import type { Member } from "./member.ts";
import type { World } from "./world.ts";

/** Nobody loses patience with a primary earlier, whatever link is cut (DEFAULT_TIMING); a clock may drift. */
const PATIENCE_MS_MIN = 0.999 * Math.min(DEFAULT_TIMING.timeoutMsMin, DEFAULT_TIMING.lostPrimaryMsMin);

/** The steps of a view in which something is signed. */
const VOTE_OF_STEP = ["viewChange", "prepare", "commit"] as const;

/** What the first honest node committed at a height: all others must have the same. */
interface Decided {
  readonly what: string;
  readonly ids: readonly string[];
}

export class Checkers {
  /** transaction -> height of its receipt */
  readonly receipts = new Map<string, number>();
  viewsMax = 0;
  /** how long a transaction may be valid, by the newest parameters */
  windowMs: number;
  private readonly world: World;
  private readonly decided = new Map<number, Decided>();
  /** height -> time of its block */
  private readonly times = new Map<number, number>();
  /** heights that somebody fetched as a snapshot before anybody honest committed them */
  private readonly installed = new Map<number, string>();
  private readonly validators = new Map<number, readonly Validator[]>();
  /** node -> highest height it has called committed */
  private readonly heights = new Map<number, number>();
  private readonly places = new SignedPlaces();
  private readonly references = new Map<string, readonly BatchReference[]>();
  /** height:view:block -> what its primary has called its right to propose it */
  private readonly newViews = new Map<string, readonly NewView[]>();
  /** height:view:block -> keys that have sent COMMIT for it */
  private readonly commits = new Map<string, Set<string>>();
  /** height -> block that q keys may have committed, the liars among them counted as if they had, and the view */
  private readonly locked = new Map<number, { readonly block: string; readonly view: number }>();
  /** when each node began the height and view it is in */
  private readonly beganAtMs = new Map<number, number>();
  private readonly headers: Headers;
  private readonly readings = new WeakMap<Uint8Array, Verdict<ConsensusMessage>>();
  /** frames that somebody has sent */
  private readonly observed = new WeakSet<Uint8Array>();

  constructor(world: World) {
    this.world = world;
    this.headers = new Headers(world.cast.genesis);
    this.validators.set(1, world.cast.genesis.validators);
    this.windowMs = world.plan.parameters.replayWindowMs;
  }

  validatorsAt(height: number): readonly Validator[] | undefined {
    return this.validators.get(height);
  }

  get height(): number {
    return Math.max(0, ...this.decided.keys());
  }

  // ---- commits ----

  observeCommit(member: Member, block: CommittedBlock): void {
    if (this.world.isLiar(member.index)) return;
    this.world.upgrades?.observeCommit(member, block);
    const { staged, head } = block;
    const { transactions, proposal } = staged.block;
    const ids = transactions.map(({ id }) => toHex(id));
    this.world.noticeCommit();
    this.world.trace(
      `${this.world.at} node ${member.index} commits ${head.height} ${toHex(head.blockHash).slice(0, 8)} view ${head.certificateView} (of ${proposal.header.view}), ${ids.length} transactions`,
    );
    this.viewsMax = Math.max(this.viewsMax, head.certificateView);
    this.beganAtMs.set(member.index, this.world.timeline.nowMs);
    this.times.set(head.height, head.timeMs);
    if (!this.decided.has(head.height)) this.checkBlock(proposal.header, transactions);
    this.checkHeader(member, block);
    this.decide(member, head.height, `${toHex(head.blockHash)}/${toHex(head.resultHash)}`, ids);
    if (head.height === this.height) this.windowMs = head.parameters.replayWindowMs;
    this.validators.set(head.height + 1, head.validators);
    this.observeHeight(member, head.height);
    this.checkCertificate(member, head.height);
  }

  private checkHeader(member: Member, { staged, head }: CommittedBlock): void {
    if (this.world.isForked) return;
    const { proposal, transactions } = staged.block;
    const { height } = head;
    const ids = transactions.map(({ id }) => id);
    const wrong = this.headers.fault(proposal, { ids, validators: this.validators.get(height) });
    if (wrong !== "") this.world.fail(`header: node ${member.index} committed ${height} with a wrong ${wrong}`);
    this.headers.noteDecided(height, head, head.parameters);
  }

  private decide(member: Member, height: number, what: string, ids: readonly string[]): void {
    const { world } = this;
    if (world.isForked) return;
    const before = this.decided.get(height);
    if (before !== undefined) {
      if (before.what !== what)
        world.fail(`agreement: node ${member.index} committed ${what} at ${height}, another ${before.what}`);
      return;
    }
    this.decided.set(height, { what, ids });
    const installed = this.installed.get(height);
    if (installed !== undefined && installed !== what)
      world.fail(`snapshot: somebody installed ${installed} at ${height}, node ${member.index} committed ${what}`);
    for (const id of ids) {
      const earlier = this.receipts.get(id);
      if (earlier !== undefined) world.fail(`exactly once: ${id.slice(0, 8)} has receipts at ${earlier} and ${height}`);
      if (!world.clients.knows(id)) world.fail(`validity: nobody has signed ${id.slice(0, 8)} of height ${height}`);
      this.receipts.set(id, height);
    }
  }

  /** Judged when it is first committed, with the window that was in force before it. */
  private checkBlock(header: Header, transactions: readonly Transaction[]): void {
    const { world } = this;
    const fault = listFault(
      header,
      transactions,
      this.windowMs,
      world.upgrades?.placeOf(header.parentHash, header.height),
    );
    if (fault !== "") world.fail(`list: a transaction of height ${header.height} was ${fault}`);
    // An honest key prepared it by its own clock, whatever that shows.
    const aheadMs = header.timeMs - world.ledgerMs - world.plan.parameters.clockSkewMsMax;
    if (aheadMs > world.clockAheadMs + 200)
      world.fail(`time: height ${header.height} is ${aheadMs} ms from the future`);
  }

  /** A primary has its time. */
  observeSuspicion(index: number, { height, reason }: { readonly height: number; readonly reason: string }): void {
    const waitedMs = this.world.timeline.nowMs - (this.beganAtMs.get(index) ?? 0);
    if (reason !== "NO_PROGRESS" || height !== (this.heights.get(index) ?? 0) + 1 || waitedMs >= PATIENCE_MS_MIN)
      return;
    this.world.fail(`patience: node ${index} suspects its primary of height ${height} after ${waitedMs} ms`);
  }

  observeView(index: number): void {
    this.beganAtMs.set(index, this.world.timeline.nowMs);
  }

  private observeHeight(member: Member, height: number): void {
    const before = this.heights.get(member.index) ?? 0;
    if (height < before && !member.wasSetBack)
      this.world.fail(`monotone: node ${member.index} is at ${height} and was at ${before}`);
    if (height >= before) member.wasSetBack = false;
    this.heights.set(member.index, Math.max(height, before));
  }

  /** What is found on disk when a process opens it: everything that was ever called committed here, and nothing else. */
  observeOpen(member: Member, { chain, signer }: Participant): void {
    if (this.world.isLiar(member.index)) return;
    // The last step of a recovery may be durable when the process ends before it says so.
    if (member.hasBegunRecovery && signer !== undefined && signer.record.mustNotSign === undefined)
      this.world.noticeRecovered(member);
    const isSeated = chain.head.validators.some(({ publicKey }) =>
      bytesEqual(publicKey, member.operator.key.publicKey),
    );
    if (isSeated && signer === undefined && !member.hasLostRecord)
      this.world.fail(`node ${member.index} has lost its right to vote`);
    this.noteRecorded(member, signer?.record.frames ?? []);
    this.observeHeight(member, chain.head.height);
    for (let height = chain.store.firstHeight; height <= chain.head.height; height += 1) {
      const block = chain.store.loadBlock(height);
      if (block === undefined) return this.world.fail(`store: node ${member.index} has no block ${height}`);
      const [blockHash, resultHash] = [blockHashOf(block.headerBytes), resultHashOf(block.resultBytes)];
      const what = `${toHex(blockHash)}/${toHex(resultHash)}`;
      if (!this.decided.has(height)) this.headers.noteDecided(height, { blockHash, resultHash }, undefined);
      this.decide(member, height, what, block.transactionIds.map(toHex));
    }
  }

  private noteRecorded(member: Member, frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const message = decodeMessage(frame);
      const validators = message.ok ? this.validators.get(message.value.height) : undefined;
      const place = message.ok && validators && this.ownPlaceOf(member, message.value, validators);
      if (place) this.places.noteRecorded(member.index, place, frame);
    }
  }

  /** A state that was fetched stands at a height that was decided, and is the one of its block. */
  observeInstall(member: Member | undefined): void {
    const head = member?.participant?.chain.head;
    if (member === undefined || head === undefined || this.world.isLiar(member.index)) return;
    this.world.noticeInstall();
    const what = `${toHex(head.blockHash)}/${toHex(head.resultHash)}`;
    const decided = this.decided.get(head.height)?.what;
    // A lying validator may have committed it before everybody honest.
    if (decided === undefined) this.installed.set(head.height, what);
    else if (decided !== what)
      this.world.fail(`snapshot: node ${member.index} installed ${what} at ${head.height}, not ${decided}`);
    this.beganAtMs.set(member.index, this.world.timeline.nowMs);
    this.observeHeight(member, head.height);
    this.checkCertificate(member, head.height);
    this.checkReplayWindow(member, head);
    const validators = this.validators.get(head.height + 1);
    const parameters = this.headers.parametersAt(head.height + 1);
    const isOfBlock =
      (validators === undefined || bytesEqual(validatorsHashOf(validators), validatorsHashOf(head.validators))) &&
      (parameters === undefined || bytesEqual(parametersHashOf(parameters), parametersHashOf(head.parameters)));
    if (!isOfBlock)
      this.world.fail(`snapshot: node ${member.index} goes on from ${head.height} with what others have not decided`);
  }

  /** What came with the state: every id of the window, and none that was not executed. */
  private checkReplayWindow(member: Member, { height: headHeight, timeMs, parameters }: HeadFacts): void {
    const { replay } = member.participant?.chain ?? {};
    const sinceMs = timeMs - parameters.replayWindowMs;
    for (const { id, hex } of this.world.clients.orders) {
      const height = this.receipts.get(hex);
      const isInWindow = height !== undefined && height <= headHeight && (this.times.get(height) ?? 0) >= sinceMs;
      const isKnown = replay?.has(id) === true;
      if (isInWindow ? !isKnown : isKnown && height === undefined && this.decided.has(headHeight))
        this.world.fail(
          `snapshot: node ${member.index} ${isKnown ? "invents" : "lacks"} ${hex.slice(0, 8)} of ${height}`,
        );
    }
  }

  /** S16: whoever has lost its record knows nothing that another key may count on. */
  observeAnswer(by: number, protocol: RequestProtocol): void {
    const member = this.world.members[by];
    if (protocol === "head" && member?.hasLostRecord === true && !this.world.isLiar(by))
      this.world.fail(`amnesia: node ${by} answers for its head without its vote record`);
  }

  private checkCertificate(member: Member, height: number): void {
    const { world } = this;
    const stored = member.participant?.chain.store.head;
    const validators = this.validators.get(height);
    if (stored === undefined || stored.height !== height || validators === undefined) return;
    const certificate = decodeCertificate(stored.certificateBytes);
    const { chainId } = world.cast.genesis;
    const isValid =
      certificate.ok &&
      bytesEqual(certificate.value.blockHash, stored.blockHash) &&
      bytesEqual(certificate.value.resultHash, stored.resultHash) &&
      certificate.value.signatures.length >= quorumOf(validators) &&
      verifyCertificate({ certificate: certificate.value, chainId, validators, verify: world.cast.verify }).ok;
    if (!isValid) world.fail(`certificate: node ${member.index} committed ${height} without a valid one`);
  }

  // ---- votes ----

  read(bytes: Uint8Array): Verdict<ConsensusMessage> {
    const known = this.readings.get(bytes) ?? decodeMessage(bytes);
    this.readings.set(bytes, known);
    return known;
  }

  observeFrame(member: Member, bytes: Uint8Array): void {
    const { world } = this;
    // Not by what was read: a liar reads a frame before anybody is sent it.
    const isNew = !this.observed.has(bytes);
    this.observed.add(bytes);
    const message = this.read(bytes);
    if (isNew && message.ok && message.value.kind === "prePrepare") this.keepProposal(message.value);
    if (world.isLiar(member.index)) return;
    if (!message.ok) return world.fail(`node ${member.index} sent a frame that it cannot read: ${message.code}`);
    if (isNew) this.observeOwnVote(member, message.value, bytes);
  }

  private keepProposal({ height, view, block, newView }: PrePrepareMessage): void {
    const { blockHash, references } = block.proposal;
    this.references.set(toHex(blockHash), references);
    if (newView === undefined) return;
    const name = `${height}:${view}:${toHex(blockHash)}`;
    this.newViews.set(name, [...(this.newViews.get(name) ?? []), newView.content]);
  }

  /** Above view 0 nothing is prepared without the right to it, whatever the primary claims. */
  private checkRight(member: Member, message: ConsensusMessage, validators: readonly Validator[]): void {
    const { height, view } = message;
    const block = message.kind === "commit" ? undefined : blockOf(message);
    if (block === undefined || view === 0) return;
    const { genesis, verify } = this.world.cast;
    const place = { chainId: genesis.chainId, validators, verify };
    const claims = this.newViews.get(`${height}:${view}:${toHex(block)}`) ?? [];
    if (claims.some((newView) => bytesEqual(newView.blockHash, block) && isRightfulNewView({ ...place, newView })))
      return;
    this.world.fail(
      `NEW-VIEW: node ${member.index} prepares in ${height}.${view} what no quorum entitles anybody to propose`,
    );
  }

  /** S5: what leaves an honest node at one position is one frame for ever, and new ones only ever rise. */
  private observeOwnVote(member: Member, message: ConsensusMessage, frame: Uint8Array): void {
    const { world } = this;
    const validators = this.validators.get(message.height);
    const place = validators && this.ownPlaceOf(member, message, validators);
    if (place === undefined) return;
    world.upgrades?.observeVote(member, place.height);
    const name = nameOf(member.index, place);
    if (member.hasLostRecord)
      return world.fail(`amnesia: node ${member.index} votes at ${name} without its vote record`);
    const sent = this.places.noteSent(member.index, place, frame);
    if (sent === "again") return;
    if (sent !== "new") return world.fail(sent.fault);
    this.checkRecorded(member, name, frame);
    this.checkBatches(member, name, message);
    this.checkFairness(member, message);
    if (validators !== undefined) this.checkRight(member, message, validators);
    if (message.kind === "viewChange" && validators !== undefined) {
      const { chainId } = world.cast.genesis;
      const { suspicion } = message;
      if (!isTrueSuspicion({ chainId, validators, verify: world.cast.verify, suspicion }))
        world.fail(`suspicion: node ${member.index} follows one that q validators did not sign to ${name}`);
    }
    this.checkLock(member, message);
    world.noticeVote(member, VOTE_OF_STEP[place.step] ?? "prepare");
  }

  /** N43: what has left stands in the record on disk. */
  private checkRecorded(member: Member, name: string, frame: Uint8Array): void {
    const record = decodeVoteRecord(member.records.lastSaved());
    if (!record.ok || !record.value.frames.some((recorded) => bytesEqual(recorded, frame)))
      this.world.fail(`N43: node ${member.index} sent its vote at ${name} before it was recorded`);
  }

  /** N9 */
  private checkBatches(member: Member, name: string, message: ConsensusMessage): void {
    if (message.height <= member.bodilessHeight) return;
    const block = blockOf(message);
    const references = block === undefined ? [] : (this.references.get(toHex(block)) ?? []);
    if (references.some(({ digest }) => !member.disk.isDurable(batchKey(digest))))
      this.world.fail(`N9: node ${member.index} voted at ${name} without durable batches`);
  }

  /** A115: what an honest primary fills itself it shares among all whose batches wait there. */
  private checkFairness(member: Member, message: ConsensusMessage): void {
    if (message.kind !== "prePrepare") return;
    const { header, references } = message.block.proposal;
    const isOwn = bytesEqual(header.proposer, member.operator.key.publicKey) && header.view === message.view;
    const digests = references.map(({ digest }) => digest);
    if (isOwn && member.fairness.isUnfair(header, digests))
      this.world.fail(`fairness: node ${member.index} fills ${header.height} and passes somebody over`);
  }

  /** What may have been committed in a view is the only block that honest keys still vote for above it. */
  private checkLock(member: Member, message: ConsensusMessage): void {
    const block = blockOf(message);
    const { height, view } = message;
    if (block === undefined || this.world.isForked) return;
    const hash = toHex(block);
    const locked = this.locked.get(height);
    if (locked !== undefined && view > locked.view && hash !== locked.block)
      this.world.fail(
        `prepared: node ${member.index} votes for ${hash.slice(0, 8)} in ${height}.${view}, ${locked.block.slice(0, 8)} may be committed`,
      );
    if (message.kind !== "commit") return;
    const name = `${height}:${view}:${hash}`;
    const keys = this.commits.get(name) ?? new Set();
    this.commits.set(name, keys.add(member.operator.hex));
    const seated = this.validators.get(height) ?? [];
    const liars = seated.filter(({ publicKey }) => this.world.isLiarKey(publicKey)).length;
    if (keys.size + liars >= quorumOf(seated) && locked === undefined) this.locked.set(height, { block: hash, view });
  }

  private ownPlaceOf(member: Member, message: ConsensusMessage, validators: readonly Validator[]): Place | undefined {
    const { genesis, verify } = this.world.cast;
    const key = member.operator.key.publicKey;
    return ownPlaceOf(message, { key, chainId: genesis.chainId, validators, verify });
  }

  // ---- the end ----

  /** The same rows byte by byte on every disk, and not a fen more or less than the purses began with. */
  compareStates(members: readonly Member[]): void {
    const [first, ...others] = members;
    if (first === undefined) return;
    const expected = stateOf(first);
    for (const member of others) {
      const rows = stateOf(member);
      const isEqual =
        rows.size === expected.size && [...rows].every(([name, value]) => isSame(expected.get(name), value));
      if (!isEqual && member.height === first.height)
        this.world.fail(`state: nodes ${first.index} and ${member.index} hold different rows at ${first.height}`);
    }
    const purses = this.rowsOf(first, "purse");
    const open = this.rowsOf(first, "gift").filter((row) => row.get("state") === "open");
    const sum = [...purses, ...open].reduce((total, row) => total + Number(row.get("fen")), 0);
    if (sum !== purses.length * PURSE_FEN) this.world.fail(`money: ${purses.length} purses hold ${sum} fen`);
  }

  /** The body of every batch in the chain is here, signed by its origin, and every transaction in it by its sender. */
  checkBodies(member: Member): void {
    const { world } = this;
    const { chain } = member.participant ?? {};
    for (
      let height = chain?.store.firstBodyHeight ?? 1;
      chain !== undefined && height <= chain.head.height;
      height += 1
    ) {
      for (const { digest } of chain.store.loadBlock(height)?.references ?? []) {
        const bytes = chain.store.loadBatch(digest);
        const batch = bytes === undefined ? undefined : decodeBatch(bytes);
        const validators = this.validators.get(height);
        if (batch?.ok !== true || validators === undefined)
          return world.fail(`bodies: node ${member.index} lacks a batch of height ${height}`);
        if (!this.isSigned(batch.value, validators))
          return world.fail(`bodies: node ${member.index} keeps a batch of height ${height} with a wrong signature`);
      }
    }
  }

  // Not by the node's own check, which may be what is broken.
  private isSigned({ origin, digest, signature, transactions }: Batch, validators: readonly Validator[]): boolean {
    const { verify } = this.world.cast;
    const isSeated = validators.some(({ publicKey }) => bytesEqual(publicKey, origin));
    if (!isSeated || !verify(1, origin, batchSigningBytes(digest), signature)) return false;
    return transactions.every(({ id, body, signatures }) =>
      body.signers.every(({ publicKey }, index) =>
        verify(1, publicKey, transactionSigningBytes(id), signatures[index] ?? EMPTY_BYTES),
      ),
    );
  }

  private rowsOf({ participant, disk }: Member, table: string): readonly ReadonlyMap<string, Value>[] {
    const reader = participant?.chain.store.stateReader();
    const prefix = reader && rowPrefix(reader, "purse", table, []);
    if (reader === undefined || prefix?.ok !== true) return [];
    return [...disk.rowsUnder(stateKey(prefix.value, spaceOf(disk)))].map(([name, bytes]) => {
      const key = Uint8Array.from(Buffer.from(name, "latin1")).slice(1);
      return new Map(decodeRow(reader, { contract: "purse", table, key, entry: decodeState(key, bytes) }).fields);
    });
  }

  observeEvidence(member: number, rule: string, offender: string): void {
    if (this.world.isLiar(member) || this.world.isLiarKey(offender)) return;
    this.world.fail(`evidence: node ${member} accuses an honest key of ${rule}: ${offender.slice(0, 8)}`);
  }
}

/** The rows in use, by their keys without the byte of the space. */
function stateOf({ disk }: Member): ReadonlyMap<string, Uint8Array> {
  const rows = disk.rowsUnder(stateKey(EMPTY_BYTES, spaceOf(disk)));
  return new Map([...rows].map(([name, value]) => [name.slice(1), value]));
}

function spaceOf(disk: SimDisk): StateSpace {
  const [[, used] = []] = disk.rowsUnder(SPACE_KEY);
  return used?.[0] === 1 ? "otherState" : "state";
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && bytesEqual(one, other);
}

function blockOf(message: ConsensusMessage): Hash | undefined {
  if (message.kind === "prepare" || message.kind === "commit") return message.vote.blockHash;
  return message.kind === "prePrepare" ? message.block.proposal.blockHash : undefined;
}
