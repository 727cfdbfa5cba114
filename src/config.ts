// The local facts of one node: read, checked, completed with visible defaults, frozen. The only reader of process.env.
// Never holds facts of the cluster (those are in the genesis), and never a secret (those are in key files).

import { readFile } from "node:fs/promises";
import { isAbsolute, join, resolve, sep } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { Fields, type FieldsOptions } from "./client/fields.ts";
import { LedgerError } from "./errors.ts";
import { isDiallable, isListened, isPeerId } from "./p2p/address.ts";
import type { PeerAddresses } from "./ports.ts";
import type { RpcSettings } from "./rpc/server.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface NodeConfig {
  /** the node's home directory, absolute like every path here */
  readonly home: string;
  /** how this node calls itself in its log and in node_info */
  readonly name: string;
  readonly genesisFile: string;
  readonly keys: { readonly validatorFile: string; readonly peerFile: string };
  readonly data: {
    /** LevelDB */
    readonly ledger: string;
    /** vote records: on a disk of this machine, never in a backup */
    readonly votes: string;
    /** snapshots of the state, for members that come later */
    readonly snapshots: string;
  };
  readonly snapshots: {
    /** one is made at each height that is a multiple of it; 0: none */
    readonly everyHeights: number;
    /** further behind than this the node fetches a snapshot instead of blocks */
    readonly fetchWhenBehind: number;
  };
  readonly pruning: {
    /** bodies of blocks older than this many days of ledger time are deleted; 0: none ever */
    readonly keepDays: number;
  };
  readonly p2p: {
    /** multiaddrs, e.g. /ip4/0.0.0.0/tcp/26000 */
    readonly listen: readonly string[];
    readonly addresses: PeerAddresses;
  };
  readonly rpc: RpcSettings;
  readonly log: { readonly level: LogLevel };
}

/** Name of the configuration file in a node's home. */
export const CONFIG_FILE = "node.yaml";

/** A century: more is a mistake, and milliseconds stay whole numbers. */
const KEEP_DAYS_MAX = 36_500;

/** What stands where node.yaml is silent. Paths are relative to the node's home. */
export const CONFIG_DEFAULTS = Object.freeze({
  genesis: "genesis.json",
  keys: Object.freeze({ validator: "keys/validator.key", peer: "keys/peer.key" }),
  data: Object.freeze({ ledger: "data/ledger", votes: "data/votes", snapshots: "data/snapshots" }),
  snapshots: Object.freeze({ everyHeights: 1_000, fetchWhenBehind: 2_000 }),
  pruning: Object.freeze({ keepDays: 0 }),
  p2p: Object.freeze({ listen: Object.freeze(["/ip4/0.0.0.0/tcp/26000"]), addresses: Object.freeze({}) }),
  rpc: Object.freeze({
    host: "127.0.0.1",
    port: 26_100,
    corsOrigins: Object.freeze([]),
    bodyBytesMax: 2 << 20,
    batchRequestsMax: 50,
    requestsPerAddress: Object.freeze({ perSecond: 1_000, burst: 2_000 }),
    requestsPerConnection: Object.freeze({ perSecond: 500, burst: 1_000 }),
    connectionsMax: 1_000,
    connectionsPerAddressMax: 100,
    openCallsPerAddressMax: 1_000,
    queueBytesMax: 4 << 20,
  } satisfies RpcSettings),
  log: Object.freeze({ level: "info" satisfies LogLevel }),
});

/** What the environment may say; command-line options come first. */
export const ENVIRONMENT = Object.freeze({
  /** LINLI_HOME: a node's home directory */
  home: process.env.LINLI_HOME,
  /** LINLI_URL: the node that `linli tx` and `linli query` ask */
  url: process.env.LINLI_URL,
  /** LINLI_GENESIS: the genesis file that they prove answers against */
  genesis: process.env.LINLI_GENESIS,
});

/**
 * Reads `node.yaml` (YAML or JSON) of a node's home.
 * @throws LedgerError `CONFIG_MISSING`, `CONFIG_INVALID` (place, what was expected, for unknown keys the known ones)
 */
export async function loadNodeConfig(home: string): Promise<NodeConfig> {
  const file = join(resolve(home), CONFIG_FILE);
  return parseNodeConfig(await readConfigFile(file), { home: resolve(home), file });
}

/** @param source.file named in complaints */
export function parseNodeConfig(text: string, source: { readonly home: string; readonly file: string }): NodeConfig {
  const options: FieldsOptions = {
    code: "CONFIG_INVALID",
    place: "",
    remedy: `correct ${source.file}; config/node.yaml explains every key`,
  };
  const fields = new Fields(parseYaml(text, options) ?? {}, options);
  const at = (path: string): string => (isAbsolute(path) ? path : join(source.home, path));
  const keys = fields.object("keys", {});
  const data = fields.object("data", {});
  const snapshots = fields.object("snapshots", {});
  const pruning = fields.object("pruning", {});
  const p2p = fields.object("p2p", {});
  const log = fields.object("log", {});
  const config: NodeConfig = {
    home: source.home,
    name: fields.text("name"),
    genesisFile: at(fields.text("genesis", CONFIG_DEFAULTS.genesis)),
    keys: {
      validatorFile: at(keys.text("validator", CONFIG_DEFAULTS.keys.validator)),
      peerFile: at(keys.text("peer", CONFIG_DEFAULTS.keys.peer)),
    },
    data: {
      ledger: at(data.text("ledger", CONFIG_DEFAULTS.data.ledger)),
      votes: at(data.text("votes", CONFIG_DEFAULTS.data.votes)),
      snapshots: at(data.text("snapshots", CONFIG_DEFAULTS.data.snapshots)),
    },
    snapshots: {
      everyHeights: snapshots.integer("everyHeights", { min: 0 }, CONFIG_DEFAULTS.snapshots.everyHeights),
      fetchWhenBehind: snapshots.integer("fetchWhenBehind", { min: 1 }, CONFIG_DEFAULTS.snapshots.fetchWhenBehind),
    },
    pruning: {
      keepDays: pruning.integer("keepDays", { min: 0, max: KEEP_DAYS_MAX }, CONFIG_DEFAULTS.pruning.keepDays),
    },
    p2p: {
      listen: readListen(p2p),
      addresses: readAddresses(p2p.object("addresses", CONFIG_DEFAULTS.p2p.addresses)),
    },
    rpc: readRpc(fields.object("rpc", {})),
    log: { level: log.oneOf("level", LOG_LEVELS, CONFIG_DEFAULTS.log.level) },
  };
  if (config.pruning.keepDays > 0 && config.snapshots.everyHeights === 0) {
    const expected =
      "a number above 0, as pruning.keepDays is set: members that need deleted blocks take a snapshot instead";
    throw new LedgerError(
      options.code,
      { place: "snapshots.everyHeights", expected },
      { remedy: options.remedy ?? "" },
    );
  }
  for (const read of [keys, data, snapshots, pruning, p2p, log, fields]) read.end();
  refuseSharedDirectories(config.data, options);
  return deepFreeze(config);
}

/** N257: whoever moves a damaged ledger away must not move the vote record away with it: without it the key is mute. */
function refuseSharedDirectories(data: NodeConfig["data"], options: FieldsOptions): void {
  const places = Object.entries(data).map(([name, path]) => ({ name, path: `${resolve(path)}${sep}` }));
  for (const inner of places) {
    const outer = places.find((other) => other !== inner && inner.path.startsWith(other.path));
    if (outer === undefined) continue;
    const expected = `a directory of its own, not data.${outer.name} or one in it`;
    throw new LedgerError(options.code, { place: `data.${inner.name}`, expected }, { remedy: options.remedy ?? "" });
  }
}

function readAddresses(fields: Fields): PeerAddresses {
  const read = (peer: string): readonly [string, readonly string[]] => {
    if (!isPeerId(peer)) throw fields.fault(peer, "the peer id of another node as the name, 12D3KooW...");
    const addresses = fields.texts(peer);
    if (!addresses.every(isDiallable))
      throw fields.fault(peer, "addresses such as /dns4/node.property.example/tcp/26000");
    return [peer, addresses];
  };
  return Object.fromEntries(Object.keys(fields.json).map(read));
}

function readListen(fields: Fields): readonly string[] {
  const listen = fields.texts("listen", CONFIG_DEFAULTS.p2p.listen);
  if (!listen.every(isListened))
    throw fields.fault("listen", "addresses of this machine such as /ip4/0.0.0.0/tcp/26000");
  return listen;
}

function readRpc(fields: Fields): RpcSettings {
  const defaults = CONFIG_DEFAULTS.rpc;
  const count = (name: keyof RpcSettings & keyof typeof defaults, min: number): number =>
    fields.integer(name, { min }, defaults[name] as number);
  const rate = (name: "requestsPerAddress" | "requestsPerConnection"): { perSecond: number; burst: number } => {
    const limit = fields.object(name, {});
    const read = {
      perSecond: limit.integer("perSecond", { min: 1 }, defaults[name].perSecond),
      burst: limit.integer("burst", { min: 1 }, defaults[name].burst),
    };
    limit.end();
    return read;
  };
  const settings: RpcSettings = {
    host: fields.text("host", defaults.host),
    port: fields.integer("port", { min: 0, max: 65_535 }, defaults.port),
    corsOrigins: fields.texts("corsOrigins", defaults.corsOrigins),
    bodyBytesMax: count("bodyBytesMax", 1_024),
    batchRequestsMax: count("batchRequestsMax", 1),
    requestsPerAddress: rate("requestsPerAddress"),
    requestsPerConnection: rate("requestsPerConnection"),
    connectionsMax: count("connectionsMax", 1),
    connectionsPerAddressMax: count("connectionsPerAddressMax", 1),
    openCallsPerAddressMax: count("openCallsPerAddressMax", 1),
    queueBytesMax: count("queueBytesMax", 1_024),
  };
  fields.end();
  return settings;
}

async function readConfigFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new LedgerError(
      "CONFIG_MISSING",
      { file },
      { cause: error, remedy: "make a node's home with `linli keys`, and name it with --home or LINLI_HOME" },
    );
  }
}

/**
 * N254: what was read as UTF-8 and is none, GBK say, would stand on a ledger for ever as boxes.
 * @returns the first line with a character that UTF-8 does not have
 */
export function lineNotUtf8(text: string): number | undefined {
  const at = text.indexOf("\uFFFD");
  return at < 0 ? undefined : text.slice(0, at).split("\n").length;
}

/**
 * Plain data of a YAML or JSON text; the only use of the `yaml` package outside contracts.
 * @throws LedgerError with `options.code` and the line
 */
export function parseYaml(text: string, options: FieldsOptions): unknown {
  const notUtf8 = lineNotUtf8(text);
  const within = options.place === "" ? {} : { place: options.place };
  if (notUtf8 !== undefined) {
    const data = { ...within, expected: "UTF-8 (GBK perhaps)", line: notUtf8 };
    throw new LedgerError(options.code, data, { remedy: options.remedy ?? "save it as UTF-8" });
  }
  try {
    return parse(text, { maxAliasCount: 0, logLevel: "error" });
  } catch (error) {
    const found = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    const data = { ...within, expected: "YAML or JSON", line: found ?? 0 };
    throw new LedgerError(options.code, data, { cause: error, remedy: options.remedy ?? "" });
  }
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const member of Object.values(value)) if (typeof member === "object" && member !== null) deepFreeze(member);
  return Object.freeze(value);
}
