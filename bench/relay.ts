// A relay between the nodes' peer ports: every connection passes through it and can be held back, slowed, throttled, cut or
// refused, each direction for itself. Carries bytes as they are, so that TLS ends at the nodes and nowhere else. Also of the chaos runs.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { randomFrom } from "./arrivals.ts";

/** What happens to bytes from one node to another. */
export interface Flow {
  /** nothing passes; what was sent waits */
  isHeld: boolean;
  /** connections are ended, new ones as well */
  isRefused: boolean;
  delayMs: number;
  /** 0: unlimited */
  bytesPerSecond: number;
  /** of a million segments; a lost one, and all after it, come when TCP has sent it again */
  lossPerMillion: number;
}

const SEGMENT_BYTES = 1_448;
/** A143: a lost segment is noticed after two round trips (tail loss probe, RFC 8985 section 7), here in one-way delays, and at least this. */
const RESEND_DELAYS = 4;
const RESEND_MS_MIN = 10;
const LOSS_SEED = 1;

/** Bytes on their way in one direction; more make the sender wait, as a full network does. */
const IN_FLIGHT_BYTES_MAX = 1 << 20;

export interface RelayedNode {
  /** where the others think it listens */
  readonly publicPort: number;
  /** where it does */
  readonly ownPort: number;
  /** process id; undefined while it is down */
  readonly pid: () => number | undefined;
}

export class Relay {
  private readonly nodes: readonly RelayedNode[];
  /** from, then to */
  private readonly flows: readonly (readonly Flow[])[];
  private readonly servers: Server[] = [];
  private readonly pipes = new Set<Pipe>();

  constructor(nodes: readonly RelayedNode[]) {
    this.nodes = nodes;
    this.flows = nodes.map(() => nodes.map(openFlow));
  }

  async start(): Promise<void> {
    for (const [to, { publicPort }] of this.nodes.entries()) {
      const server = createServer({ pauseOnConnect: true }, (socket) => this.accept(socket, to));
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(publicPort, "127.0.0.1", resolve);
      });
      this.servers.push(server);
    }
  }

  async stop(): Promise<void> {
    for (const pipe of this.pipes) pipe.destroy();
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Changes the way from one node to another, in that direction only. */
  change(from: number, to: number, change: Partial<Flow>): void {
    Object.assign(this.flow(from, to), change);
    for (const pipe of this.pipes) {
      if (!pipe.joins(from, to)) continue;
      if (this.flow(from, to).isRefused) pipe.destroy();
      else pipe.wake();
    }
  }

  /** Ends every connection between two nodes, once. */
  cut(one: number, other: number): void {
    for (const pipe of this.pipes) if (pipe.joins(one, other)) pipe.destroy();
  }

  /** Everything passes again. */
  heal(): void {
    for (const from of this.nodes.keys())
      for (const to of this.nodes.keys()) if (from !== to) this.change(from, to, openFlow());
  }

  private flow(from: number, to: number): Flow {
    const flow = this.flows[from]?.[to];
    if (flow === undefined) throw new Error(`no link ${from} to ${to}`);
    return flow;
  }

  private accept(dialled: Socket, to: number): void {
    dialled.on("error", () => dialled.destroy());
    const target = this.nodes[to];
    const from = this.dialler(dialled.remotePort ?? 0, target?.publicPort ?? 0);
    // Who has gone meanwhile has nobody to be told.
    if (from === undefined || target === undefined) return void dialled.destroy();
    const [there, back] = [this.flow(from, to), this.flow(to, from)];
    if (there.isRefused || back.isRefused) return void dialled.destroy();
    const onward = connect(target.ownPort, "127.0.0.1");
    const pipe = new Pipe({ from, to, dialled, onward, there, back }, () => this.pipes.delete(pipe));
    this.pipes.add(pipe);
  }

  /** The node whose process owns the other end of an accepted connection: all of them come from one address. */
  private dialler(port: number, relayPort: number): number | undefined {
    const inode = socketInode(port, relayPort);
    if (inode === undefined) return undefined;
    const found = this.nodes.findIndex(({ pid }) => ownsSocket(pid(), inode));
    return found < 0 ? undefined : found;
  }
}

function openFlow(): Flow {
  return { isHeld: false, isRefused: false, delayMs: 0, bytesPerSecond: 0, lossPerMillion: 0 };
}

/** One connection in both directions. */
class Pipe {
  private readonly ends: readonly [number, number];
  private readonly halves: readonly [Half, Half];
  private readonly sockets: readonly [Socket, Socket];

  constructor(
    parts: {
      readonly from: number;
      readonly to: number;
      readonly dialled: Socket;
      readonly onward: Socket;
      readonly there: Flow;
      readonly back: Flow;
    },
    onEnd: () => void,
  ) {
    const { from, to, dialled, onward, there, back } = parts;
    this.ends = [from, to];
    this.sockets = [dialled, onward];
    this.halves = [new Half(dialled, onward, there), new Half(onward, dialled, back)];
    for (const socket of this.sockets) {
      socket.setNoDelay(true);
      socket.on("error", () => this.destroy());
    }
    dialled.once("close", onEnd);
    dialled.resume();
  }

  joins(one: number, other: number): boolean {
    return this.ends.includes(one) && this.ends.includes(other);
  }

  wake(): void {
    for (const half of this.halves) half.pass();
  }

  destroy(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Bytes of one direction, in order. */
class Half {
  private readonly source: Socket;
  private readonly sink: Socket;
  private readonly flow: Flow;
  private readonly queue: { readonly bytes: Buffer; readonly arrivedMs: number; readonly isLost: boolean }[] = [];
  private readonly random = randomFrom(LOSS_SEED);
  private queuedBytes = 0;
  private freeMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private hasEnded = false;

  constructor(source: Socket, sink: Socket, flow: Flow) {
    this.source = source;
    this.sink = sink;
    this.flow = flow;
    source.on("data", (bytes: Buffer) => this.take(bytes));
    sink.on("drain", () => this.pass());
    // What ends behind a held link is not known on the other side before the link is open again.
    source.once("close", () => {
      this.hasEnded = true;
      this.pass();
    });
  }

  private take(bytes: Buffer): void {
    const arrives = (1 - this.flow.lossPerMillion / 1e6) ** Math.ceil(bytes.length / SEGMENT_BYTES);
    this.queue.push({ bytes, arrivedMs: performance.now(), isLost: this.random() >= arrives });
    this.queuedBytes += bytes.length;
    if (this.queuedBytes > IN_FLIGHT_BYTES_MAX) this.source.pause();
    this.pass();
  }

  pass(): void {
    clearTimeout(this.timer);
    const { flow, queue, sink } = this;
    while (!flow.isHeld && !sink.destroyed && !sink.writableNeedDrain) {
      const [first] = queue;
      if (first === undefined) break;
      const againMs = first.isLost ? Math.max(RESEND_MS_MIN, RESEND_DELAYS * flow.delayMs) : 0;
      const waitMs = Math.max(first.arrivedMs + flow.delayMs + againMs, this.freeMs) - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pass(), waitMs);
        return;
      }
      queue.shift();
      this.queuedBytes -= first.bytes.length;
      const { bytesPerSecond } = flow;
      if (bytesPerSecond > 0) this.freeMs = performance.now() + (first.bytes.length * 1000) / bytesPerSecond;
      sink.write(first.bytes);
      if (this.queuedBytes <= IN_FLIGHT_BYTES_MAX && this.source.isPaused()) this.source.resume();
    }
    if (this.hasEnded && !flow.isHeld && (queue.length === 0 || sink.destroyed)) sink.destroy();
  }
}

// ---- /proc: which process dialled ----

/** Inode of the socket that is bound to `port` and connected to `relayPort`, both of 127.0.0.1. */
function socketInode(port: number, relayPort: number): string | undefined {
  const [local, remote] = [port, relayPort].map(
    (number) => `0100007F:${number.toString(16).toUpperCase().padStart(4, "0")}`,
  );
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[1] === local && fields[2] === remote) return fields[9];
  }
  return undefined;
}

function ownsSocket(pid: number | undefined, inode: string): boolean {
  if (pid === undefined) return false;
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === `socket:[${inode}]`);
  } catch {
    // The process has ended: nothing is its own any more.
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed between listing and reading.
    return "";
  }
}
