// The judge of positions: what it names, and what an honest key may do.

import { describe, expect, it } from "vitest";
import { SignedPlaces } from "./signed-places.ts";

const at = (height: number, view: number, step: number) => ({ height, view, step });
const [ONE, OTHER] = [Uint8Array.of(1), Uint8Array.of(2)];

describe("what leaves under a key", () => {
  it("A118: rises by step, view and height, and may leave again as it is", () => {
    const places = new SignedPlaces();
    const rising = [at(1, 0, 1), at(1, 0, 2), at(1, 1, 0), at(1, 1, 1), at(2, 0, 1)];
    for (const place of rising) expect(places.noteSent(0, place, ONE)).toBe("new");
    for (const place of rising) expect(places.noteSent(0, place, ONE)).toBe("again");
    expect(places.noteSent(1, at(1, 0, 1), OTHER)).toBe("new");
  });

  it("A118: is one frame for each position", () => {
    const places = new SignedPlaces();
    places.noteSent(0, at(3, 0, 1), ONE);
    places.noteSent(0, at(4, 0, 1), ONE);
    expect(places.noteSent(0, at(3, 0, 1), OTHER)).toEqual({ fault: "S5: node 0 signed twice at 0:3:0:1" });
  });

  it("A118: does not fall, unless that very frame stood in the record when the process began", () => {
    const late = at(3, 1, 0);
    const places = new SignedPlaces();
    places.noteRecorded(0, late, ONE);
    places.noteSent(0, at(3, 1, 1), ONE);
    expect(places.noteSent(0, late, ONE)).toBe("new");
    expect(places.noteSent(0, at(3, 0, 2), ONE)).toEqual({ fault: "S5: node 0 signed backward at 0:3:0:2" });

    const another = new SignedPlaces();
    another.noteRecorded(0, late, ONE);
    another.noteRecorded(1, late, OTHER);
    another.noteSent(0, at(3, 1, 1), ONE);
    expect(another.noteSent(0, late, OTHER)).toEqual({ fault: "S5: node 0 signed backward at 0:3:1:0" });
  });
});
