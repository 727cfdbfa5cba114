// docs/operations.md against the sources: every message of the log and every field of consensus_status is explained.

import { describe, expect, it } from "vitest";
import { document, typeScriptFiles } from "./sources.ts";

describe("docs/operations.md", () => {
  const text = document("docs/operations.md");
  const explained = new Set([...text.matchAll(/`([^`\n]+)`/g)].map(([, quoted = ""]) => quoted));

  it("explains every message that the log shows at info or above", () => {
    const messages = typeScriptFiles("src").flatMap(({ text: source }) =>
      [...source.matchAll(/\blog\.(?:info|warn|error)\(\s*"([^"]+)"/g)].map(([, message = ""]) => message),
    );
    expect(messages.length).toBeGreaterThan(20);
    expect([...new Set(messages)].filter((message) => !explained.has(message))).toEqual([]);
  });

  it("explains every field of consensus_status", () => {
    const body = (path: string, method: string): string => {
      const source = document(path);
      const start = source.indexOf(`  ${method}(`);
      return source.slice(start, source.indexOf("\n  }\n", start));
    };
    const fields = [body("src/consensus/replica.ts", "status"), body("src/node/api.ts", "consensusStatus")].flatMap(
      (source) => [...source.matchAll(/^ {6}(\w+)(?:,$|: )/gm)].map(([, field = ""]) => field),
    );
    expect(fields.length).toBeGreaterThan(18);
    expect(fields.filter((field) => !explained.has(field))).toEqual([]);
  });
});
