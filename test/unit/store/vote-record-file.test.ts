import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openVoteRecordFile } from "../../../src/store/vote-record-file.ts";

const RECORD_BYTES = 40;
/** header and record: the bytes of a copy that matter */
const COPY_USED_BYTES = 52 + RECORD_BYTES;

/** The content of both slot files; undefined: missing. */
interface Slots {
  readonly a: Uint8Array | undefined;
  readonly b: Uint8Array | undefined;
}

function record(seed: number): Uint8Array {
  return new Uint8Array(RECORD_BYTES).fill(seed);
}

describe("vote record file", () => {
  let directory: string;
  let path: string;
  /** mirrored states with records 1, 2 and 3: what stands on disk between two saves */
  let saved: Slots[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "linli-votes-"));
    path = join(directory, "votes");
    saved = [];
    for (let seed = 1; seed <= 3; seed += 1) {
      const store = await openVoteRecordFile(path);
      await store.save(record(seed));
      await store.close();
      saved.push(await readSlots());
    }
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function readSlots(): Promise<Slots> {
    return { a: await readFile(join(path, "a")), b: await readFile(join(path, "b")) };
  }

  function state(seed: number): { readonly a: Uint8Array; readonly b: Uint8Array } {
    const { a, b } = saved[seed - 1] ?? {};
    if (a === undefined || b === undefined) throw new Error(`no state ${seed}`);
    return { a, b };
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
    expect(loaded.bytes).toEqual(record(loaded.bytes[0] ?? 0));
    return loaded.bytes[0] ?? 0;
  }

  function flipped(content: Uint8Array, position: number, mask = 0x10): Uint8Array {
    const changed = Uint8Array.from(content);
    changed[position] = (changed[position] ?? 0) ^ mask;
    return changed;
  }

  function zeroed(content: Uint8Array): Uint8Array {
    return new Uint8Array(content.length);
  }

  /** Every byte of both copies, and some of the room between them. */
  function positions(content: Uint8Array): readonly number[] {
    const half = content.length / 2;
    const used = [...Array(COPY_USED_BYTES).keys()];
    return [...used, ...used.map((at) => half + at), COPY_USED_BYTES, half - 1, content.length - 1];
  }

  it("D24: a flipped byte anywhere in either slot loses nothing, also before the mirror is written", async () => {
    const mirrored = state(3);
    const acknowledged = { a: state(3).a, b: state(2).b };
    for (const slots of [mirrored, acknowledged]) {
      for (const position of positions(slots.a)) {
        expect(await restart({ ...slots, a: flipped(slots.a, position) }), `a, byte ${position}`).toBe(3);
        expect(await restart({ ...slots, b: flipped(slots.b, position) }), `b, byte ${position}`).toBe(3);
      }
    }
  }, 120_000);

  it("D25: a torn write of slot A leaves the acknowledged record or the new one, never an older one", async () => {
    const before = state(2);
    const after = state(3);
    const half = after.a.length / 2;
    const cuts = [0, 1, 8, 20, 51, 52, 60, COPY_USED_BYTES - 1, COPY_USED_BYTES];
    for (const first of cuts) {
      for (const second of cuts) {
        const torn = Uint8Array.from(before.a);
        torn.set(after.a.subarray(0, first), 0);
        torn.set(after.a.subarray(half, half + second), half);
        const found = await restart({ a: torn, b: before.b });
        const isWritten = first === COPY_USED_BYTES || second === COPY_USED_BYTES;
        expect(found, `cut at ${first} and ${second}`).toBe(isWritten ? 3 : 2);
      }
    }
  });

  it("D25: a torn write of slot B, the mirror, loses nothing", async () => {
    const half = state(3).b.length / 2;
    for (let cut = 0; cut <= COPY_USED_BYTES; cut += 1) {
      const torn = Uint8Array.from(state(2).b);
      torn.set(state(3).b.subarray(0, cut), 0);
      torn.fill(0xaa, half, half + cut);
      expect(await restart({ a: state(3).a, b: torn })).toBe(3);
    }
  });

  it("D26: a slot cut at any length gives the newest record or 'corrupt', never an older one", async () => {
    const mirrored = state(3);
    const acknowledged = { a: state(3).a, b: state(2).b };
    const size = mirrored.a.length;
    const lengths = [
      ...Array(COPY_USED_BYTES + 2).keys(),
      size / 4,
      size / 2 - 1,
      size / 2,
      size / 2 + COPY_USED_BYTES,
      size - 1,
    ];
    for (const slots of [mirrored, acknowledged]) {
      for (const length of lengths) {
        const expected = length < COPY_USED_BYTES ? "corrupt" : 3;
        expect(await restart({ ...slots, a: slots.a.subarray(0, length) }), `a, ${length} bytes`).toBe(expected);
        expect(await restart({ ...slots, b: slots.b.subarray(0, length) }), `b, ${length} bytes`).toBe(3);
      }
    }
  }, 120_000);

  it("D26: a slot that is gone, or whose content is gone", async () => {
    const mirrored = state(3);
    expect(await restart({ ...mirrored, a: zeroed(mirrored.a) })).toBe(3);
    expect(await restart({ ...mirrored, b: zeroed(mirrored.b) })).toBe(3);
    expect(await restart({ ...mirrored, b: undefined })).toBe(3);
    expect(await restart({ ...mirrored, a: undefined })).toBe("corrupt");
    expect(await restart({ a: zeroed(mirrored.a), b: zeroed(mirrored.b) })).toBe("corrupt");
    expect(await restart({ a: undefined, b: undefined })).toBe("missing");
  });

  it("D27: nothing is saved over a corrupt record", async () => {
    expect(await restart({ a: undefined, b: state(3).b })).toBe("corrupt");
    const store = await openVoteRecordFile(path);
    await expect(store.save(record(4))).rejects.toThrow("VOTE_RECORD_CORRUPT");
    await store.close();
    expect(await readFile(join(path, "b"))).toEqual(state(3).b);
  });

  it("D28: a damaged slot is whole again after the next start", async () => {
    const mirrored = state(3);
    for (const damaged of [
      { ...mirrored, a: flipped(mirrored.a, 60) },
      { ...mirrored, b: undefined },
      { a: mirrored.a, b: state(2).b },
    ]) {
      expect(await restart(damaged)).toBe(3);
      expect(await readSlots()).toEqual(mirrored);
    }
  });

  it("D29: a record that outgrows its slot moves to a larger one and survives restarts", async () => {
    const store = await openVoteRecordFile(path);
    const large = new Uint8Array(300_000).fill(5);
    await store.save(large);
    await store.close();
    const again = await openVoteRecordFile(path);
    expect(await again.load()).toEqual({ kind: "found", bytes: large });
    await again.save(record(6));
    await again.close();
    const { a, b } = await readSlots();
    expect([a?.length, b?.length]).toEqual([1 << 20, 1 << 20]);
    expect(await restart({ a, b: zeroed(b ?? large) })).toBe(6);
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

  it("D31: only its owner may read it", async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    for (const name of ["a", "b"]) expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
  });
});
