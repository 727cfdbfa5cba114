// Who signs in the benchmark: accounts derived from the seed, transactions signed before the clock starts.
// What they sign stands in payloads.ts; the transfer is about 220 bytes and three keys.

import { readFile } from "node:fs/promises";
import { sha256 } from "#sha256";
import { buildTransaction, type CallRequest } from "../src/client/transaction.ts";
import type { GenesisAccount, GenesisContract } from "../src/ledger/genesis.ts";
import { type Hash, toHex } from "../src/ledger/hash.ts";
import { DevnetKeys } from "../src/node/devnet/cast.ts";
import { PARAMETER_DEFAULTS } from "../src/node/genesis-plan.ts";
import { CONTRACT, type Content, Contents } from "./payloads.ts";

export const CLIENT_ROLE = "client";
const GAS_PER_CALL = 20_000;
/** Just below what nodes accept: everything is signed right before the load that sends it. */
const VALIDITY_MS = Math.floor(PARAMETER_DEFAULTS.replayWindowMs * 0.9);

/** A transaction as a client holds it ready: both in lower-case hexadecimal. */
export interface ReadyTransaction {
  readonly id: string;
  readonly hex: string;
  readonly calls: number;
}

export async function benchContract(): Promise<GenesisContract> {
  return { name: CONTRACT, source: await readFile(new URL("./contracts/bench.yaml", import.meta.url), "utf8") };
}

/** The same seed gives the same keys in every process. */
export function benchKeys(seed: number): DevnetKeys {
  return new DevnetKeys(sha256(new TextEncoder().encode(`linli-bench:${seed}`)));
}

/** Accounts of the genesis, all of one organisation. */
export function benchAccounts(options: {
  readonly keys: DevnetKeys;
  readonly count: number;
  readonly organisation: string;
}): readonly GenesisAccount[] {
  return Array.from({ length: options.count }, (_, index) => {
    const id = accountOf(index);
    const { suite, publicKey } = options.keys.signerOf(id);
    return { id, organisation: options.organisation, roles: [CLIENT_ROLE], suite, publicKey };
  });
}

export interface Order {
  readonly content: Content;
  readonly calls: number;
  readonly count: number;
  /** s from now over which they will be sent; each is valid for as long after that as nodes accept */
  readonly spreadSeconds: number;
}

/** Signs what one client process sends. */
export class TransactionSource {
  private readonly chainId: Hash;
  private readonly keys: DevnetKeys;
  private readonly accounts: number;
  private readonly contents: Contents;
  private readonly sequences = new Map<Content, number>();
  private nonce = 0;

  constructor(options: {
    readonly chainId: Hash;
    readonly keys: DevnetKeys;
    readonly accounts: number;
    readonly seed: number;
    readonly numbersFrom: number;
  }) {
    this.chainId = options.chainId;
    this.keys = options.keys;
    this.accounts = options.accounts;
    this.contents = new Contents({ seed: options.seed, numbersFrom: options.numbersFrom, nameOf: accountOf });
  }

  /** One for each account: makes the rows that moves then change. */
  openings(): readonly ReadyTransaction[] {
    return Array.from({ length: this.accounts }, (_, index) =>
      this.sign(index, [{ contract: CONTRACT, action: "open", args: {} }], Date.now()),
    );
  }

  /** The accounts take turns. */
  take({ content, calls, count, spreadSeconds }: Order): readonly ReadyTransaction[] {
    const nowMs = Date.now();
    return Array.from({ length: count }, (_, place) => {
      const sequence = this.sequences.get(content) ?? 0;
      this.sequences.set(content, sequence + 1);
      const index = sequence % this.accounts;
      const requests = this.contents.callsOf(content, calls, { index, accounts: this.accounts, sequence });
      return this.sign(index, requests, nowMs + (place / count) * spreadSeconds * 1000);
    });
  }

  private sign(account: number, calls: readonly CallRequest[], fromMs: number): ReadyTransaction {
    const name = accountOf(account);
    this.nonce += 1;
    const { id, bytes } = buildTransaction({
      chainId: this.chainId,
      signers: [{ account: name, signer: this.keys.signerOf(name) }],
      nonce: this.nonce,
      validUntilMs: Math.floor(fromMs) + VALIDITY_MS,
      gasLimit: GAS_PER_CALL * calls.length,
      calls,
    });
    return { id: toHex(id), hex: toHex(bytes), calls: calls.length };
  }
}

export function accountOf(index: number): string {
  return `client-${String(index).padStart(6, "0")}`;
}
