// The vote record on disk: two slot files of two copies each, so that neither a torn write nor a lost page loses a vote.
// Never answers with an older record than the newest acknowledged one: where that cannot be told, it says "corrupt".

// Slots A and B are used in turn: generation n stands in B when n is odd, in A when it is even, each time in two checksummed
// copies. `save(n+1)` is one durable write over n-1; n stays untouched beside it. When it returns, n+1 is acknowledged: the
// vote may leave. A record that outgrows its slot goes into a larger file that takes the slot's name at once (never torn).
// `load` takes the highest generation among the whole copies of both slots:
//   - Crash during the write: the slot holds n-1, n+1 or torn copies; n+1 was not acknowledged. n and n+1 are both right.
//   - Damage of one copy (flipped bits, a lost page), at any time: the other copy of the slot is whole. Damage in the newest
//     slot never leads back to the other slot.
//   - No copy of a slot is whole, and a header of it is: what a torn write leaves, so the other slot's record counts.
//   - No copy and no header is whole, or a file is missing or of another size: no torn write leaves that, and the newest
//     record may have stood there: "corrupt". A record of up to a page shares its only page with its header, so lost pages
//     never look like a torn write.
//   - The slots are further apart than one save can put them (one was put back from a backup): "corrupt".
//   - Left open: both copies of the newest record damaged, at least one of them beside a whole header. That is two faults at
//     once, and looks like a torn write: n is taken for n+1. The sequence stored with each block still finds it out once a
//     block has been committed under n+1. A disk that acknowledges what it never writes is beyond this file, too.
// A damaged slot is replaced as soon as the record is opened. One process at a time: the store's lock sees to that.

import { dirname } from "node:path";
import { LedgerError } from "../errors.ts";
import type { VoteRecordStore } from "../ports.ts";
import { REAL_FILES, type RecordFiles } from "./record-files.ts";
import {
  type Copy,
  RECORD_BYTES_MAX,
  readSlot,
  type SlotContent,
  SlotFile,
  type SlotName,
} from "./vote-record-slot.ts";

type Slots = Record<SlotName, SlotFile>;
type Found =
  | { readonly kind: "found"; readonly copy: Copy }
  | { readonly kind: "missing" }
  | { readonly kind: "corrupt" };

/**
 * Opens the vote record in a directory of its own, which need not exist: the first `save` creates it, readable by the
 * owner alone.
 * @throws LedgerError VOTE_RECORD_UNREADABLE (permissions), VOTE_RECORD_WRITE_FAILED (a damaged slot cannot be replaced)
 */
export async function openVoteRecordFile(path: string, files: RecordFiles = REAL_FILES): Promise<VoteRecordStore> {
  const a = await readSlot(files, path, "a");
  const b = await readSlot(files, path, "b");
  const found = newestOf(a, b);
  if (found.kind !== "found") return new VoteRecordFile({ files, path, found, slots: undefined });
  const openOrReplace = async (name: SlotName, content: SlotContent): Promise<SlotFile> => {
    const isGood = content.kind === "present" && isWhole(content);
    const opened = isGood ? await SlotFile.open(files, path, { name, halfBytes: content.halfBytes }) : undefined;
    return opened ?? (await SlotFile.replace(files, path, name, found.copy));
  };
  const slots = await orWriteFailed(path, async () => ({
    a: await openOrReplace("a", a),
    b: await openOrReplace("b", b),
  }));
  return new VoteRecordFile({ files, path, found, slots });
}

function newestOf(a: SlotContent, b: SlotContent): Found {
  if (a.kind === "missing" && b.kind === "missing") return { kind: "missing" };
  if (a.kind !== "present" || b.kind !== "present") return { kind: "corrupt" };
  if (a.generations.length === 0 || b.generations.length === 0) return { kind: "corrupt" };
  const [first, ...rest] = [...a.copies, ...b.copies];
  if (first === undefined) return { kind: "corrupt" };
  const copy = rest.reduce((best, other) => (other.generation > best.generation ? other : best), first);
  // Beside n: n-1, or n+1 that was not acknowledged. Beside a half written n: n-2 in the same slot.
  const isNear = (generation: number) => generation >= copy.generation - 2 && generation <= copy.generation + 1;
  return [...a.generations, ...b.generations].every(isNear) ? { kind: "found", copy } : { kind: "corrupt" };
}

function isWhole({ copies: [first, second] }: { readonly copies: readonly Copy[] }): boolean {
  return first !== undefined && second !== undefined && first.generation === second.generation;
}

function slotOf(copy: Copy): SlotName {
  return copy.generation % 2 === 0 ? "a" : "b";
}

class VoteRecordFile implements VoteRecordStore {
  readonly #files: RecordFiles;
  readonly #path: string;
  #found: Found;
  #slots: Slots | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** why nothing may be written any more: after a failed sync nobody knows what the disk holds */
  #failure: LedgerError | undefined;

  constructor(opened: {
    readonly files: RecordFiles;
    readonly path: string;
    readonly found: Found;
    readonly slots: Slots | undefined;
  }) {
    this.#files = opened.files;
    this.#path = opened.path;
    this.#found = opened.found;
    this.#slots = opened.slots;
  }

  async load(): ReturnType<VoteRecordStore["load"]> {
    const found = this.#found;
    return found.kind === "found" ? { kind: "found", bytes: found.copy.record.slice() } : { kind: found.kind };
  }

  /** @throws LedgerError VOTE_RECORD_WRITE_FAILED, VOTE_RECORD_TOO_LARGE, VOTE_RECORD_CORRUPT, VOTE_RECORD_CLOSED */
  save(bytes: Uint8Array): Promise<void> {
    const record = bytes.slice();
    const saved = this.#turn.then(() => this.#saveInTurn(record));
    this.#turn = saved.catch(() => undefined);
    return saved;
  }

  async close(): Promise<void> {
    await this.#turn;
    const slots = this.#slots;
    this.#slots = undefined;
    this.#failure ??= new LedgerError("VOTE_RECORD_CLOSED", { path: this.#path });
    await slots?.a.close();
    await slots?.b.close();
  }

  async #saveInTurn(record: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const found = this.#found;
    if (found.kind === "corrupt") throw new LedgerError("VOTE_RECORD_CORRUPT", { path: this.#path });
    if (record.length > RECORD_BYTES_MAX) {
      throw new LedgerError("VOTE_RECORD_TOO_LARGE", { bytes: record.length, bytesMax: RECORD_BYTES_MAX });
    }
    const copy: Copy = { generation: found.kind === "found" ? found.copy.generation + 1 : 1, record };
    const slots = this.#slots;
    await this.#orFail(async () => {
      if (slots === undefined) this.#slots = await createSlots(this.#files, this.#path, copy);
      else await this.#write(slots, copy);
    });
    this.#found = { kind: "found", copy };
  }

  async #write(slots: Slots, copy: Copy): Promise<void> {
    const name = slotOf(copy);
    if (slots[name].canHold(copy)) return slots[name].overwrite(copy);
    const outgrown = slots[name];
    slots[name] = await SlotFile.replace(this.#files, this.#path, name, copy);
    await outgrown.close();
  }

  async #orFail<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await orWriteFailed(this.#path, write);
    } catch (error) {
      if (error instanceof LedgerError) this.#failure = error;
      throw error;
    }
  }
}

/** Both slots appear together: their directory is built under another name and renamed. */
async function createSlots(files: RecordFiles, path: string, copy: Copy): Promise<Slots> {
  const building = `${path}.new`;
  await files.createDirectory(building);
  const slots = {
    a: await SlotFile.replace(files, building, "a", copy),
    b: await SlotFile.replace(files, building, "b", copy),
  };
  await files.rename(building, path);
  await files.syncDirectory(dirname(path));
  return slots;
}

async function orWriteFailed<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const remedy = "the disk refused: check free space, permissions and health, then restart";
    throw new LedgerError("VOTE_RECORD_WRITE_FAILED", { path }, { cause, remedy });
  }
}
