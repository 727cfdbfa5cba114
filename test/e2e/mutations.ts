// Damage to bytes as wires, disks and liars do it: flipped bits, cut ends, swapped and repeated pieces.

import type { Random } from "../sim/random.ts";

export function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const place = random.below(Math.max(1, copy.length));
  switch (random.below(6)) {
    case 0:
      copy[place] = (copy[place] ?? 0) ^ (1 << random.below(8));
      return copy;
    case 1:
      return copy.subarray(0, place);
    case 2:
      return Uint8Array.from([...copy, ...random.bytes(random.between(1, 64))]);
    case 3:
      copy.set(random.bytes(Math.min(8, copy.length - place)), place);
      return copy;
    case 4:
      return Uint8Array.from([...copy.subarray(0, place), ...copy.subarray(Math.min(copy.length, place + 1))]);
    default:
      return Uint8Array.from([...copy.subarray(0, place), ...copy.subarray(random.below(copy.length + 1))]);
  }
}
