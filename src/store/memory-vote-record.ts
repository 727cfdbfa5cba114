// A vote record in memory behind the same port as the file's, for tests and the simulator.
// Never persists: what a crash or a lost disk leaves of it is the test's to choose.

import { LedgerError } from "../errors.ts";
import type { VoteRecordStore } from "../ports.ts";

type Content = Awaited<ReturnType<VoteRecordStore["load"]>>;

export class MemoryVoteRecord implements VoteRecordStore {
  #content: Content;
  #isClosed = false;

  /** @param content what is found at first, e.g. an old record put back from a backup */
  constructor(content: Content = { kind: "missing" }) {
    this.#content = content;
  }

  async load(): Promise<Content> {
    const content = this.#content;
    return content.kind === "found" ? { kind: "found", bytes: content.bytes.slice() } : content;
  }

  async save(bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) throw new LedgerError("VOTE_RECORD_CLOSED");
    if (this.#content.kind === "corrupt") throw new LedgerError("VOTE_RECORD_CORRUPT");
    this.#content = { kind: "found", bytes: bytes.slice() };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}
