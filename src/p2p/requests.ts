// Questions to one peer and answers to its own: one stream each, one frame there and one frame back.
// Every question ends: by an answer, a refusal, a time limit or the end of the connection.

import { Uint8ArrayList } from "uint8arraylist";
import { LedgerError } from "../errors.ts";
import type { Clock, Logger, PeerId, RequestProtocol } from "../ports.ts";
import { Deframer, joinFrames } from "./framing.ts";
import type { PeerLimits } from "./limits.ts";
import { type Connection, onEnd, onPieces, type PeerStream, write } from "./streams.ts";

export const REQUEST_PROTOCOLS: readonly RequestProtocol[] = ["fetch", "sync", "head"];

/** First byte of an answer. */
const ANSWERED = 0;
const BUSY = 1;
const FAILED = 2;
const NOTHING = new Uint8Array(0);

interface Answer {
  readonly status: typeof ANSWERED | typeof BUSY | typeof FAILED;
  readonly bytes: Uint8Array;
}

/** Streams that are ending still count in libp2p, hence more of them than requests. */
const STREAMS_PER_REQUEST = 2;

export function requestProtocolId(protocol: RequestProtocol): string {
  return `/linli/${protocol}/1`;
}

export function requestStreamsMax(limits: PeerLimits): number {
  return limits.requestsPerPeerMax * STREAMS_PER_REQUEST;
}

export interface RequestsOptions {
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly log: Logger;
  readonly onFault: (peer: PeerId, code: string) => void;
}

export interface Question {
  readonly peer: PeerId;
  readonly connection: Connection;
  readonly protocol: RequestProtocol;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
}

interface PeerLoad {
  readonly served: Record<RequestProtocol, number>;
  readonly asked: Record<RequestProtocol, number>;
  answerBytes: number;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #loads = new Map<PeerId, PeerLoad>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** @throws LedgerError PEER_UNREACHABLE, PEER_TIMEOUT, PEER_REFUSED, PEER_ANSWER_TOO_LARGE, PEER_MESSAGE_TOO_LARGE */
  async ask(question: Question): Promise<Uint8Array> {
    const { limits } = this.#options;
    const { peer, protocol, payload } = question;
    if (payload.length > limits.requestBytesMax) {
      throw new LedgerError("PEER_MESSAGE_TOO_LARGE", {
        protocol,
        bytes: payload.length,
        bytesMax: limits.requestBytesMax,
      });
    }
    const load = this.#load(peer);
    if (load.asked[protocol] >= limits.requestsPerPeerMax) throw refused(question, "asking too much at once");
    load.asked[protocol] += 1;
    try {
      return await this.#exchange(question);
    } finally {
      load.asked[protocol] -= 1;
      this.#forget(peer, load);
    }
  }

  async #exchange(question: Question): Promise<Uint8Array> {
    const { clock } = this.#options;
    const { peer, protocol, connection, timeoutMs } = question;
    const timeUp = new AbortController();
    const cancel = clock.setTimer(timeoutMs, () => timeUp.abort());
    let stream: PeerStream | undefined;
    try {
      stream = await connection.newStream(requestProtocolId(protocol), { signal: timeUp.signal });
      write(stream, joinFrames([question.payload]));
      return await this.#readAnswer(question, stream, timeUp.signal);
    } catch (cause) {
      if (timeUp.signal.aborted) throw new LedgerError("PEER_TIMEOUT", { peer, protocol, timeoutMs }, { cause });
      if (cause instanceof LedgerError) throw cause;
      if (connection.status !== "open") throw new LedgerError("PEER_UNREACHABLE", { peer, protocol }, { cause });
      throw refused(question, "stream closed", cause);
    } finally {
      cancel();
      stream?.abort(new Error("exchange over"));
    }
  }

  #readAnswer(question: Question, stream: PeerStream, timeUp: AbortSignal): Promise<Uint8Array> {
    const { limits } = this.#options;
    return new Promise((resolve, reject) => {
      const deframer = new Deframer({
        frameBytesMin: 1,
        frameBytesMax: 1 + limits.answerBytesMax,
        admits: () => true,
        onFrame: (frame) => {
          deframer.stop();
          if (frame[0] === ANSWERED) resolve(frame.subarray(1));
          else reject(refused(question, frame[0] === BUSY ? "busy" : "failed"));
        },
      });
      onPieces(stream, (piece) => {
        if (deframer.push(piece) === undefined) return true;
        const { peer, protocol } = question;
        reject(new LedgerError("PEER_ANSWER_TOO_LARGE", { peer, protocol, bytesMax: limits.answerBytesMax }));
        this.#options.onFault(peer, "ANSWER_TOO_LARGE");
        return false;
      });
      onEnd(stream, () => reject(new Error("stream ended")));
      timeUp.addEventListener("abort", () => reject(timeUp.reason), { once: true });
    });
  }

  /**
   * Answers one question of a peer whose HELLO is agreed; resolves when its stream is done with.
   * @throws LedgerError INVARIANT_BROKEN when `answer` does
   */
  async serve(question: {
    readonly peer: PeerId;
    readonly protocol: RequestProtocol;
    readonly stream: PeerStream;
    readonly answer: (payload: Uint8Array) => Promise<Uint8Array>;
  }): Promise<void> {
    const { clock, limits } = this.#options;
    const { peer, protocol, stream } = question;
    const load = this.#load(peer);
    const busy = load.served[protocol] >= limits.requestsPerPeerMax;
    const cancel = clock.setTimer(limits.answerMsMax, () => stream.abort(new Error("answer took too long")));
    load.served[protocol] += 1;
    try {
      const payload = await this.#readQuestion(peer, stream);
      if (payload === undefined) return;
      await this.#write(
        load,
        stream,
        busy ? { status: BUSY, bytes: NOTHING } : await this.#answerOf(question, payload),
      );
    } finally {
      cancel();
      stream.abort(new Error("exchange over"));
      load.served[protocol] -= 1;
      this.#forget(peer, load);
    }
  }

  /** undefined when the stream ends or breaks a bound first */
  #readQuestion(peer: PeerId, stream: PeerStream): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const deframer = new Deframer({
        frameBytesMin: 0,
        frameBytesMax: this.#options.limits.requestBytesMax,
        admits: () => true,
        onFrame: (frame) => {
          deframer.stop();
          resolve(frame);
        },
      });
      onPieces(stream, (piece) => {
        const fault = deframer.push(piece);
        if (fault === undefined) return true;
        resolve(undefined);
        this.#options.onFault(peer, `REQUEST_${fault}`);
        return false;
      });
      onEnd(stream, () => resolve(undefined));
    });
  }

  async #answerOf({ peer, protocol, answer }: Parameters<Requests["serve"]>[0], payload: Uint8Array): Promise<Answer> {
    const { limits, log } = this.#options;
    try {
      const bytes = await answer(payload);
      if (bytes.length <= limits.answerBytesMax) return { status: ANSWERED, bytes };
      log.error("answer to a peer is too large", { peer, protocol, bytes: bytes.length });
    } catch (error) {
      // Our own bug is no refusal: nobody catches this, so it ends the process.
      if (error instanceof LedgerError && error.code === "INVARIANT_BROKEN") throw error;
      if (error instanceof LedgerError) log.debug("request of a peer refused", { peer, protocol, code: error.code });
      else log.error("request of a peer failed", { peer, protocol, error });
    }
    return { status: FAILED, bytes: NOTHING };
  }

  async #write(load: PeerLoad, stream: PeerStream, answer: Answer): Promise<void> {
    const fits = load.answerBytes + answer.bytes.length <= this.#options.limits.answerBytesPerPeerMax;
    const { status, bytes } = fits ? answer : { status: BUSY, bytes: NOTHING };
    const head = new Uint8Array(5);
    new DataView(head.buffer).setUint32(0, 1 + bytes.length);
    head[4] = status;
    load.answerBytes += bytes.length;
    try {
      write(stream, new Uint8ArrayList(head, bytes));
      // Resolves when all is handed to the transport; rejects when the peer or our time limit ends the stream first.
      await stream.close().catch(() => undefined);
    } finally {
      load.answerBytes -= bytes.length;
    }
  }

  #load(peer: PeerId): PeerLoad {
    let load = this.#loads.get(peer);
    if (load === undefined) {
      load = { served: noRequests(), asked: noRequests(), answerBytes: 0 };
      this.#loads.set(peer, load);
    }
    return load;
  }

  #forget(peer: PeerId, { served, asked }: PeerLoad): void {
    if (REQUEST_PROTOCOLS.every((protocol) => served[protocol] + asked[protocol] === 0)) this.#loads.delete(peer);
  }
}

/** One count for each protocol. */
export function noRequests(): Record<RequestProtocol, number> {
  return { fetch: 0, sync: 0, head: 0 };
}

function refused({ peer, protocol }: Question, reason: string, cause?: unknown): LedgerError {
  return new LedgerError("PEER_REFUSED", { peer, protocol, reason }, { cause });
}
