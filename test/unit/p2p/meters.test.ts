import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GossipMeter } from "../../../src/p2p/gossip-meter.ts";
import { peerLimits } from "../../../src/p2p/limits.ts";
import { MuxerGuard } from "../../../src/p2p/muxer-guard.ts";
import { TokenBucket } from "../../../src/p2p/token-bucket.ts";
import { ManualClock } from "./support.ts";

function pushInPieces(push: (piece: Uint8Array) => string | undefined, bytes: Uint8Array, size: number): string {
  for (let offset = 0; offset < bytes.length; offset += size) {
    const fault = push(bytes.subarray(offset, offset + size));
    if (fault !== undefined) return fault;
  }
  return "none";
}

describe("token bucket", () => {
  it("gives its burst at once, then its rate, and never saves more than its burst", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5, nowMs: 1_000 });
    expect(bucket.take(6, 1_000)).toBe(false);
    expect(bucket.take(5, 1_000)).toBe(true);
    expect(bucket.take(1, 1_099)).toBe(false);
    expect(bucket.take(1, 1_100)).toBe(true);
    expect(bucket.take(6, 1_000_000)).toBe(false);
    expect(bucket.take(5, 1_000_000)).toBe(true);
  });

  it("is not refilled by a clock that goes back", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 1, nowMs: 1_000 });
    expect([bucket.take(1, 1_000), bucket.take(1, 0), bucket.take(1, 50)]).toEqual([true, false, false]);
  });
});

describe("gossip meter", () => {
  const limits = peerLimits({ gossipBytesMax: 1_000, gossipBurst: 10, gossipPerSecond: 1 });

  function message(length: number): Uint8Array {
    const prefix = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
    return Uint8Array.from([...prefix, ...new Uint8Array(length).fill(0xff)]);
  }

  it("counts messages, however they are cut", () => {
    const lengths = fc.array(fc.nat(2_000), { minLength: 1, maxLength: 14 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 50 }), (sizes, cut) => {
        const meter = new GossipMeter({ clock: new ManualClock(), limits });
        const bytes = Uint8Array.from(sizes.flatMap((size) => [...message(size)]));
        expect(pushInPieces((piece) => meter.push(piece), bytes, cut)).toBe(
          sizes.length > 10 ? "GOSSIP_FLOOD" : "none",
        );
      }),
    );
  });

  it.each([
    ["at the limit with its envelope", Uint8Array.of(0xe8, 0x0f), "none"],
    ["above the limit", Uint8Array.of(0xe9, 0x0f), "GOSSIP_TOO_LARGE"],
    ["of a length that does not end", Uint8Array.of(0x80, 0x80, 0x80, 0x80), "GOSSIP_MALFORMED"],
  ])("judges a message %s", (_, bytes, fault) => {
    const meter = new GossipMeter({ clock: new ManualClock(), limits });
    expect(pushInPieces((piece) => meter.push(piece), bytes, 1)).toBe(fault);
  });
});

describe("muxer guard", () => {
  const limits = peerLimits({
    windowBytesMax: 1_000,
    unaskedBytesBurst: 1_500,
    unaskedBytesPerSecond: 1,
    piecesBurst: 400,
    piecesPerSecond: 1,
    streamsBurst: 3,
    streamsPerSecond: 1,
  });

  function header(frame: {
    type: number;
    flags?: number;
    stream?: number;
    length?: number;
    version?: number;
  }): Uint8Array {
    const bytes = new Uint8Array(12);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, frame.version ?? 0);
    view.setUint8(1, frame.type);
    view.setUint16(2, frame.flags ?? 0);
    view.setUint32(4, frame.stream ?? 0);
    view.setUint32(8, frame.length ?? 0);
    return bytes;
  }

  function data(stream: number, length: number, flags = 0): Uint8Array {
    return Buffer.concat([header({ type: 0, flags, stream, length }), new Uint8Array(length).fill(0xff)]);
  }

  const PING = header({ type: 2, flags: 1, length: 9 });
  const GO_AWAY = header({ type: 3 });

  // We dialled, so our streams are odd and the peer's are even.
  it.each([
    [
      "data, windows, pings and farewells",
      [data(2, 900, 1), header({ type: 1, stream: 1, length: 9 }), PING, GO_AWAY],
      "none",
    ],
    ["what we asked for, as much as it is", [data(1, 1_000), data(1, 1_000), data(3, 1_000)], "none"],
    ["more than we asked for", [data(2, 1_000), data(2, 600)], "MUXER_FLOOD"],
    ["a frame above the window", [header({ type: 0, stream: 1, length: 1_001 })], "MUXER_FRAME_TOO_LARGE"],
    ["another version", [header({ type: 0, stream: 2, version: 1 })], "MUXER_MALFORMED"],
    ["an unknown type", [header({ type: 4 })], "MUXER_MALFORMED"],
    ["data of no stream", [header({ type: 0 })], "MUXER_MALFORMED"],
    ["a ping of a stream", [header({ type: 2, stream: 1 })], "MUXER_MALFORMED"],
    ["a stream opened with one of our numbers", [header({ type: 1, flags: 1, stream: 5 })], "MUXER_MALFORMED"],
    ["too many streams", [2, 4, 6, 8].map((stream) => header({ type: 1, flags: 1, stream })), "MUXER_FLOOD"],
    ["too many frames", Array.from({ length: 400 }, () => header({ type: 1, stream: 1 })), "MUXER_FLOOD"],
  ])("judges %s", (_, frames, fault) => {
    const guard = new MuxerGuard({ clock: new ManualClock(), limits, weDialled: true });
    expect(pushInPieces((piece) => guard.push(piece), Buffer.concat(frames), 97)).toBe(fault);
  });

  it("counts pieces, so that bytes one by one are a flood, too", () => {
    const guard = new MuxerGuard({ clock: new ManualClock(), limits, weDialled: false });
    expect(pushInPieces((piece) => guard.push(piece), data(1, 900), 1)).toBe("MUXER_FLOOD");
  });
});
