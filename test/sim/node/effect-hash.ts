// A running hash of everything that leaves a simulated node, to tell two runs of one seed apart if they ever differ.
// Samples the end of each message, where signatures stand: cheap, and any difference shows sooner or later.

const SAMPLE_BYTES = 24;

export class EffectHash {
  private low = 0x811c9dc5;
  private high = 0x01000193;

  add(atMs: number, place: number, bytes: Uint8Array): void {
    this.mix(Math.floor(atMs * 1_000));
    this.mix(place);
    this.mix(bytes.length);
    for (const byte of bytes.subarray(-SAMPLE_BYTES)) this.mix(byte);
  }

  toString(): string {
    return (this.high >>> 0).toString(16).padStart(8, "0") + (this.low >>> 0).toString(16).padStart(8, "0");
  }

  private mix(value: number): void {
    this.low = Math.imul(this.low ^ value, 0x01000193);
    this.high = Math.imul(this.high ^ (value + (this.low >>> 13)), 0x85ebca6b);
  }
}
