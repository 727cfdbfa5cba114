// Stands in place of vitest where mutants are run: collects tests instead of running them, so that one process runs chosen ones in
// any order and many times. Matchers are vitest's own. It knows nothing of mutants.

export { expect } from "vitest";

export interface CollectedTest {
  readonly name: string;
  /** with the hooks around it; throws or rejects when it fails */
  readonly run: () => Promise<unknown>;
}

type Body = (...given: never[]) => unknown;
type Define = (name: string, body: Body) => void;

interface Suite {
  readonly name: string;
  readonly parent: Suite | undefined;
  readonly before: Body[];
}

let suite: Suite = { name: "", parent: undefined, before: [] };
let collected: CollectedTest[] = [];

/** Everything that `load` defines. */
export async function collect(load: () => Promise<unknown>): Promise<readonly CollectedTest[]> {
  suite = { name: "", parent: undefined, before: [] };
  collected = [];
  await load();
  return collected;
}

function defineSuite(name: string, body: Body): void {
  suite = { name, parent: suite, before: [] };
  body();
  suite = suite.parent ?? suite;
}

function defineTest(name: string, body: Body): void {
  const own = suite;
  const names: string[] = [];
  for (let each: Suite | undefined = own; each !== undefined; each = each.parent) names.unshift(each.name);
  collected.push({
    name: [...names, name].join(" "),
    run: async () => {
      await runBefore(own);
      return body();
    },
  });
}

async function runBefore({ parent, before }: Suite): Promise<void> {
  if (parent !== undefined) await runBefore(parent);
  for (const hook of before) await hook();
}

/** One for each row of a table; the rows of one name are told apart by their number. */
function eachWith(define: Define) {
  return (table: readonly unknown[]) => (name: string, body: Body) => {
    for (const [index, row] of table.entries()) {
      const given: readonly unknown[] = Array.isArray(row) ? row : [row];
      define(`${name} #${index}`, () => Reflect.apply(body, undefined, given));
    }
  };
}

export const describe = Object.assign(defineSuite, { each: eachWith(defineSuite) });
export const it = Object.assign(defineTest, { each: eachWith(defineTest) });
export const test = it;

export function beforeEach(hook: Body): void {
  suite.before.push(hook);
}
