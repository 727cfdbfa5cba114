// Catch-up: fetches committed blocks from peers, checks each by its certificate, executes it and commits it.
// A certificate replaces the votes of q validators, so signatures inside the block were verified by q and are not again.

import { invariant } from "../assert.ts";
import type { ValidatorKey } from "../consensus/events.ts";
import { encodeDecided } from "../consensus/messages.ts";
import { accept, LedgerError, refuse, type Verdict } from "../errors.ts";
import { faultBound, verifyCertificate } from "../ledger/certificate.ts";
import { type DecodeLimits, decode, encode, type Value } from "../ledger/codec.ts";
import { decodeBatch } from "../ledger/format-batch.ts";
import { decodeProposal, decodeResult, encodeProposal } from "../ledger/format-block.ts";
import { decodeCertificate } from "../ledger/format-vote.ts";
import { bytesEqual, type Hash, toHex } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import type { Batch, Certificate, Proposal, VerifySignature } from "../ledger/types.ts";
import { checkBatch } from "../ledger/validate.ts";
import type { Logger } from "../ports.ts";
import type { Chain, StagedBlock } from "./chain.ts";

/** First everybody gets a short time, so that one who is silent holds up nobody for long; then enough for a slow link. */
const SYNC_TIMEOUTS_MS = [1_000, 5_000] as const;
export const SYNC_ANSWER_BYTES_MAX = 6 << 20;
export const SYNC_BLOCKS_MAX = 500;
/** Blocks of this size together leave no room for a large one more. */
const FULL_ANSWER_BYTES = SYNC_ANSWER_BYTES_MAX / 2;
/** N96: the largest block that governance may allow, with everything that proves it. Peers must be able to carry it. */
export const SYNC_BLOCK_BYTES_MAX =
  LIMITS.blockBytesMax + LIMITS.proposalBytesMax + LIMITS.certificateBytesMax + LIMITS.resultBytesMax + 65_536;
/** One block of any size fits; more items than its batches can be would only be a heap (`[proposal, result, certificate, bodies]`). */
const ANSWER_LIMITS: DecodeLimits = {
  bytesMax: SYNC_BLOCK_BYTES_MAX,
  depthMax: 3,
  itemsMax: 65_536,
};
invariant(
  SYNC_ANSWER_BYTES_MAX <= SYNC_BLOCK_BYTES_MAX && LIMITS.proposalReferencesMax < ANSWER_LIMITS.itemsMax,
  "N96: an answer of several blocks is no larger than that of the largest block",
);
const REQUEST_LIMITS: DecodeLimits = { bytesMax: 16, depthMax: 1, itemsMax: 2 };

export interface SyncPorts {
  readonly chain: Chain;
  readonly chainId: Hash;
  readonly verify: VerifySignature;
  readonly log: Logger;
  /** everybody who may answer, best first */
  peers(): readonly ValidatorKey[];
  request(from: ValidatorKey, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** commits in turn with the core's own commits; does nothing when the height is committed already */
  commit(staged: StagedBlock, certificate: Certificate): Promise<void>;
  onBadAnswer(from: ValidatorKey, code: string): void;
  /** a state instead of blocks, if that is worth it. @returns whether the head moved */
  fetchState(reason: { readonly headHeight: number } | "blocksGone", peers: readonly ValidatorKey[]): Promise<boolean>;
}

interface SyncedBlock {
  readonly proposal: Proposal;
  readonly resultBytes: Uint8Array;
  readonly certificate: Certificate;
  readonly batches: readonly Batch[];
  /** of all but the result, whose length the certificate does not bind */
  readonly bytes: number;
}

export class Sync {
  private readonly ports: SyncPorts;
  private running: Promise<void> | undefined;
  /** somebody has said that the block after the head is no longer there */
  private areBlocksGone = false;

  constructor(ports: SyncPorts) {
    this.ports = ports;
  }

  /** Moves the head to `height` or as far as any peer can answer. Never throws for what peers do. */
  catchUp(height: number, from: ValidatorKey): Promise<void> {
    this.running ??= this.run(height, from).finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async run(height: number, from: ValidatorKey): Promise<void> {
    const { chain, log } = this.ports;
    if (chain.isOutgrown) return;
    const peers = [from, ...this.ports.peers().filter((peer) => peer !== from)];
    const startHeight = chain.head.height;
    await this.ports.fetchState({ headHeight: height }, peers);
    await this.fetchBlocks(height, peers);
    // N145: blocks that nobody keeps are a reason for a snapshot; as long as somebody has them they are better.
    if (this.areBlocksGone && chain.head.height < height && (await this.ports.fetchState("blocksGone", peers)))
      await this.fetchBlocks(height, peers);
    if (chain.head.height > startHeight) log.info("caught up", { fromHeight: startHeight, height: chain.head.height });
  }

  private async fetchBlocks(height: number, peers: readonly ValidatorKey[]): Promise<void> {
    const { chain } = this.ports;
    const startHeight = chain.head.height;
    this.areBlocksGone = false;
    let asked = peers;
    for (const timeoutMs of SYNC_TIMEOUTS_MS) {
      const silent: ValidatorKey[] = [];
      for (let index = 0; chain.head.height < height && !chain.isOutgrown && index < asked.length; ) {
        const peer = asked[index]!;
        // N252: whoever fills an answer is asked again. Who brings less has no more, or hands it out slowly, and is followed by
        // the next: that the head moves, by whomever, is no reason to wait for it again.
        const answered = await this.fetchFrom(peer, timeoutMs);
        if (answered === "silent") silent.push(peer);
        if (answered !== "full") index += 1;
      }
      // What somebody had was taken: only who had no time to say so is worth another round, if it cannot be a liar.
      const areLiars = silent.length <= faultBound(chain.head.validators.length);
      if (chain.head.height > startHeight && areLiars) break;
      asked = silent;
    }
  }

  /** @returns "full" when the answer was as large as one may be: there is probably more */
  private async fetchFrom(peer: ValidatorKey, timeoutMs: number): Promise<"silent" | "full" | "rest"> {
    const { chain, onBadAnswer } = this.ports;
    const refuseAnswer = (code: string): "rest" => {
      onBadAnswer(peer, code);
      return "rest";
    };
    let answer: Uint8Array;
    try {
      answer = await this.ports.request(peer, encode([chain.head.height + 1]), timeoutMs);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.ports.log.debug("sync request failed", { peer, code: error.code });
      return "silent";
    }
    const decoded = decode(answer, ANSWER_LIMITS);
    if (!decoded.ok || !Array.isArray(decoded.value)) return refuseAnswer("SYNC_ANSWER_INVALID");
    const [first] = decoded.value as readonly Value[];
    if (typeof first === "number") {
      this.ports.log.debug("blocks are gone at a peer", { peer, firstHeight: first });
      this.areBlocksGone = true;
      return "rest";
    }
    let blocks = 0;
    let bytes = 0;
    for (const item of decoded.value as readonly Value[]) {
      // C72: what follows is a matter for newer software, and not its sender's fault.
      if (chain.isOutgrown) return "rest";
      const verdict = await this.apply(item);
      if (!verdict.ok) return refuseAnswer(verdict.code);
      if (verdict.value === undefined) continue;
      blocks += 1;
      bytes += verdict.value;
    }
    return blocks >= SYNC_BLOCKS_MAX || bytes >= FULL_ANSWER_BYTES ? "full" : "rest";
  }

  /** @returns its bytes; undefined when its height is committed already */
  private async apply(item: Value): Promise<Verdict<number | undefined>> {
    const { chain, chainId, verify } = this.ports;
    const read = readBlock(item);
    if (!read.ok) return read;
    const { proposal, resultBytes, certificate, batches } = read.value;
    // The core may be committing this very height.
    await chain.settled();
    if (proposal.header.height <= chain.head.height) return accept(undefined);
    const header = chain.checkHeader(proposal);
    if (!header.ok) return header;
    if (certificate.height !== proposal.header.height || certificate.resultHash.length === 0)
      return refuse("SYNC_CERTIFICATE_KIND");
    if (!bytesEqual(certificate.blockHash, proposal.blockHash)) return refuse("SYNC_CERTIFICATE_BLOCK");
    const certified = verifyCertificate({ certificate, chainId, validators: chain.head.validators, verify });
    if (!certified.ok) return certified;
    const isComplete =
      proposal.references.length === batches.length &&
      proposal.references.every(({ digest }, index) => bytesEqual(digest, batches[index]!.digest));
    if (!isComplete) return refuse("SYNC_BATCHES");
    // N72: the certificate covers the bodies, not their origins' signatures: a wrong one would be kept and handed on as ours.
    const seals = batches.map((batch) => this.sealOf(batch));
    const broken = seals.find((seal) => !seal.ok);
    if (broken !== undefined) return broken;
    const block = chain.checkBody(proposal, batches);
    if (!block.ok) return block;
    const staged = chain.execute(block.value);
    if (!bytesEqual(staged.resultHash, certificate.resultHash)) throw divergence(staged, resultBytes);
    await this.ports.commit(staged, certificate);
    return accept(read.value.bytes);
  }

  /** The origin's signature. */
  private sealOf(batch: Batch): Verdict<true> {
    const { chain, chainId, verify } = this.ports;
    const { validators } = chain.head;
    return checkBatch({ batch, chainId, validators, verify, transactionChecked: () => true });
  }
}

/** N6: a certified result that differs from this node's own halts it, and the first difference is named. */
function divergence(staged: StagedBlock, certifiedBytes: Uint8Array): LedgerError {
  const certified = decodeResult(certifiedBytes);
  const names = ["stateRoot", "receiptsRoot", "nextValidatorsHash", "nextParametersHash"] as const;
  const first = certified.ok
    ? names.find((name) => !bytesEqual(certified.value[name], staged.result[name]))
    : undefined;
  return new LedgerError("RESULT_DIVERGED", {
    height: staged.block.proposal.header.height,
    blockHash: toHex(staged.block.proposal.blockHash),
    firstDifference: first ?? "result",
  });
}

function readBlock(item: Value): Verdict<SyncedBlock> {
  if (!Array.isArray(item) || item.length !== 4) return refuse("SYNC_BLOCK_SHAPE");
  const [proposalBytes, resultBytes, certificateBytes, bodies] = item as readonly Value[];
  if (
    !(
      proposalBytes instanceof Uint8Array &&
      resultBytes instanceof Uint8Array &&
      certificateBytes instanceof Uint8Array
    ) ||
    !Array.isArray(bodies)
  ) {
    return refuse("SYNC_BLOCK_SHAPE");
  }
  const proposal = decodeProposal(proposalBytes);
  if (!proposal.ok) return proposal;
  const certificate = decodeCertificate(certificateBytes);
  if (!certificate.ok) return certificate;
  const batches: Batch[] = [];
  let bytes = proposalBytes.length + certificateBytes.length;
  for (const body of bodies as readonly Value[]) {
    const batch = body instanceof Uint8Array ? decodeBatch(body) : refuse("SYNC_BLOCK_SHAPE");
    if (!batch.ok) return batch;
    batches.push(batch.value);
    bytes += batch.value.bytes.length;
  }
  return accept({ proposal: proposal.value, resultBytes, certificate: certificate.value, batches, bytes });
}

/** Answers a peer's request `[fromHeight]` with as many blocks as fit, or with the first height that is still here. @throws LedgerError SYNC_REQUEST_INVALID */
export function answerSync(chain: Chain, payload: Uint8Array): Uint8Array {
  const decoded = decode(payload, REQUEST_LIMITS);
  const fromHeight = decoded.ok && Array.isArray(decoded.value) ? (decoded.value as readonly Value[])[0] : undefined;
  if (typeof fromHeight !== "number" || fromHeight < 1) throw new LedgerError("SYNC_REQUEST_INVALID");
  if (fromHeight < chain.store.firstBodyHeight) return encode([chain.store.firstBodyHeight]);
  const blocks: Value[] = [];
  let bytes = 0;
  for (let height = fromHeight; height <= chain.head.height && blocks.length < SYNC_BLOCKS_MAX; height += 1) {
    const block = chain.store.loadBlock(height);
    if (block === undefined) break;
    const bodies = block.references
      .map(({ digest }) => chain.store.loadBatch(digest))
      .filter((body) => body !== undefined);
    if (bodies.length !== block.references.length) break;
    const proposal = encodeProposal({ headerBytes: block.headerBytes, references: block.references });
    bytes += proposal.length + block.certificateBytes.length + bodies.reduce((sum, body) => sum + body.length, 0);
    if (bytes > SYNC_ANSWER_BYTES_MAX && blocks.length > 0) break;
    blocks.push([proposal, block.resultBytes, block.certificateBytes, bodies]);
  }
  return encode(blocks);
}

/** A committed block with its certificate as a frame: the answer to a peer that still waits for its height. */
export function decidedFrame(chain: Chain, height: number): Uint8Array | undefined {
  const block = height < chain.store.firstBodyHeight ? undefined : chain.store.loadBlock(height);
  if (block === undefined) return undefined;
  const proposal = decodeProposal(encodeProposal({ headerBytes: block.headerBytes, references: block.references }));
  const certificate = decodeCertificate(block.certificateBytes);
  if (!proposal.ok || !certificate.ok) throw new LedgerError("STORE_CORRUPT", { height });
  return encodeDecided({ proposal: proposal.value, certificate: certificate.value });
}
