// The vote record on disk: two slot files of two copies each, so that neither a torn write nor a flipped bit loses a vote.
// Never answers with an older record than the newest acknowledged one: where that cannot be told, it says "corrupt".

// Slots A and B hold the same record in two copies each; every copy is checksummed and carries its generation.
// `save(n+1)` runs in this order:
//   1. B holds n in both copies (the last step of the save before: waited for here if it is still under way).
//   2. A is overwritten with n+1 in both copies and synced. Now n+1 is acknowledged: the vote may leave.
//   3. B is overwritten with n+1 and synced, while the vote travels.
// A record that outgrows its slot goes into a larger file that takes the slot's name at once, so that step is never torn.
// `load` takes the highest generation among the whole copies, if A has a whole copy or could have been torn in step 2:
//   - Crash in 2: B is whole with n; A holds n, n+1 or torn copies. n+1 was not acknowledged, so n and n+1 are both right.
//   - Crash in 3: A is whole with n+1, whatever B holds.
//   - One damaged copy (flipped bits, a lost sector) at any time: the other copy of the same file is whole, and A always
//     holds the newest acknowledged record twice. After step 3 even the loss of all content of one file is survived.
//   - A is missing, or has no whole copy and not the size of a slot: writing in place changes no size, so this is no torn
//     write, and the newest record may have been in it: "corrupt".
//   - Left open: both copies in A destroyed while its size is kept, between 2 and 3 of one save, together with a crash. It
//     looks like a torn write of n+1 and yields n. Closing this too would cost a second sync before every vote.
// A damaged slot is replaced as soon as the record is opened. One process at a time: the store's lock sees to that.

import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { LedgerError } from "../errors.ts";
import type { VoteRecordStore } from "../ports.ts";
import {
  type Copy,
  RECORD_BYTES_MAX,
  readSlot,
  type SlotContent,
  SlotFile,
  type SlotName,
  syncDirectory,
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
export async function openVoteRecordFile(path: string): Promise<VoteRecordStore> {
  const a = await readSlot(path, "a");
  const b = await readSlot(path, "b");
  const found = newestOf(a, b);
  if (found.kind !== "found") return new VoteRecordFile(path, found, undefined);
  const openOrReplace = (name: SlotName, content: SlotContent): Promise<SlotFile> =>
    content.kind === "present" && content.copyBytes !== undefined && isWhole(content, found.copy)
      ? SlotFile.open(path, name, content.copyBytes)
      : SlotFile.replace(path, name, found.copy);
  const slots = await orWriteFailed(path, async () => ({
    a: await openOrReplace("a", a),
    b: await openOrReplace("b", b),
  }));
  return new VoteRecordFile(path, found, slots);
}

function newestOf(a: SlotContent, b: SlotContent): Found {
  if (a.kind === "missing" && b.kind === "missing") return { kind: "missing" };
  if (a.kind === "missing" || (a.copies.length === 0 && a.copyBytes === undefined)) return { kind: "corrupt" };
  const [first, ...rest] = [...a.copies, ...(b.kind === "present" ? b.copies : [])];
  if (first === undefined) return { kind: "corrupt" };
  return { kind: "found", copy: rest.reduce((best, copy) => (copy.generation > best.generation ? copy : best), first) };
}

function isWhole(content: { readonly copies: readonly Copy[] }, newest: Copy): boolean {
  return content.copies.length === 2 && content.copies.every((copy) => copy.generation === newest.generation);
}

class VoteRecordFile implements VoteRecordStore {
  readonly #path: string;
  #found: Found;
  #slots: Slots | undefined;
  /** step 3 of the last save */
  #mirror: Promise<void> = Promise.resolve();
  #turn: Promise<void> = Promise.resolve();
  /** why nothing may be written any more: after a failed sync nobody knows what the disk holds */
  #failure: LedgerError | undefined;

  constructor(path: string, found: Found, slots: Slots | undefined) {
    this.#path = path;
    this.#found = found;
    this.#slots = slots;
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
    await this.#mirror;
    const slots = this.#slots;
    this.#slots = undefined;
    this.#failure ??= new LedgerError("VOTE_RECORD_CLOSED", { path: this.#path });
    await slots?.a.close();
    await slots?.b.close();
  }

  async #saveInTurn(record: Uint8Array): Promise<void> {
    await this.#mirror;
    if (this.#failure !== undefined) throw this.#failure;
    const found = this.#found;
    if (found.kind === "corrupt") throw new LedgerError("VOTE_RECORD_CORRUPT", { path: this.#path });
    if (record.length > RECORD_BYTES_MAX) {
      throw new LedgerError("VOTE_RECORD_TOO_LARGE", { bytes: record.length, bytesMax: RECORD_BYTES_MAX });
    }
    const copy: Copy = { generation: found.kind === "found" ? found.copy.generation + 1 : 1, record };
    const slots = this.#slots;
    if (slots === undefined) this.#slots = await this.#orFail(() => createSlots(this.#path, copy));
    else {
      await this.#orFail(() => this.#write(slots, "a", copy));
      // A failure is thrown by the next save; until then the newest record stands twice in slot A.
      this.#mirror = this.#orFail(() => this.#write(slots, "b", copy)).catch(() => undefined);
    }
    this.#found = { kind: "found", copy };
  }

  async #write(slots: Slots, name: SlotName, copy: Copy): Promise<void> {
    if (slots[name].canHold(copy)) return slots[name].overwrite(copy);
    const outgrown = slots[name];
    slots[name] = await SlotFile.replace(this.#path, name, copy);
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
async function createSlots(path: string, copy: Copy): Promise<Slots> {
  const building = `${path}.new`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true, mode: 0o700 });
  const slots = { a: await SlotFile.replace(building, "a", copy), b: await SlotFile.replace(building, "b", copy) };
  await rename(building, path);
  await syncDirectory(dirname(path));
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
