// Golden transcripts: what every replica does in a scene, line by line. `UPDATE_SCENARIOS=1 npx vitest run test/scenarios`
// writes them anew; the difference is then to be read, line by line.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SCENES } from "./scenes.ts";
import { Stage } from "./stage.ts";

describe("scenarios", () => {
  for (const [name, { about, options, play }] of Object.entries(SCENES)) {
    it(`${name}: ${about}`, () => {
      const stage = new Stage(options);
      stage.note(about);
      play(stage);
      const transcript = `${stage.lines.join("\n")}\n`;
      const path = join(import.meta.dirname, `${name}.txt`);
      if (process.env.UPDATE_SCENARIOS === "1") writeFileSync(path, transcript);
      expect(existsSync(path), `${path} is missing`).toBe(true);
      expect(transcript).toBe(readFileSync(path, "utf8"));
    });
  }
});
