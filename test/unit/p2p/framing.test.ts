import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deframer, joinFrames } from "../../../src/p2p/framing.ts";

const FRAME_BYTES_MAX = 300;

function deframer(options: { admits?: (bytes: number) => boolean } = {}): { frames: Uint8Array[]; reader: Deframer } {
  const frames: Uint8Array[] = [];
  const reader = new Deframer({
    frameBytesMin: 1,
    frameBytesMax: FRAME_BYTES_MAX,
    admits: options.admits ?? (() => true),
    onFrame: (frame) => frames.push(frame),
  });
  return { frames, reader };
}

const anyFrames = fc.array(fc.uint8Array({ minLength: 1, maxLength: FRAME_BYTES_MAX }), { maxLength: 20 });

describe("framing", () => {
  it("gives back the frames however the bytes are cut, and none that is not whole", () => {
    fc.assert(
      fc.property(anyFrames, fc.array(fc.nat(40), { minLength: 1 }), fc.nat(8), (frames, cuts, missing) => {
        const joined = joinFrames(frames);
        const bytes = joined.subarray(0, Math.max(0, joined.length - missing));
        const { frames: received, reader } = deframer();
        let offset = 0;
        for (let index = 0; offset < bytes.length; index += 1) {
          const piece = bytes.slice(offset, offset + 1 + (cuts[index % cuts.length] ?? 0));
          expect(reader.push(piece)).toBeUndefined();
          piece.fill(0xee); // the reader must not hold on to it
          offset += piece.length;
        }
        const whole = missing === 0 ? frames : frames.slice(0, received.length);
        expect(received).toEqual(whole);
        if (missing > 0 && frames.length > 0) expect(received.length).toBeLessThan(frames.length);
      }),
    );
  });

  it.each([
    ["an empty frame", Uint8Array.of(0, 0, 0, 0), "FRAME_EMPTY"],
    ["a frame above the limit", Uint8Array.of(0, 0, 1, 45), "FRAME_TOO_LARGE"],
    ["a frame of 4 GiB", Uint8Array.of(255, 255, 255, 255), "FRAME_TOO_LARGE"],
  ])("ends at %s, before memory is set aside, and gives nothing after it", (_, bytes, fault) => {
    let asked = 0;
    const { frames, reader } = deframer({
      admits: () => {
        asked += 1;
        return true;
      },
    });
    expect(reader.push(bytes)).toBe(fault);
    expect(reader.push(joinFrames([Uint8Array.of(1)]))).toBeUndefined();
    expect([frames.length, asked]).toEqual([0, 0]);
  });

  it("ends when a frame is not admitted, and tells its size with its length", () => {
    const sizes: number[] = [];
    const { frames, reader } = deframer({
      admits: (bytes) => {
        sizes.push(bytes);
        return sizes.length < 3;
      },
    });
    const three = [new Uint8Array(10), new Uint8Array(20), new Uint8Array(30)];
    expect(reader.push(joinFrames(three))).toBe("FRAME_FLOOD");
    expect([frames.length, sizes]).toEqual([2, [14, 24, 34]]);
  });

  it("gives nothing more once stopped in the middle of a piece", () => {
    const frames: Uint8Array[] = [];
    const reader = new Deframer({
      frameBytesMin: 0,
      frameBytesMax: FRAME_BYTES_MAX,
      admits: () => true,
      onFrame: (frame) => {
        frames.push(frame);
        reader.stop();
      },
    });
    reader.push(joinFrames([new Uint8Array(0), Uint8Array.of(2), Uint8Array.of(3)]));
    expect(frames).toEqual([new Uint8Array(0)]);
  });
});
