// Poisoned snapshots: offers of what does not exist, chunks that are not what was offered, windows that hide or invent ids.
// Begins with a true answer where there is one: what is nearly right finds more than what is all wrong.

import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import {
  decodeAnchor,
  decodeChunk,
  decodeManifest,
  encodeAnchor,
  encodeChunk,
  encodeManifest,
  type SnapshotManifest,
} from "../../../src/ledger/format-snapshot.ts";
import type { SnapshotRequest } from "../../../src/node/snapshot-answers.ts";
import type { Random } from "../random.ts";
import type { Focus } from "./plan.ts";

const KEPT_MAX = 24;
const ID_BYTES = 32;
/** manifest and anchor */
type Offered = readonly [Uint8Array, Uint8Array];

export class Poisoner {
  private readonly random: Random;
  private readonly chainId: Uint8Array;
  /** true answers to earlier questions, for the wrong ones */
  private readonly offers: Offered[] = [];
  private readonly chunks: Uint8Array[] = [];
  private readonly windows: Uint8Array[] = [];
  /** height of an offer -> height of the state that was offered under it */
  private readonly exchanged = new Map<number, number>();

  constructor(random: Random, chainId: Uint8Array) {
    this.random = random;
    this.chainId = chainId;
  }

  /** @param truth what an honest node here would answer; undefined: it would refuse */
  answer(request: SnapshotRequest, truth: Uint8Array | undefined): Uint8Array {
    switch (request.kind) {
      case "snapshots":
        return this.poisonOffers(truth);
      case "chunk":
        return this.poisonChunk(truth);
      case "window":
        return this.poisonWindow(truth);
    }
  }

  /** Poison in this one part, as often as there is some; true answers to everything else. */
  answerFocused(focus: Focus, request: SnapshotRequest, truth: Uint8Array): Uint8Array {
    if (request.kind === "chunk") return focus === "chunks" ? this.poisonChunk(truth) : truth;
    if (request.kind === "window") return focus === "windows" ? this.poisonWindow(truth) : truth;
    const offers = offersOf(truth);
    for (const offer of offers) keep(this.offers, offer, this.random);
    const [newer, older] = offers;
    if (focus === "anchors")
      return encode(offers.map(([manifest, anchor]): Offered => [manifest, this.lieAboutParts(anchor)]));
    if (focus !== "offers" || newer === undefined) return truth;
    if (older !== undefined && this.random.chance(700)) return encode([this.exchange(newer, older)]);
    return encode(offers.map(([manifest, anchor]) => this.poisonOffer(manifest, anchor)));
  }

  // ---- offers ----

  private poisonOffers(truth: Uint8Array | undefined): Uint8Array {
    const { random } = this;
    const offers = offersOf(truth);
    for (const offer of offers) keep(this.offers, offer, random);
    // Honest in what it offers, to be believed in what comes then.
    if (offers.length === 0 || random.chance(500)) return truth ?? encode([]);
    const [newer, older] = offers;
    if (newer !== undefined && older !== undefined && random.chance(250)) return encode([this.exchange(newer, older)]);
    const poisoned = offers.map(([manifest, anchor]) => this.poisonOffer(manifest, anchor));
    if (random.chance(200)) return encode([...poisoned, ...poisoned]);
    return encode(random.chance(200) ? poisoned.slice(0, 1) : poisoned);
  }

  private poisonOffer(manifestBytes: Uint8Array, anchorBytes: Uint8Array): Offered {
    const { random } = this;
    const decoded = decodeManifest(manifestBytes);
    if (!decoded.ok || random.chance(150)) return [this.spoil(manifestBytes), anchorBytes];
    if (random.chance(200)) return [manifestBytes, this.spoil(anchorBytes)];
    if (random.chance(200)) return [manifestBytes, this.lieAboutParts(anchorBytes)];
    if (random.chance(200)) return [manifestBytes, random.pick(this.offers)[1]];
    return [encodeManifest(this.lieAbout(decoded.value)), anchorBytes];
  }

  /** A height that is not reached, another state, chunks that are cut, doubled, exchanged or of other sizes. */
  private lieAbout(manifest: SnapshotManifest): SnapshotManifest {
    const { random } = this;
    const { chunks, height } = manifest;
    const [first] = chunks;
    switch (random.below(7)) {
      case 0:
        return { ...manifest, height: Math.max(1, height + random.pick([-1, 1, 5, 1_000_000])) };
      case 1:
        return { ...manifest, stateRoot: random.bytes(32) };
      case 2:
        return { ...manifest, transactionsTotal: random.below(1_000_000) };
      case 3:
        return { ...manifest, chunks: chunks.slice(1) };
      case 4:
        return { ...manifest, chunks: [...chunks, ...chunks] };
      case 5:
        return {
          ...manifest,
          chunks: chunks.map((chunk) => ({ ...chunk, bytes: chunk.bytes + 1, hash: random.bytes(32) })),
        };
      default: {
        if (first === undefined) return { ...manifest, chainId: random.chance(500) ? this.chainId : random.bytes(32) };
        // One chunk for the left half alone, or halves of what is one place.
        const prefix = new Uint8Array(1);
        const left = { ...first, place: { depth: 1, prefix } };
        const right = { ...first, place: { depth: 1, prefix: Uint8Array.of(0x80) } };
        return { ...manifest, chunks: random.chance(500) ? [left] : [left, right] };
      }
    }
  }

  /** The older state under the newer header: whole in itself, and every chunk of it can be had. */
  private exchange([newBytes, anchor]: Offered, [oldBytes]: Offered): Offered {
    const [newer, older] = [decodeManifest(newBytes), decodeManifest(oldBytes)];
    if (!newer.ok || !older.ok) return [newBytes, anchor];
    this.exchanged.set(newer.value.height, older.value.height);
    return [encodeManifest({ ...older.value, height: newer.value.height }), anchor];
  }

  /** The true question in the place of that one, so that an exchanged state is served; undefined: that one itself. */
  insteadOf(request: SnapshotRequest): SnapshotRequest | undefined {
    const height = request.kind === "chunk" ? this.exchanged.get(request.height) : undefined;
    if (request.kind === "window" && this.exchanged.size > 0) return request;
    return request.kind === "chunk" && height !== undefined ? { ...request, height } : undefined;
  }

  /** A true certified header, and beside it validators, parameters or a history that are not its own. */
  private lieAboutParts(anchorBytes: Uint8Array): Uint8Array {
    const { random } = this;
    const decoded = decodeAnchor(anchorBytes);
    if (!decoded.ok) return anchorBytes;
    const anchor = decoded.value;
    const { parameters, validators, historyBefore } = anchor;
    return encodeAnchor({
      ...anchor,
      ...random.pick([
        { parameters: { ...parameters, rotationHeights: parameters.rotationHeights + 1 } },
        { validators: validators.slice(1) },
        { historyBefore: historyBefore.append(random.bytes(32)).history },
        { references: anchor.references.slice(1) },
      ]),
    });
  }

  // ---- chunks ----

  private poisonChunk(truth: Uint8Array | undefined): Uint8Array {
    const { random } = this;
    if (truth !== undefined) keep(this.chunks, truth, random);
    if (truth === undefined) return this.chunks.length > 0 ? random.pick(this.chunks) : random.bytes(90);
    if (random.chance(150)) return truth;
    if (random.chance(200)) return random.pick(this.chunks);
    if (random.chance(200)) return this.spoil(truth);
    const decoded = decodeChunk(truth);
    if (!decoded.ok) return truth;
    const { rows } = decoded.value;
    const place = random.below(Math.max(1, rows.length));
    const changed = random.pick([
      rows.filter((_, index) => index !== place),
      rows.slice(0, place),
      [],
      random.shuffled(rows),
      rows.map((row, index) => (index === place ? { ...row, lastHeight: row.lastHeight + 1 } : row)),
      rows.map((row, index) => (index === place ? { ...row, value: this.spoil(row.value) } : row)),
      rows.map((row, index) => (index === place ? { ...row, key: this.spoil(row.key) } : row)),
      [...rows, ...rows.slice(place, place + 1)],
    ]);
    return encodeChunk({ ...decoded.value, rows: changed });
  }

  // ---- the replay window ----

  private poisonWindow(truth: Uint8Array | undefined): Uint8Array {
    const { random } = this;
    if (truth !== undefined) keep(this.windows, truth, random);
    const blocks = listOf(truth).filter((block): block is readonly Value[] => Array.isArray(block));
    if (blocks.length === 0 || random.chance(150)) return truth ?? encode([]);
    const place = random.below(blocks.length);
    const withIds = (alter: (ids: Uint8Array) => Uint8Array): Uint8Array =>
      encode(
        blocks.map(([header = null, ids = null], index) =>
          index === place && ids instanceof Uint8Array ? [header, alter(ids)] : [header, ids],
        ),
      );
    switch (random.below(8)) {
      case 0:
        return withIds((ids) => ids.slice(ID_BYTES));
      case 1:
        return withIds((ids) => Uint8Array.from([...ids, ...random.bytes(ID_BYTES)]));
      case 2:
        return withIds((ids) => Uint8Array.from([...ids, ...ids.slice(0, ID_BYTES)]));
      case 3:
        return withIds((ids) =>
          ids.length === 0 ? ids : Uint8Array.from([...random.bytes(ID_BYTES), ...ids.slice(ID_BYTES)]),
        );
      case 4:
        return encode(blocks.filter((_, index) => index !== place));
      case 5:
        return encode(blocks.slice(0, place));
      case 6:
        return random.pick(this.windows);
      default:
        return this.spoil(truth ?? encode([]));
    }
  }

  private spoil(bytes: Uint8Array): Uint8Array {
    const { random } = this;
    const spoiled = bytes.slice(0, random.chance(300) ? random.below(bytes.length + 1) : bytes.length);
    if (spoiled.length > 0) spoiled[random.below(spoiled.length)] = random.next() & 0xff;
    return spoiled;
  }
}

function offersOf(truth: Uint8Array | undefined): readonly Offered[] {
  return listOf(truth).flatMap((offer): Offered[] => {
    const [manifest, anchor] = Array.isArray(offer) ? (offer as readonly Value[]) : [];
    return manifest instanceof Uint8Array && anchor instanceof Uint8Array ? [[manifest, anchor]] : [];
  });
}

function listOf(bytes: Uint8Array | undefined): readonly Value[] {
  const decoded = bytes === undefined ? undefined : decode(bytes);
  return decoded?.ok === true && Array.isArray(decoded.value) ? (decoded.value as readonly Value[]) : [];
}

function keep<T>(kept: T[], one: T, random: Random): void {
  if (kept.length < KEPT_MAX) kept.push(one);
  else kept[random.below(KEPT_MAX)] = one;
}
