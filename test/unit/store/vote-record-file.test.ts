import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiskPace } from "../../../src/store/record-files.ts";
import { openVoteRecordFile } from "../../../src/store/vote-record-file.ts";

const RECORD_BYTES = 40;
const HEADER_BYTES = 60;
const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
/** an ordinary slot: the copies end and begin here */
const MIDDLE = 64 << 10;
const SECOND = MIDDLE + PAGE_BYTES;
const SLOT_BYTES = 2 * MIDDLE;

type SlotName = "a" | "b";
/** The content of both slot files; undefined: missing. */
type Slots = Readonly<Record<SlotName, Uint8Array | undefined>>;
type WholeSlots = Readonly<Record<SlotName, Uint8Array>>;

function record(seed: number, bytes = RECORD_BYTES): Uint8Array {
  return new Uint8Array(bytes).fill(seed);
}

/** Generation n of the test carries record n. */
function slotOf(generation: number): SlotName {
  return generation % 2 === 0 ? "a" : "b";
}

describe("vote record file", () => {
  let directory: string;
  let path: string;
  /** what stands on disk after saves 1 to 6 */
  let saved: WholeSlots[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "linli-votes-"));
    path = join(directory, "votes");
    saved = await saveAll(6);
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function saveAll(count: number, bytes = RECORD_BYTES): Promise<WholeSlots[]> {
    await rm(path, { recursive: true, force: true });
    const states: WholeSlots[] = [];
    const store = await openVoteRecordFile(path);
    for (let seed = 1; seed <= count; seed += 1) {
      await store.save(record(seed, bytes));
      states.push(await readSlots());
    }
    await store.close();
    return states;
  }

  async function readSlots(): Promise<WholeSlots> {
    return { a: await readFile(join(path, "a")), b: await readFile(join(path, "b")) };
  }

  function state(seed: number, states = saved): WholeSlots {
    const slots = states[seed - 1];
    if (slots === undefined) throw new Error(`no state ${seed}`);
    return slots;
  }

  /** The seed of the record that a restart finds, or why there is none. */
  async function restart(slots: Slots): Promise<number | string> {
    await rm(path, { recursive: true, force: true });
    await mkdir(path);
    for (const name of ["a", "b"] as const) {
      const content = slots[name];
      if (content !== undefined) await writeFile(join(path, name), content);
    }
    const store = await openVoteRecordFile(path);
    const loaded = await store.load();
    await store.close();
    if (loaded.kind !== "found") return loaded.kind;
    expect(loaded.bytes).toEqual(record(loaded.bytes[0] ?? 0, loaded.bytes.length));
    return loaded.bytes[0] ?? 0;
  }

  function flipped(content: Uint8Array, position: number, mask = 0x10): Uint8Array {
    const changed = Uint8Array.from(content);
    changed[position] = (changed[position] ?? 0) ^ mask;
    return changed;
  }

  /** The file with these pages lost. */
  function withoutPages(content: Uint8Array, pages: readonly number[], fill = 0): Uint8Array {
    const changed = Uint8Array.from(content);
    for (const page of pages) changed.fill(fill, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    return changed;
  }

  /** The write from one content to the other, where only these sectors reached the disk. */
  function torn(before: Uint8Array, after: Uint8Array, isWritten: (sector: number) => boolean): Uint8Array {
    const mixed = Uint8Array.from(before);
    for (let at = 0; at < mixed.length; at += SECTOR_BYTES)
      if (isWritten(at / SECTOR_BYTES)) mixed.set(after.subarray(at, at + SECTOR_BYTES), at);
    return mixed;
  }

  it("D24: a flipped byte anywhere in either slot loses nothing", async () => {
    const used = [...Array(HEADER_BYTES + RECORD_BYTES).keys()];
    const positions = [
      ...used.map((at) => MIDDLE - 1 - at),
      ...used.map((at) => SECOND + at),
      0,
      MIDDLE,
      SLOT_BYTES - 1,
    ];
    for (const newest of [2, 3]) {
      const slots = state(newest);
      for (const position of positions) {
        expect(await restart({ ...slots, a: flipped(slots.a, position) }), `a, byte ${position}`).toBe(newest);
        expect(await restart({ ...slots, b: flipped(slots.b, position) }), `b, byte ${position}`).toBe(newest);
      }
    }
  }, 120_000);

  it("D24: a lost page anywhere in either slot loses nothing, however many pages a record takes", async () => {
    for (const bytes of [1, PAGE_BYTES - HEADER_BYTES, PAGE_BYTES - HEADER_BYTES + 1, 20_000]) {
      const slots = state(3, await saveAll(3, bytes));
      for (const name of ["a", "b"] as const) {
        for (let page = MIDDLE / PAGE_BYTES - 6; page < SECOND / PAGE_BYTES + 6; page += 1) {
          for (const fill of [0, 0xff]) {
            const damaged = { ...slots, [name]: withoutPages(slots[name], [page], fill) };
            expect(await restart(damaged), `${name}, page ${page}, ${bytes} bytes`).toBe(3);
          }
        }
      }
    }
  }, 120_000);

  it("D80: whatever pages a slot has lost, a record that fits a page is found or refused, never an older one", async () => {
    const slots = state(3, await saveAll(3, PAGE_BYTES - HEADER_BYTES));
    const first = MIDDLE / PAGE_BYTES - 1;
    const second = SECOND / PAGE_BYTES;
    expect(await restart({ ...slots, b: withoutPages(slots.b, [first, second]) })).toBe("corrupt");
    expect(await restart({ ...slots, a: withoutPages(slots.a, [first, second]) })).toBe("corrupt");
    expect(await restart({ ...slots, b: new Uint8Array(SLOT_BYTES) })).toBe("corrupt");
    const pages = fc.uniqueArray(fc.integer({ min: 0, max: SLOT_BYTES / PAGE_BYTES - 1 }));
    await fc.assert(
      fc.asyncProperty(pages, fc.constantFrom<SlotName>("a", "b"), fc.boolean(), async (lost, name, isNear) => {
        const all = isNear ? [...lost, first, second] : lost;
        const found = await restart({ ...slots, [name]: withoutPages(slots[name], all, 0x5a) });
        expect([3, "corrupt"]).toContain(found);
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it("D25: a torn write leaves the acknowledged record or the new one, never an older one and never none", async () => {
    for (const bytes of [RECORD_BYTES, 3_000, 20_000]) {
      const states = await saveAll(5, bytes);
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(3, 4),
          fc.array(fc.boolean(), { minLength: 90, maxLength: 90 }),
          async (acknowledged, written) => {
            const before = state(acknowledged, states);
            const after = state(acknowledged + 1, states);
            const name = slotOf(acknowledged + 1);
            const firstSector = MIDDLE / SECTOR_BYTES - 45;
            const slot = torn(before[name], after[name], (sector) => written[sector - firstSector] ?? false);
            expect([acknowledged, acknowledged + 1]).toContain(await restart({ ...before, [name]: slot }));
          },
        ),
        { numRuns: 60 },
      );
    }
  }, 120_000);

  it("D25: a write that stops at any byte leaves the acknowledged record, or the new one once a copy is whole", async () => {
    const before = state(4);
    const after = state(5);
    const start = MIDDLE - HEADER_BYTES - RECORD_BYTES;
    const end = SECOND + HEADER_BYTES + RECORD_BYTES;
    for (let stop = start; stop <= end; stop += stop === MIDDLE ? PAGE_BYTES : 1) {
      const slot = Uint8Array.from(before.b);
      slot.set(after.b.subarray(start, stop), start);
      expect(await restart({ ...before, b: slot }), `stops at ${stop}`).toBe(stop >= MIDDLE ? 5 : 4);
    }
  });

  it("D26: a slot of another length, or gone, is refused: the newest record may have stood there", async () => {
    const slots = state(3);
    const used = [...Array(HEADER_BYTES).keys()].map((at) => SECOND + at);
    for (const length of [
      0,
      1,
      SLOT_BYTES / 4,
      MIDDLE,
      SECOND,
      ...used,
      SLOT_BYTES - 1,
      SLOT_BYTES + 1,
      2 * SLOT_BYTES,
    ]) {
      for (const name of ["a", "b"] as const) {
        const content = new Uint8Array(length);
        content.set(slots[name].subarray(0, length));
        expect(await restart({ ...slots, [name]: content }), `${name}, ${length} bytes`).toBe("corrupt");
      }
    }
    expect(await restart({ ...slots, a: undefined })).toBe("corrupt");
    expect(await restart({ ...slots, b: undefined })).toBe("corrupt");
    expect(await restart({ a: undefined, b: undefined })).toBe("missing");
  }, 120_000);

  it("D81: a slot that was put back from an older copy beside the other one is refused", async () => {
    expect(await restart({ a: state(6).a, b: state(5).b })).toBe(6);
    expect(await restart({ a: state(6).a, b: state(3).b })).toBe("corrupt");
    expect(await restart({ a: state(2).a, b: state(5).b })).toBe("corrupt");
    const destroyed = flipped(flipped(state(6).a, MIDDLE - HEADER_BYTES - 1), SECOND + HEADER_BYTES);
    expect(await restart({ a: destroyed, b: state(5).b })).toBe(5);
    expect(await restart({ a: destroyed, b: state(3).b })).toBe("corrupt");
  });

  it("D27: nothing is saved over a corrupt record", async () => {
    expect(await restart({ a: undefined, b: state(3).b })).toBe("corrupt");
    const store = await openVoteRecordFile(path);
    await expect(store.save(record(4))).rejects.toThrow("VOTE_RECORD_CORRUPT");
    await store.close();
    expect(await readFile(join(path, "b"))).toEqual(state(3).b);
  });

  it("D28: a damaged slot is whole again after the next start", async () => {
    const { a, b } = state(3);
    const newest = state(3).b;
    expect(await restart({ a, b: flipped(b, MIDDLE - 1) })).toBe(3);
    expect(await readSlots()).toEqual({ a, b: newest });
    expect(await restart({ a: flipped(a, SECOND), b })).toBe(3);
    expect(await readSlots()).toEqual({ a: newest, b });
  });

  it("D28: after a torn write the next votes stand in both slots again", async () => {
    const before = state(4);
    const slot = torn(before.b, state(5).b, (sector) => sector !== MIDDLE / SECTOR_BYTES - 1);
    slot.fill(0x77, SECOND + HEADER_BYTES, SECOND + HEADER_BYTES + 4);
    expect(await restart({ ...before, b: flipped(slot, MIDDLE - HEADER_BYTES - 1) })).toBe(4);
    const store = await openVoteRecordFile(path);
    await store.save(record(5));
    await store.close();
    const { a, b } = await readSlots();
    expect({ a, b }).toEqual(state(5));
  });

  it("D29: a record that outgrows its slot moves to a larger one and survives restarts and a lost page", async () => {
    const store = await openVoteRecordFile(path);
    await store.save(record(7, 300_000));
    await store.close();
    const { a, b } = await readSlots();
    expect([a.length, b.length]).toEqual([SLOT_BYTES, 1 << 20]);
    for (let page = 0; page < b.length / PAGE_BYTES; page += 9)
      expect(await restart({ a, b: withoutPages(b, [page]) })).toBe(7);
    const again = await openVoteRecordFile(path);
    await again.save(record(8));
    await again.save(record(9));
    await again.close();
    const later = await readSlots();
    expect(await restart(later)).toBe(9);
    expect(await restart({ ...later, b: withoutPages(later.b, [(1 << 19) / PAGE_BYTES - 1]) })).toBe(9);
  });

  it("D29: refuses a record beyond the largest slot", async () => {
    const store = await openVoteRecordFile(path);
    await expect(store.save(new Uint8Array(64 << 20))).rejects.toThrow("VOTE_RECORD_TOO_LARGE");
    await store.close();
  });

  it("D30: after a failed write nothing is written any more", async () => {
    const store = await openVoteRecordFile(path);
    await rm(path, { recursive: true });
    await expect(store.save(new Uint8Array(300_000))).rejects.toThrow("VOTE_RECORD_WRITE_FAILED");
    await expect(store.save(record(4))).rejects.toThrow("VOTE_RECORD_WRITE_FAILED");
    await store.close();
  });

  it.runIf(platform() === "linux")(
    "D134: a vote waits for no job of the thread pool while the disk is quick",
    async () => {
      const store = await openVoteRecordFile(path);
      const pipes = Array.from({ length: 12 }, (_, at) => join(directory, `pipe-${at}`));
      execFileSync("mkfifo", pipes);
      // To open a pipe for reading takes until somebody writes: each keeps a thread of the pool.
      const opening = pipes.map((pipe) => open(pipe, "r"));
      await store.save(record(7));
      await store.save(record(8));
      const writers = pipes.map((pipe) => openSync(pipe, constants.O_RDWR));
      for (const reader of await Promise.all(opening)) await reader.close();
      for (const writer of writers) closeSync(writer);
      await store.close();
      expect(await restart(await readSlots())).toBe(8);
    },
  );

  it("D135: after a write that held up its thread the pool makes the next 64, then the thread tries again", () => {
    const disk = new DiskPace();
    expect(disk.isQuickFor(8_192)).toBe(true);
    disk.noteWrite(2);
    expect(disk.isQuickFor(8_192)).toBe(true);
    disk.noteWrite(2.1);
    for (let write = 0; write < 64; write += 1) {
      expect(disk.isQuickFor(8_192)).toBe(false);
      disk.noteWrite(undefined);
    }
    expect(disk.isQuickFor(8_192)).toBe(true);
  });

  it("D136: the pool makes a write of more than 256 KiB, however quick the disk is", () => {
    const disk = new DiskPace();
    expect([256 << 10, (256 << 10) + 1].map((bytes) => disk.isQuickFor(bytes))).toEqual([true, false]);
    disk.noteWrite(undefined);
    expect(disk.isQuickFor(1)).toBe(true);
  });

  it("D31: only its owner may read it", async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    for (const name of ["a", "b"]) expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
  });
});
