// docs/adr: a decision is found by its number, so each has one of its own.

import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { document } from "./sources.ts";

describe("docs/adr", () => {
  const files = readdirSync(new URL("../../../docs/adr", import.meta.url)).sort();

  it("gives each decision a number that no other has, in its name and in its title", () => {
    const numbers = files.map((file) => Number(file.slice(0, 4)));
    expect(new Set(numbers).size, files.join(" ")).toBe(files.length);
    const titled = files.map((file) => Number(/^# (\d+)\. /.exec(document(`docs/adr/${file}`))?.[1]));
    expect(titled).toEqual(numbers);
  });
});
