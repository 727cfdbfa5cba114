// The tests that go with a contract when it is proposed: run where somebody stands behind the result, named by their digest.
// Nothing here is consensus: what the ledger keeps is the digest and the count (docs/adr/0021-tests-beside-the-ledger.md).

import { sha256 } from "#sha256";
import { EMPTY_STATE } from "../contracts/test-ledger.ts";
import { type AuthorTestOutcome, runAuthorTests } from "../contracts/test-runner.ts";
import type { Value } from "../ledger/codec.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import { Overlay } from "../state/overlay.ts";

export interface TestsShown {
  /** SHA-256 of the test document */
  readonly digest: Hash;
  readonly passed: number;
  readonly failed: readonly AuthorTestOutcome[];
}

/** @param sources the document under test first, then what it imports */
export function runTests(tests: string, sources: readonly string[]): TestsShown {
  const newOverlay = () => new Overlay({ base: EMPTY_STATE, height: 1 });
  const outcomes = runAuthorTests({ tests, sources, newOverlay });
  const failed = outcomes.filter(({ problem }) => problem !== undefined);
  return { digest: digestOf(tests), passed: outcomes.length - failed.length, failed };
}

/** Of a document, byte for byte. */
export function digestOf(text: string): Hash {
  return sha256(new TextEncoder().encode(text));
}

/**
 * How a proposal and what lies on one's desk differ; none: it may be approved.
 * @param proposed the fields of the rows of governance `contract_change` and `proposal`, undefined where there is no row
 */
export function disagreements(
  proposed: { readonly change: readonly Value[] | undefined; readonly proposal: readonly Value[] | undefined },
  found: { readonly name: string; readonly source: string; readonly shown: TestsShown },
): readonly string[] {
  const { name, source, shown } = found;
  // By place, in the order of library/governance.yaml, which only grows at its end: names of fields are a node's word.
  const [contract, sourceHash, , testsHash, testsPassed] = proposed.change ?? [];
  const [kind, , , , , , state] = proposed.proposal ?? [];
  const claims: readonly (readonly [holds: boolean, fault: string])[] = [
    [kind === "contract" && state === "open", "this is no open proposal of a contract"],
    [contract === name, `it proposes another contract than ${name}`],
    [isDigest(sourceHash, digestOf(source)), "the document is not the text that is proposed"],
    [isDigest(testsHash, shown.digest), "the tests are not those that the proposal names"],
    [testsPassed === shown.passed, `${shown.passed} tests pass, and the proposal says another number`],
    [shown.failed.length === 0, `${shown.failed.length} tests fail`],
  ];
  return claims.flatMap(([holds, fault]) => (holds ? [] : [fault]));
}

function isDigest(value: Value | undefined, digest: Hash): boolean {
  return value instanceof Uint8Array && bytesEqual(value, digest);
}
