// The snapshots of this node on disk: `H.chunks` with the chunks one behind the other, `H.manifest` written when they are durable.
// Never offers one that is torn or damaged: without its manifest a snapshot does not exist, and every chunk read is checked.

import { LedgerError } from "../errors.ts";
import { DECODE_LIMITS, decodeWith, encode } from "../ledger/codec.ts";
import {
  type ChunkEntry,
  type ChunkPlace,
  chunkHashOf,
  decodeManifest,
  encodeManifest,
  type SnapshotManifest,
} from "../ledger/format-snapshot.ts";
import { bytesEqual } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import { sealValue, unsealValue } from "./checksum.ts";
import { openSnapshotFolder, type SnapshotFolder } from "./snapshot-folder.ts";

/** The newest ones that stay: whoever fetches the one before the newest still can. */
export const SNAPSHOTS_KEPT = 2;
const PART = ".part";
const MANIFEST_FILE_BYTES_MAX = LIMITS.snapshotManifestBytesMax + LIMITS.proofBytesMax;

export interface StoredSnapshot {
  readonly manifest: SnapshotManifest;
  readonly manifestBytes: Uint8Array;
  readonly anchorBytes: Uint8Array;
}

/** Those in a directory, which is made if it is missing. @throws LedgerError STORE_OPEN_FAILED */
export async function openSnapshots(path: string): Promise<Snapshots> {
  try {
    return await Snapshots.open(await openSnapshotFolder(path));
  } catch (cause) {
    throw new LedgerError("STORE_OPEN_FAILED", { path }, { cause, remedy: "check path, permissions and free space" });
  }
}

export class Snapshots {
  readonly #folder: SnapshotFolder;
  /** by height, oldest first */
  #stored: readonly StoredSnapshot[] = [];

  private constructor(folder: SnapshotFolder) {
    this.#folder = folder;
  }

  /** D98: takes the newest that are whole and removes everything else: a name that was removed may be back after a power cut. */
  static async open(folder: SnapshotFolder): Promise<Snapshots> {
    const snapshots = new Snapshots(folder);
    const found: StoredSnapshot[] = [];
    for (const name of await folder.names()) {
      const stored = name.endsWith(".manifest") ? await readManifestFile(folder, name) : undefined;
      if (stored !== undefined) found.push(stored);
    }
    found.sort((left, right) => left.manifest.height - right.manifest.height);
    snapshots.#stored = found.slice(-SNAPSHOTS_KEPT);
    await snapshots.#removeOthers();
    return snapshots;
  }

  /** Those on offer, the newest first. */
  get offered(): readonly StoredSnapshot[] {
    return [...this.#stored].reverse();
  }

  /** Heights of those on offer, ascending. */
  get heights(): readonly number[] {
    return this.#stored.map(({ manifest }) => manifest.height);
  }

  /** Writes a snapshot while `chunks` comes; when this resolves it survives power loss, is on offer, and old ones are gone. */
  async write(input: {
    readonly facts: Omit<SnapshotManifest, "chunks">;
    readonly anchorBytes: Uint8Array;
    readonly chunks: AsyncIterable<{ readonly place: ChunkPlace; readonly bytes: Uint8Array }>;
  }): Promise<StoredSnapshot> {
    const { facts, anchorBytes } = input;
    const { chunks: chunksFile, manifest: manifestFile } = filesOf(facts.height);
    await this.#folder.remove(chunksFile + PART);
    const entries: ChunkEntry[] = [];
    for await (const { place, bytes } of input.chunks) {
      await this.#folder.append(chunksFile + PART, bytes);
      entries.push({ place, bytes: bytes.length, hash: chunkHashOf(bytes) });
    }
    await this.#folder.seal(chunksFile + PART, chunksFile);
    const manifest = { ...facts, chunks: entries };
    const stored = { manifest, manifestBytes: encodeManifest(manifest), anchorBytes };
    const sealed = sealValue(new TextEncoder().encode(manifestFile), encode([stored.manifestBytes, anchorBytes]));
    await this.#folder.remove(manifestFile + PART);
    await this.#folder.append(manifestFile + PART, sealed);
    await this.#folder.seal(manifestFile + PART, manifestFile);
    this.#stored = [...this.#stored, stored].slice(-SNAPSHOTS_KEPT);
    await this.#removeOthers();
    return stored;
  }

  /** Removes what a write that failed has left. */
  async discardParts(): Promise<void> {
    await this.#removeOthers();
  }

  /** undefined: not on offer here. D98: a chunk that rotted takes its snapshot out of the offer. */
  async readChunk(height: number, index: number): Promise<Uint8Array | undefined> {
    const stored = this.#stored.find(({ manifest }) => manifest.height === height);
    const entry = stored?.manifest.chunks[index];
    if (stored === undefined || entry === undefined) return undefined;
    const position = stored.manifest.chunks.slice(0, index).reduce((sum, { bytes }) => sum + bytes, 0);
    const bytes = await this.#folder.read(filesOf(height).chunks, position, entry.bytes);
    if (bytes !== undefined && bytesEqual(chunkHashOf(bytes), entry.hash)) return bytes;
    this.#stored = this.#stored.filter((other) => other !== stored);
    // D139: nothing but its own files: another snapshot may be half written.
    await this.#folder.remove(filesOf(height).manifest);
    await this.#folder.remove(filesOf(height).chunks);
    return undefined;
  }

  // The manifest goes first: chunks without one are no snapshot.
  async #removeOthers(): Promise<void> {
    const kept = new Set(this.#stored.flatMap(({ manifest }) => Object.values(filesOf(manifest.height))));
    const others = (await this.#folder.names()).filter((name) => !kept.has(name));
    others.sort((left, right) => Number(right.endsWith(".manifest")) - Number(left.endsWith(".manifest")));
    for (const name of others) await this.#folder.remove(name);
  }
}

function filesOf(height: number): { readonly chunks: string; readonly manifest: string } {
  return { chunks: `${height}.chunks`, manifest: `${height}.manifest` };
}

async function readManifestFile(folder: SnapshotFolder, name: string): Promise<StoredSnapshot | undefined> {
  const file = await folder.read(name, 0, MANIFEST_FILE_BYTES_MAX);
  const bytes = file === undefined ? undefined : unsealValue(new TextEncoder().encode(name), file);
  if (bytes === undefined) return undefined;
  const parts = decodeWith(bytes, { ...DECODE_LIMITS, bytesMax: MANIFEST_FILE_BYTES_MAX }, (reader) => {
    reader.tuple(2);
    return [reader.byteString(1, LIMITS.snapshotManifestBytesMax), reader.byteString(1, LIMITS.proofBytesMax)] as const;
  });
  if (!parts.ok) return undefined;
  const [manifestBytes, anchorBytes] = parts.value;
  const manifest = decodeManifest(manifestBytes);
  if (!manifest.ok || filesOf(manifest.value.height).manifest !== name) return undefined;
  return { manifest: manifest.value, manifestBytes, anchorBytes };
}
