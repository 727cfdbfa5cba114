// Carries JSON-RPC calls to one node: fetch for calls, WebSocket for feeds. Works in Node 24 and in browsers.
// Believes nothing: answers are bounded in size and time, and a node's words are cleaned before anybody prints them.

import { type ErrorData, LedgerError } from "../errors.ts";
import { Fields } from "./fields.ts";

export interface TransportOptions {
  /** e.g. http://127.0.0.1:26100 */
  readonly url: string;
  /** until the answer is here, ms; a call that waits on the node adds its own */
  readonly timeoutMs: number;
}

/** The largest answer is a page of rows, or a block's list of ids. */
const ANSWER_BYTES_MAX = 32 << 20;
/** Text of events that came in but are not yet handled; beyond it the caller is too slow for the feed. */
const EVENTS_WAITING_LENGTH_MAX = 64 << 20;
const TEXT_LENGTH_MAX = 300;
/** What only this side says, of what it has proved or could not: a node that refuses in these words has proved nothing. */
const OWN_CODES = [
  "PROOF_REFUSED",
  "TX_WITHOUT_EFFECT",
  "TX_NOT_COMMITTED",
  "HEAD_NOT_CURRENT",
  "ANSWER_OUTDATED",
  "BLOCK_NOT_PROVABLE",
  "FORK_UNPROVED",
];
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;

export interface Feed {
  /** Resolves when the feed has ended: undefined after `stop`, otherwise why (`CLIENT_FEED_ENDED`). */
  readonly ended: Promise<LedgerError | undefined>;
  stop(): void;
}

export class Transport {
  private readonly options: TransportOptions;
  private readonly url: URL;
  private lastId = 0;

  /** @throws LedgerError `CLIENT_URL_INVALID` */
  constructor(options: TransportOptions) {
    this.options = options;
    const url = URL.parse(options.url);
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
      throw new LedgerError(
        "CLIENT_URL_INVALID",
        { url: options.url },
        { remedy: "name the node as http://host:port" },
      );
    }
    this.url = url;
  }

  /**
   * @param waitMs how long the node itself may wait before it answers
   * @throws LedgerError `CLIENT_UNREACHABLE`, `CLIENT_TIMEOUT`, `CLIENT_ANSWER_INVALID`, or the code of the node's refusal
   */
  async call(method: string, params: Readonly<Record<string, unknown>>, waitMs = 0): Promise<Fields> {
    this.lastId += 1;
    const id = this.lastId;
    const text = await this.post(
      JSON.stringify({ jsonrpc: "2.0", id, method, params }),
      this.options.timeoutMs + waitMs,
    );
    return this.resultOf(text, id);
  }

  /** Follows a feed from now on. @param onEvent gets the notification's parameters; what it throws ends the feed */
  follow(feed: "heads" | "receipts", onEvent: FeedOptions["onEvent"]): Promise<Feed> {
    const url = new URL(this.url);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return openFeed({
      url,
      feed,
      timeoutMs: this.options.timeoutMs,
      onEvent,
      answerFields: (json) => this.answerFields(json),
    });
  }

  private async post(body: string, timeoutMs: number): Promise<string> {
    const url = this.url.href;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        signal: AbortSignal.timeout(timeoutMs),
        redirect: "error",
      });
      return await readBounded(response);
    } catch (error) {
      if (error instanceof LedgerError) throw error;
      if (error instanceof Error && error.name === "TimeoutError") {
        throw new LedgerError(
          "CLIENT_TIMEOUT",
          { url, timeoutMs },
          { cause: error, remedy: "the node is slow or stuck; ask consensus_status, or another node" },
        );
      }
      throw new LedgerError(
        "CLIENT_UNREACHABLE",
        { url },
        { cause: error, remedy: "check the address, and that the node is running" },
      );
    }
  }

  private resultOf(text: string, id: number): Fields {
    const answer = this.answerFields(parseAnswer(text));
    if (answer.has("error")) throw refusalOf(answer.object("error"));
    if (answer.raw("id") !== id) throw answer.fault("id", "the id of the call");
    return answer.object("result");
  }

  private answerFields(json: unknown): Fields {
    return new Fields(json, {
      code: "CLIENT_ANSWER_INVALID",
      place: "",
      remedy: "this is not an answer of a Linli node; check the address",
    });
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LedgerError(
      "CLIENT_ANSWER_INVALID",
      { expected: "JSON" },
      { cause: error, remedy: "this is not an answer of a Linli node; check the address" },
    );
  }
}

async function readBounded(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) return text + decoder.decode();
    bytes += chunk.value.length;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader?.cancel();
      throw new LedgerError("CLIENT_ANSWER_INVALID", { bytesMax: ANSWER_BYTES_MAX });
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
}

/** The node's refusal as an error of ours: same code, its words without control characters and no longer than a line. */
export function refusalOf(error: Fields): LedgerError {
  const data = error.object("data", {});
  const code = data.raw("code");
  const isNodes = typeof code === "string" && CODE.test(code) && !OWN_CODES.includes(code);
  const named = isNodes ? code : "NODE_REFUSED";
  const remedy = data.raw("remedy");
  const options = typeof remedy === "string" ? { remedy: printable(remedy) } : {};
  return new LedgerError(named, printableData(data.raw("details")), options);
}

function printableData(details: unknown): ErrorData {
  if (typeof details !== "object" || details === null) return {};
  const shown = Object.entries(details).slice(0, 8);
  return Object.fromEntries(
    shown.map(([name, value]) => [
      printable(name),
      typeof value === "number" ? value : printable(Array.isArray(value) ? listed(value) : plain(value)),
    ]),
  );
}

function listed(items: readonly unknown[]): string {
  return items.slice(0, TEXT_LENGTH_MAX).map(plain).join("; ");
}

/** What stands in the details of a node is text, numbers and lists of them; of anything deeper nobody asks for its own words. */
function plain(value: unknown): string {
  return typeof value === "object" && value !== null ? "..." : String(value);
}

function printable(text: string): string {
  return text.slice(0, TEXT_LENGTH_MAX).replace(/\p{C}/gu, " ");
}

interface FeedOptions {
  readonly url: URL;
  readonly feed: "heads" | "receipts";
  readonly timeoutMs: number;
  /** @param isOver whether nobody listens any more: of what one event tells, the rest is for nobody */
  readonly onEvent: (event: Fields, isOver: () => boolean) => Promise<void> | void;
  readonly answerFields: (json: unknown) => Fields;
}

/** Resolves when the node has confirmed the subscription. Events are handled one after the other, in order. */
async function openFeed(options: FeedOptions): Promise<Feed> {
  const socket = new WebSocket(options.url);
  let stopped = false;
  let failed = false;
  const isOver = (): boolean => stopped || failed;
  let handled: Promise<void> = Promise.resolve();
  let waiting = 0;
  const subscribed = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<LedgerError | undefined>();
  const end = (error: LedgerError | undefined): void => {
    ended.resolve(error);
    subscribed.reject(error ?? new LedgerError("CLIENT_FEED_ENDED", { feed: options.feed }));
    socket.close();
  };
  const fail = (error: unknown): void => {
    failed = true;
    end(
      error instanceof LedgerError
        ? error
        : new LedgerError("CLIENT_FEED_ENDED", { feed: options.feed }, { cause: error }),
    );
  };
  const handle = async (text: unknown): Promise<void> => {
    if (isOver() || typeof text !== "string") return;
    const message = options.answerFields(parseAnswer(text));
    if (message.has("error")) throw refusalOf(message.object("error"));
    if (message.raw("id") === 1) subscribed.resolve();
    else if (message.raw("method") === "subscription") await options.onEvent(message.object("params"), isOver);
  };
  socket.onopen = () =>
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscribe", params: { feed: options.feed } }));
  socket.onmessage = ({ data }: { data: unknown }) => {
    const { length } = String(data);
    waiting += length;
    if (waiting > EVENTS_WAITING_LENGTH_MAX)
      return fail(
        new LedgerError(
          "CLIENT_FEED_BEHIND",
          { feed: options.feed, waiting },
          { remedy: "handle events faster, then subscribe again" },
        ),
      );
    handled = handled
      .then(() => handle(data))
      .catch(fail)
      .finally(() => {
        waiting -= length;
      });
  };
  socket.onclose = ({ reason }: { reason: string }) => {
    handled = handled.then(() =>
      end(
        stopped
          ? undefined
          : new LedgerError(
              "CLIENT_FEED_ENDED",
              { feed: options.feed, reason: printable(reason) },
              { remedy: "subscribe again" },
            ),
      ),
    );
  };
  const timer = setTimeout(
    () => fail(new LedgerError("CLIENT_TIMEOUT", { url: options.url.href, timeoutMs: options.timeoutMs })),
    options.timeoutMs,
  );
  try {
    await subscribed.promise;
  } finally {
    clearTimeout(timer);
  }
  return {
    ended: ended.promise,
    stop: () => {
      stopped = true;
      socket.close();
      // Without waiting for the node: it need not answer that it has closed.
      handled = handled.then(() => end(undefined));
    },
  };
}
