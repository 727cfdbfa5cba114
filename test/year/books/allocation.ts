// A sum divided by area to the fen: what is left over after rounding down goes to the largest remainders, the first named first.
// As docs/domain.md, section 4 has it ("Allocation: floor + largest remainder"); written without a look at the ledger's own.

export interface Place {
  readonly id: string;
  readonly areaCm2: number;
}

/** By id, in the order of the ids; the parts add up to `fen`. */
export function allocate(fen: number, places: readonly Place[]): ReadonlyMap<string, number> {
  const ordered = [...places].sort((left, right) => (left.id < right.id ? -1 : 1));
  const whole = ordered.reduce((sum, { areaCm2 }) => sum + BigInt(areaCm2), 0n);
  const shares = ordered.map(({ id, areaCm2 }) => {
    const exact = BigInt(fen) * BigInt(areaCm2);
    return { id, part: Number(exact / whole), rest: exact % whole };
  });
  let left = fen - shares.reduce((sum, { part }) => sum + part, 0);
  const byRest = [...shares].sort((one, other) => (one.rest === other.rest ? 0 : one.rest > other.rest ? -1 : 1));
  for (const share of byRest) {
    if (left === 0) break;
    share.part += 1;
    left -= 1;
  }
  return new Map(shares.map(({ id, part }) => [id, part]));
}
