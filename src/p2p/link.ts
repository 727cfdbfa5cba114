// One connection to one peer, from HELLO to its end: control stream, consensus stream, heartbeat.
// Accepts nothing before HELLO is agreed, and counts as ready only when frames and gossip are known to reach both sides.

import { invariant, unreachable } from "../assert.ts";
import type { Clock, PeerId } from "../ports.ts";
import { CONTROL_BYTES_MAX, type ControlMessage, decodeControl, encodeControl } from "./control.ts";
import { Deframer, joinFrames } from "./framing.ts";
import { Heartbeat } from "./heartbeat.ts";
import { encodeHello, type Hello, judgeHello } from "./hello.ts";
import type { PeerLimits } from "./limits.ts";
import { SendQueue } from "./send-queue.ts";
import { type Connection, endConnection, onEnd, onPieces, type PeerStream, write } from "./streams.ts";
import { TokenBucket } from "./token-bucket.ts";

export const CONTROL_PROTOCOL = "/linli/control/1";
export const FRAMES_PROTOCOL = "/linli/frames/1";

/** A connection says little about itself: two beats a second. */
const CONTROL_PER_SECOND = 20;
const CONTROL_BURST = 100;
const CONTROL_QUEUE_BYTES_MAX = 16 * 1_024;
/** Long enough for our HELLO to arrive at a peer that we refuse, so that both sides can say why. */
const REFUSED_LINGER_MS = 500;

export interface LinkHooks {
  /** the peer said on its gossip stream that it follows all topics */
  gossipReachesUs(peer: PeerId): boolean;
  /** our gossip stream to the peer stands */
  gossipReachesPeer(connection: Connection): boolean;
  onReady(link: Link): void;
  onFrame(link: Link, frame: Uint8Array): void;
  onHelloRefused(link: Link, code: string, detail: string): void;
  /** a fault no honest peer commits; the hook must close the link */
  onFault(link: Link, code: string): void;
  /** once; `reason` is a constant */
  onClosed(link: Link, reason: string, wasReady: boolean): void;
}

export interface LinkOptions {
  readonly peer: PeerId;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly hello: Hello;
  readonly hooks: LinkHooks;
}

/** greeting -> agreed -> ready -> closed; greeting -> refused -> closed */
type LinkState = "greeting" | "agreed" | "ready" | "refused" | "closed";

export class Link {
  readonly peer: PeerId;
  readonly connection: Connection;
  readonly weDialled: boolean;
  readonly #options: LinkOptions;
  readonly #heartbeat: Heartbeat;
  readonly #frameBucket: TokenBucket;
  readonly #frameBytesBucket: TokenBucket;
  #state: LinkState = "greeting";
  #afterAgreement: (() => void)[] = [];
  #control: PeerStream | undefined;
  #frames: PeerStream | undefined;
  #gossip: PeerStream | undefined;
  #queue: SendQueue | undefined;
  #deframer: Deframer | undefined;
  #slow = false;
  #readySent = false;
  #readyReceived = false;
  #cancelDeadline: (() => void) | undefined;

  constructor(options: LinkOptions) {
    this.peer = options.peer;
    this.connection = options.connection;
    this.weDialled = options.connection.direction === "outbound";
    this.#options = options;
    const { clock, limits } = options;
    const nowMs = clock.monotonicMs();
    this.#frameBucket = new TokenBucket({ perSecond: limits.framesPerSecond, burst: limits.framesBurst, nowMs });
    this.#frameBytesBucket = new TokenBucket({
      perSecond: limits.frameBytesPerSecond,
      burst: limits.frameBytesBurst,
      nowMs,
    });
    this.#heartbeat = new Heartbeat({
      clock,
      limits,
      sendPing: (beat) => this.#sendControl({ kind: "ping", beat }),
      onBeat: () => this.#checkGossip(),
      onDead: () => this.close("HEARTBEAT_LOST"),
    });
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  /** HELLO is agreed: what the peer opens or sends may be looked at. */
  get agreed(): boolean {
    return this.#state === "agreed" || this.#state === "ready";
  }

  get roundTripMs(): number | undefined {
    return this.#heartbeat.roundTripMs;
  }

  start(): void {
    const { clock, limits } = this.#options;
    this.connection.addEventListener("close", () => this.close("CONNECTION_CLOSED"));
    this.#cancelDeadline = clock.setTimer(limits.openingMsMax, () => this.close("OPENING_TIMEOUT"));
    // libp2p may hand over a connection that has closed already and says so no more.
    if (this.connection.status !== "open") this.close("CONNECTION_CLOSED");
    else if (this.weDialled) this.#open(CONTROL_PROTOCOL, (stream) => this.#greet(stream));
  }

  /** Runs at once when HELLO is agreed, later when it will be, never when the link closes first. */
  afterAgreement(run: () => void): void {
    if (this.agreed) run();
    else if (this.#state === "greeting") this.#afterAgreement.push(run);
  }

  acceptControl(stream: PeerStream): void {
    if (this.weDialled || this.#control !== undefined) this.#fault("CONTROL_UNEXPECTED");
    else this.#attachControl(stream);
  }

  acceptFrames(stream: PeerStream): void {
    if (this.weDialled || !this.agreed || this.#frames !== undefined) this.#fault("FRAMES_UNEXPECTED");
    else this.#attachFrames(stream);
  }

  /** Gossipsub does not replace a gossip stream that ended: the connection starts anew instead. */
  watchGossip(stream: PeerStream): void {
    this.#gossip = stream;
    onEnd(stream, () => {
      if (this.#gossip === stream) this.close("GOSSIP_ENDED");
    });
  }

  /** To be called when the peer's subscriptions changed. */
  gossipChanged(): void {
    this.#settle();
  }

  /** @returns true the first time */
  noteSlow(): boolean {
    const first = !this.#slow;
    this.#slow = true;
    return first;
  }

  send(frame: Uint8Array): boolean {
    return this.#state === "ready" && this.#queue !== undefined && this.#queue.push(frame);
  }

  close(reason: string): void {
    if (this.#state === "closed") return;
    const wasReady = this.#state === "ready";
    this.#state = "closed";
    this.#cancelDeadline?.();
    this.#heartbeat.stop();
    this.#afterAgreement = [];
    this.#queue?.close();
    this.#deframer?.stop();
    endConnection(this.connection, reason);
    this.#options.hooks.onClosed(this, reason, wasReady);
  }

  #open(protocol: string, use: (stream: PeerStream) => void): void {
    const signal = AbortSignal.timeout(this.#options.limits.openingMsMax);
    this.connection.newStream(protocol, { signal }).then(use, () => this.close("STREAM_FAILED"));
  }

  #greet(stream: PeerStream): void {
    if (this.#state !== "greeting") return;
    this.#attachControl(stream);
    this.#sendHello();
  }

  #attachControl(stream: PeerStream): void {
    const { clock } = this.#options;
    const bucket = new TokenBucket({
      perSecond: CONTROL_PER_SECOND,
      burst: CONTROL_BURST,
      nowMs: clock.monotonicMs(),
    });
    const deframer = new Deframer({
      frameBytesMin: 1,
      frameBytesMax: CONTROL_BYTES_MAX,
      admits: () => bucket.take(1, clock.monotonicMs()),
      onFrame: (frame) => this.#onControlFrame(frame),
    });
    this.#control = stream;
    stream.maxWriteBufferLength = CONTROL_QUEUE_BYTES_MAX;
    onPieces(stream, (piece) => {
      const fault = deframer.push(piece);
      if (fault === undefined) return true;
      this.#fault(`CONTROL_${fault}`);
      return false;
    });
    onEnd(stream, () => this.close("CONTROL_ENDED"));
  }

  #onControlFrame(frame: Uint8Array): void {
    if (this.#state === "refused" || this.#state === "closed") return;
    const message = decodeControl(frame);
    if (!message.ok) this.#fault(message.code);
    else if ((message.value.kind === "hello") === this.agreed) this.#fault("CONTROL_UNEXPECTED");
    else this.#onControl(message.value);
  }

  #onControl(message: ControlMessage): void {
    switch (message.kind) {
      case "hello":
        return this.#onHello(message.bytes);
      case "ready":
        if (this.#readyReceived) return this.#fault("CONTROL_UNEXPECTED");
        this.#readyReceived = true;
        return this.#settle();
      case "ping":
        return this.#sendControl({ kind: "pong", beat: message.beat });
      case "pong":
        return this.#heartbeat.onPong(message.beat);
      default:
        return unreachable(message);
    }
  }

  #onHello(bytes: Uint8Array): void {
    const { hello, hooks } = this.#options;
    const verdict = judgeHello(hello, bytes);
    if (!verdict.ok && verdict.code === "HELLO_MALFORMED") return this.#fault(verdict.code);
    if (!this.weDialled) this.#sendHello();
    if (!verdict.ok) {
      this.#refuse();
      hooks.onHelloRefused(this, verdict.code, verdict.detail);
      return;
    }
    this.#state = "agreed";
    this.#heartbeat.start();
    if (!this.agreed) return; // the first beat may find the transport gone
    if (this.weDialled) this.#open(FRAMES_PROTOCOL, (stream) => this.#attachFrames(stream));
    const waiting = this.#afterAgreement;
    this.#afterAgreement = [];
    for (const run of waiting) run();
  }

  #refuse(): void {
    if (this.weDialled) return this.close("HELLO_REFUSED");
    this.#state = "refused";
    this.#cancelDeadline?.();
    this.#cancelDeadline = this.#options.clock.setTimer(REFUSED_LINGER_MS, () => this.close("HELLO_REFUSED"));
  }

  #attachFrames(stream: PeerStream): void {
    if (this.#state !== "agreed") return;
    this.#frames = stream;
    this.#queue = new SendQueue(stream, this.#options.limits);
    onEnd(stream, () => this.close("FRAMES_ENDED"));
    this.#settle();
  }

  /** READY goes out when the peer's frames and gossip reach us; with both READYs the link is ready. */
  #settle(): void {
    const { hooks } = this.#options;
    if (this.#state !== "agreed" || this.#frames === undefined) return;
    // Gossipsub may still remember what the peer followed on a connection before this one.
    if (!this.#readySent && this.#gossip !== undefined && hooks.gossipReachesUs(this.peer)) {
      this.#readySent = true;
      this.#sendControl({ kind: "ready" });
    }
    if (!this.#readySent || !this.#readyReceived) return;
    this.#cancelDeadline?.();
    this.#state = "ready";
    hooks.onReady(this);
    if (this.ready) this.#readFrames(this.#frames);
  }

  #readFrames(stream: PeerStream): void {
    const { clock, limits, hooks } = this.#options;
    const deframer = new Deframer({
      frameBytesMin: 1,
      frameBytesMax: limits.frameBytesMax,
      admits: (bytes) => {
        const nowMs = clock.monotonicMs();
        return this.#frameBucket.take(1, nowMs) && this.#frameBytesBucket.take(bytes, nowMs);
      },
      onFrame: (frame) => {
        invariant(this.#state === "ready", "P3: frames come only from a link that is ready");
        hooks.onFrame(this, frame);
      },
    });
    this.#deframer = deframer;
    onPieces(stream, (piece) => {
      const fault = deframer.push(piece);
      if (fault === undefined) return true;
      this.#fault(fault);
      return false;
    });
  }

  #checkGossip(): void {
    if (this.#state !== "ready") return;
    const { hooks } = this.#options;
    if (!hooks.gossipReachesPeer(this.connection)) this.close("GOSSIP_LOST");
  }

  #sendHello(): void {
    this.#sendControl({ kind: "hello", bytes: encodeHello(this.#options.hello) });
  }

  #sendControl(message: ControlMessage): void {
    if (this.#control !== undefined) write(this.#control, joinFrames([encodeControl(message)]));
  }

  #fault(code: string): void {
    if (this.#state !== "closed") this.#options.hooks.onFault(this, code);
  }
}
