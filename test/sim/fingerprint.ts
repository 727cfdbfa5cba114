// A running hash of all effects of a run, to tell two runs of one seed apart if they ever differ.
// Samples the end of each frame, where signatures stand: cheap, and any difference shows sooner or later.

import type { ReplicaEffect } from "../../src/consensus/events.ts";

const SAMPLE_BYTES = 24;

export class Fingerprint {
  private low = 0x811c9dc5;
  private high = 0x01000193;

  add(nowMs: number, node: number, effect: ReplicaEffect): void {
    this.mix(nowMs);
    this.mix(node);
    for (let index = 0; index < effect.kind.length; index += 1) this.mix(effect.kind.charCodeAt(index));
    if (effect.kind === "setTimer") this.mix(effect.delayMs);
    if (effect.kind !== "send") return;
    this.mix(effect.bytes.length);
    for (const byte of effect.bytes.subarray(-SAMPLE_BYTES)) this.mix(byte);
  }

  toString(): string {
    return (this.high >>> 0).toString(16).padStart(8, "0") + (this.low >>> 0).toString(16).padStart(8, "0");
  }

  private mix(value: number): void {
    this.low = Math.imul(this.low ^ value, 0x01000193);
    this.high = Math.imul(this.high ^ (value + (this.low >>> 13)), 0x85ebca6b);
  }
}
