// What stays of a height when it is left: the NEW-VIEWs this replica followed and the prepared certificates it saw.
// Judges nothing: whoever joins the trails of two forks (fork.ts) verifies every signature in them.

import type { Verdict } from "../errors.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode } from "../ledger/codec.ts";
import { certificateItems, readCertificate } from "../ledger/format-vote.ts";
import { LIMITS } from "../ledger/limits.ts";
import { type Certificate, FORMAT_VERSION } from "../ledger/types.ts";
import type { Core } from "./core.ts";
import { FRAME_BYTES_MAX } from "./limits.ts";
import { decodeNewView, type NewView } from "./view-formats.ts";

/** The first views of a height whose statements are kept. */
export const TRAIL_VIEWS_MAX = 32;
const TRAIL_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: FRAME_BYTES_MAX };

/** A NEW-VIEW as its primary signed it. */
export interface SignedNewView {
  /** index into validators(height) */
  readonly signer: number;
  readonly content: NewView;
  readonly signature: Uint8Array;
}

export interface Trail {
  readonly height: number;
  readonly newViews: readonly SignedNewView[];
  /** q PREPAREs each */
  readonly prepared: readonly Certificate[];
}

/** C91: in whatever way the height ended here. */
export function leaveTrail({ state, emit }: Core): void {
  const { height, newViews, prepared } = state;
  if (newViews.size === 0 && prepared.size === 0) return;
  const first = <T>(byView: ReadonlyMap<number, T>): readonly T[] =>
    [...byView]
      .sort(([left], [right]) => left - right)
      .slice(0, TRAIL_VIEWS_MAX)
      .map(([, one]) => one);
  const bytes = encodeTrail({ height, newViews: first(newViews), prepared: first(prepared) });
  emit({ kind: "keepTrail", height, bytes });
}

/** `[version, height, [[signer, content, signature]...], [certificate...]]`. */
export function encodeTrail({ height, newViews, prepared }: Trail): Uint8Array {
  const views = newViews.map(({ signer, content, signature }) => [signer, content.bytes, signature]);
  return encode([FORMAT_VERSION, height, views, prepared.map(certificateItems)]);
}

export function decodeTrail(bytes: Uint8Array): Verdict<Trail> {
  return decodeWith(bytes, TRAIL_LIMITS, (reader) => {
    reader.tuple(4);
    reader.version(FORMAT_VERSION);
    const height = reader.uint(1);
    const newViews = reader.list(0, TRAIL_VIEWS_MAX, (inner): SignedNewView => {
      inner.tuple(3);
      const signer = inner.uint(0, LIMITS.validatorsMax - 1);
      const content = decodeNewView(inner.byteString(1, FRAME_BYTES_MAX));
      if (!content.ok) return inner.fail(content.code);
      return { signer, content: content.value, signature: inner.byteString(1, LIMITS.signatureBytesMax) };
    });
    return { height, newViews, prepared: reader.list(0, TRAIL_VIEWS_MAX, readCertificate) };
  });
}
