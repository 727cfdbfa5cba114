// The node's door for clients: JSON-RPC over HTTP (POST /) and WebSocket (/), and GET /health, on one port.
// The only file that knows fastify. Strangers are answered or dropped; no request may throw out of here.

import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { LedgerError } from "../errors.ts";
import type { Clock, Logger, NodeApi } from "../ports.ts";
import { CLOSE, Connection } from "./connection.ts";
import { Dispatcher } from "./dispatch.ts";
import { rpcRefusal } from "./errors.ts";
import { Feeds } from "./feeds.ts";
import { hexOf } from "./hex.ts";
import { AddressBook, type RateLimit } from "./rate-limit.ts";

export interface RpcSettings {
  readonly host: string;
  /** 0: any free one */
  readonly port: number;
  /** web pages that may ask, e.g. "https://community.example"; "*" for every one */
  readonly corsOrigins: readonly string[];
  readonly bodyBytesMax: number;
  readonly batchRequestsMax: number;
  readonly requestsPerAddress: RateLimit;
  readonly requestsPerConnection: RateLimit;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly openCallsPerAddressMax: number;
  /** what one WebSocket may have left unread when more comes for it, bytes */
  readonly queueBytesMax: number;
}

export interface RpcServerOptions {
  readonly settings: RpcSettings;
  readonly api: NodeApi;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RpcServer {
  readonly host: string;
  readonly port: number;
  /** Ends subscriptions with a reason, answers no further call, frees the port. */
  stop(): Promise<void>;
}

const ADDRESSES_MAX = 10_000;
const HEADER_BYTES_MAX = 16_384;
/** N264: from the first byte of a request to its last; waiting for an answer is not bounded by it. */
const REQUEST_TIMEOUT_MS = 15_000;
/** Node looks for late ones every 30 s by itself. */
const REQUEST_CHECK_INTERVAL_MS = 1_000;
/** fastify's codes and node's, in our own words. */
const CODE_OF_HTTP_ERROR: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "RPC_BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "RPC_MEDIA_TYPE",
};
/** Statuses of what node refuses before there is a request; everything else is 400. */
const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};
const CORS_HEADERS = {
  vary: "origin",
  "access-control-allow-methods": "POST, GET",
  "access-control-allow-headers": "content-type",
  "access-control-max-age": "600",
};
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  RPC_BODY_TOO_LARGE: 413,
  RPC_MEDIA_TYPE: 415,
  RPC_PATH_UNKNOWN: 404,
  RPC_ORIGIN_REFUSED: 403,
  RPC_HTTP_INVALID: 400,
  RPC_RATE_LIMITED: 429,
  RPC_TOO_MANY_CONNECTIONS: 429,
  RPC_NODE_STOPPING: 503,
};

/**
 * Listens and answers.
 * @throws LedgerError `RPC_PORT_IN_USE`, `RPC_LISTEN_FAILED`
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const door = new Door(options);
  await door.listen();
  return door;
}

class Door implements RpcServer {
  private readonly options: RpcServerOptions;
  private readonly app: FastifyInstance;
  private readonly dispatcher: Dispatcher;
  private readonly feeds: Feeds;
  private readonly addresses: AddressBook;
  private readonly connections = new Set<Connection>();
  private isStopping = false;

  constructor(options: RpcServerOptions) {
    this.options = options;
    const { settings, api, log, clock } = options;
    const { batchRequestsMax, openCallsPerAddressMax } = settings;
    this.dispatcher = new Dispatcher({ api, log, batchRequestsMax, openCallsPerAddressMax });
    this.feeds = new Feeds(api);
    this.addresses = new AddressBook({ requests: settings.requestsPerAddress, addressesMax: ADDRESSES_MAX }, clock);
    this.app = fastify({
      logger: false,
      bodyLimit: settings.bodyBytesMax,
      requestTimeout: REQUEST_TIMEOUT_MS,
      forceCloseConnections: true,
      exposeHeadRoutes: false,
      http: {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: REQUEST_CHECK_INTERVAL_MS,
      },
      frameworkErrors: (_error, _request, reply) => this.refuse(reply, "RPC_HTTP_INVALID"),
      clientErrorHandler: (error, socket) => this.refuseSocket(socket, STATUS_OF_CLIENT_ERROR[error.code]),
    });
    this.app.server.maxConnections = settings.connectionsMax;
    this.app.server.on("connection", (socket) => this.countSocket(socket));
  }

  get host(): string {
    return (this.app.server.address() as AddressInfo).address;
  }

  get port(): number {
    return (this.app.server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    const { settings } = this.options;
    await this.app.register(websocket, {
      options: { maxPayload: settings.bodyBytesMax, perMessageDeflate: false },
      // A broken frame: ws closes the socket itself, with the close code of what was wrong.
      errorHandler: () => {},
    });
    this.app.websocketServer.on("wsClientError", (_error, socket) => this.refuseSocket(socket));
    this.addRoutes();
    try {
      await this.app.listen({ host: settings.host, port: settings.port });
    } catch (error) {
      this.feeds.close();
      await this.app.close();
      throw listenError(error, settings);
    }
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.feeds.close();
    for (const connection of this.connections) connection.drop(CLOSE.goingAway, "RPC_NODE_STOPPING");
    await this.app.close();
  }

  private addRoutes(): void {
    const { app } = this;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    app.setErrorHandler((error, _request, reply) => this.refuse(reply, codeOfHttpError(error)));
    app.setNotFoundHandler((_request, reply) => this.refuse(reply, "RPC_PATH_UNKNOWN"));
    app.addHook("onRequest", async (request, reply) => this.admit(request, reply));
    app.post("/", (request, reply) => this.post(request, reply));
    app.options("/", (_request, reply) => reply.code(204).send());
    app.get("/health", (_request, reply) => this.health(reply));
    app.route({
      method: "GET",
      url: "/",
      handler: (_request, reply) => this.refuse(reply, "RPC_PATH_UNKNOWN"),
      wsHandler: (socket, request) => this.connect(socket, request),
    });
  }

  // Up to the limit all is served, up to twice the limit requests are answered with the reason, beyond it sockets are cut.
  private countSocket(socket: Socket): void {
    const use = this.addresses.use(socket.remoteAddress ?? "");
    if (use === undefined || use.connections >= 2 * this.options.settings.connectionsPerAddressMax) {
      socket.destroy();
      return;
    }
    use.connections += 1;
    socket.once("close", () => {
      use.connections -= 1;
    });
  }

  // A browser names the page that asks. Pages not listed are refused, also those that reach a node on
  // its own machine under a name of theirs (DNS rebinding). Programs send no origin.
  private admit(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const { corsOrigins, connectionsPerAddressMax } = this.options.settings;
    const { origin } = request.headers;
    if (origin !== undefined) {
      if (!corsOrigins.includes(origin) && !corsOrigins.includes("*")) return this.refuse(reply, "RPC_ORIGIN_REFUSED");
      reply.headers({ ...CORS_HEADERS, "access-control-allow-origin": origin });
    }
    if (this.isStopping) return this.refuse(reply, "RPC_NODE_STOPPING");
    const use = this.addresses.use(request.ip);
    if (use === undefined || use.connections > connectionsPerAddressMax) {
      return this.refuse(reply.header("connection", "close"), "RPC_TOO_MANY_CONNECTIONS");
    }
    return undefined;
  }

  private async post(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const address = this.addresses.use(request.ip);
    if (address === undefined) return this.refuse(reply, "RPC_TOO_MANY_CONNECTIONS");
    if (!(request.body instanceof Uint8Array)) return this.refuse(reply, "RPC_MEDIA_TYPE");
    const caller = { address, connection: undefined, subscriber: undefined };
    const { body, code } = await this.dispatcher.answer(request.body, caller);
    if (body === undefined) return reply.code(204).send();
    return reply
      .code(code === "RPC_RATE_LIMITED" ? 429 : 200)
      .type("application/json")
      .send(body);
  }

  private connect(socket: WebSocket, request: FastifyRequest): void {
    const address = this.addresses.use(request.ip);
    if (address === undefined) return socket.terminate();
    const { settings, clock, log } = this.options;
    const connection = new Connection({
      socket,
      stream: request.socket,
      address,
      dispatcher: this.dispatcher,
      feeds: this.feeds,
      clock,
      requests: settings.requestsPerConnection,
      queueBytesMax: settings.queueBytesMax,
    });
    this.connections.add(connection);
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      connection.received(data, isBinary).catch((error: unknown) => {
        log.error("rpc connection failed", { error });
        socket.terminate();
      });
    });
    socket.on("pong", connection.ponged);
    socket.on("close", () => {
      connection.closed();
      this.connections.delete(connection);
    });
  }

  private health(reply: FastifyReply): FastifyReply {
    try {
      const { height, blockHash, timeMs } = this.options.api.head();
      const { inForce, needs } = this.options.api.protocol();
      // N224: it answers, but what it answers is no longer the ledger's present.
      const isLeftBehind = needs === inForce;
      const problem = isLeftBehind ? { problem: "PROTOCOL_UNSUPPORTED", protocol: needs } : {};
      return reply
        .code(isLeftBehind ? 503 : 200)
        .send({ ok: !isLeftBehind, height, blockHash: hexOf(blockHash), timeMs, ...problem });
    } catch {
      return reply.code(503).send({ ok: false });
    }
  }

  private refuse(reply: FastifyReply, code: string): FastifyReply {
    const { body } = this.dispatcher.whole(rpcRefusal(code));
    return reply
      .code(STATUS_OF_CODE[code] ?? 400)
      .type("application/json")
      .send(body);
  }

  // N255: what is refused below fastify is refused in the same words.
  private refuseSocket(socket: Duplex, status = "400 Bad Request"): void {
    if (!socket.writable) return void socket.destroy();
    const { body = "" } = this.dispatcher.whole(rpcRefusal("RPC_HTTP_INVALID"));
    const head = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n`;
    socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    socket.once("finish", () => socket.destroy());
  }
}

function codeOfHttpError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return CODE_OF_HTTP_ERROR[code] ?? "RPC_HTTP_INVALID";
}

function listenError(error: unknown, { host, port }: RpcSettings): LedgerError {
  const isInUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  return isInUse
    ? new LedgerError(
        "RPC_PORT_IN_USE",
        { host, port },
        { cause: error, remedy: "stop what listens there, or choose another rpc.port in node.yaml" },
      )
    : new LedgerError(
        "RPC_LISTEN_FAILED",
        { host, port },
        { cause: error, remedy: "rpc.host must be an address of this machine, and ports below 1024 need privileges" },
      );
}
