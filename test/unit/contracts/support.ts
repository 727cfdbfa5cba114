// What the tests of the contracts share: an empty state, evaluation of single expressions, small contracts.

import { Overlay } from "../../../src/state/overlay.ts";

export function newOverlay(): Overlay {
  return new Overlay({ base: { get: () => undefined }, height: 1 });
}
