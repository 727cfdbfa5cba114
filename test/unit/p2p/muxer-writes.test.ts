// What the multiplexer writes: as few writes as possible, the same bytes in the same order, and no peer that waits for its window.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HELD_WINDOW_BYTES_MAX, MuxerWrites } from "../../../src/p2p/muxer-writes.ts";

const DATA = 0;
const WINDOW = 1;
const PING = 2;
const FIN = 4;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly length: number;
}

function header({ type, flags, stream, length }: Frame): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint8(1, type);
  view.setUint16(2, flags);
  view.setUint32(4, stream);
  view.setUint32(8, length);
  return bytes;
}

function encode(frame: Frame): Uint8Array {
  if (frame.type !== DATA) return header(frame);
  const bytes = new Uint8Array(12 + frame.length).fill(frame.stream);
  bytes.set(header(frame));
  return bytes;
}

function decode(written: readonly Uint8Array[]): readonly Frame[] {
  const bytes = Buffer.concat(written);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const frame = {
      type: bytes.readUInt8(at + 1),
      flags: bytes.readUInt16BE(at + 2),
      stream: bytes.readUInt32BE(at + 4),
      length: bytes.readUInt32BE(at + 8),
    };
    frames.push(frame);
    at += 12 + (frame.type === DATA ? frame.length : 0);
  }
  return frames;
}

function open(): { readonly writes: MuxerWrites; readonly written: Uint8Array[] } {
  const written: Uint8Array[] = [];
  return { writes: new MuxerWrites((bytes) => written.push(bytes)), written };
}

const data = (stream: number, length: number): Frame => ({ type: DATA, flags: 0, stream, length });
const window = (stream: number, length: number): Frame => ({ type: WINDOW, flags: 0, stream, length });
const turn = (): Promise<void> => Promise.resolve();

describe("what the multiplexer writes", () => {
  it("N234: is one write for all frames of a turn, header and data of a list together", async () => {
    const { writes, written } = open();
    const whole = encode(data(3, 40));
    writes.push({ byteLength: whole.length, subarray: () => whole });
    writes.push(encode(data(5, 7)));
    await turn();
    expect(written).toHaveLength(1);
    expect(decode(written)).toEqual([data(3, 40), data(5, 7)]);
  });

  it("N234: gives window back with the next write, in one sum for each stream", async () => {
    const { writes, written } = open();
    for (const frame of [window(3, 100), window(5, 1), window(3, 200)]) writes.push(encode(frame));
    await turn();
    expect(written).toEqual([]);
    writes.push(encode(data(7, 9)));
    await turn();
    expect(written).toHaveLength(1);
    expect(decode(written)).toEqual([data(7, 9), window(3, 300), window(5, 1)]);
  });

  it("N234: gives window back by itself before a peer could wait for it", async () => {
    const { writes, written } = open();
    writes.push(encode(window(3, HELD_WINDOW_BYTES_MAX - 1)));
    await turn();
    expect(written).toEqual([]);
    writes.push(encode(window(5, 1)));
    await turn();
    expect(decode(written)).toEqual([window(3, HELD_WINDOW_BYTES_MAX - 1), window(5, 1)]);
  });

  it("N234: holds the window of a bounded number of streams", async () => {
    const { writes, written } = open();
    for (let stream = 1; stream <= 65; stream += 1) writes.push(encode(window(stream, 1)));
    await turn();
    expect(decode(written)).toHaveLength(65);
  });

  it("N234: lets nothing wait that opens, ends or answers", async () => {
    const frames = [
      { ...window(3, 0), flags: FIN },
      { type: PING, flags: 1, stream: 0, length: 1 },
    ];
    for (const frame of frames) {
      const { writes, written } = open();
      writes.push(encode(frame));
      await turn();
      expect(decode(written)).toEqual([frame]);
    }
  });

  it("N234: neither loses, changes nor reorders anything but window updates, whatever comes", async () => {
    const frame = fc.oneof(
      fc.record({ type: fc.constant(DATA), flags: fc.constant(0), stream: fc.nat(9), length: fc.nat(200) }),
      fc.record({ type: fc.constant(DATA), flags: fc.constant(0), stream: fc.nat(9), length: fc.nat(70_000) }),
      fc.record({
        type: fc.constant(WINDOW),
        flags: fc.constantFrom(0, FIN),
        stream: fc.nat(9),
        length: fc.nat(40_000),
      }),
      fc.record({ type: fc.constant(PING), flags: fc.nat(2), stream: fc.constant(0), length: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(frame, { maxLength: 6 }), { maxLength: 12 }), async (turns) => {
        const { writes, written } = open();
        const sent: Frame[] = [];
        for (const frames of turns) {
          for (const each of frames) writes.push(encode(each));
          sent.push(...frames);
          await turn();
        }
        const last = { type: PING, flags: 1, stream: 0, length: 0 };
        writes.push(encode(last));
        await turn();
        const isWindow = ({ type, flags }: Frame): boolean => type === WINDOW && flags === 0;
        const found = decode(written);
        expect(found.filter((each) => !isWindow(each))).toEqual([...sent.filter((each) => !isWindow(each)), last]);
        const sumOf = (frames: readonly Frame[], stream: number): number =>
          frames
            .filter((each) => isWindow(each) && each.stream === stream)
            .reduce((sum, { length }) => sum + length, 0);
        for (let stream = 0; stream < 10; stream += 1) expect(sumOf(found, stream)).toBe(sumOf(sent, stream));
      }),
      { numRuns: 200 },
    );
  });
});
