// Who signs in the benchmark and what: accounts derived from the seed, transactions signed before the clock starts.
// One transaction is one call `bench.move` (contracts/bench.yaml): about 220 bytes, three keys read and written.

import { readFile } from "node:fs/promises";
import { sha256 } from "#sha256";
import { buildTransaction, type CallRequest } from "../src/client/transaction.ts";
import type { GenesisAccount, GenesisContract } from "../src/ledger/genesis.ts";
import { type Hash, toHex } from "../src/ledger/hash.ts";
import { DevnetKeys } from "../src/node/devnet/cast.ts";
import { PARAMETER_DEFAULTS } from "../src/node/genesis-plan.ts";

const CONTRACT = "bench";
export const CLIENT_ROLE = "client";
const GAS_LIMIT = 100_000;
/** Just below what nodes accept: everything is signed right before the load that sends it. */
const VALIDITY_MS = Math.floor(PARAMETER_DEFAULTS.replayWindowMs * 0.9);

/** A transaction as a client holds it ready: both in lower-case hexadecimal. */
export interface ReadyTransaction {
  readonly id: string;
  readonly hex: string;
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

/** Signs what one client process sends. */
export class TransactionSource {
  private readonly chainId: Hash;
  private readonly keys: DevnetKeys;
  private readonly accounts: number;
  private nonce = 0;

  constructor(options: { readonly chainId: Hash; readonly keys: DevnetKeys; readonly accounts: number }) {
    this.chainId = options.chainId;
    this.keys = options.keys;
    this.accounts = options.accounts;
  }

  /** One for each account: makes the rows that moves then change. */
  openings(): readonly ReadyTransaction[] {
    return Array.from({ length: this.accounts }, (_, index) =>
      this.sign(index, { contract: CONTRACT, action: "open", args: {} }),
    );
  }

  /** The accounts take turns; each pays one point to another one, never to itself, and to a different one each round. */
  moves(count: number): readonly ReadyTransaction[] {
    return Array.from({ length: count }, () => {
      const from = this.nonce % this.accounts;
      const round = Math.floor(this.nonce / this.accounts);
      const to = (from + 1 + (round % (this.accounts - 1))) % this.accounts;
      return this.sign(from, { contract: CONTRACT, action: "move", args: { to: accountOf(to), points: 1 } });
    });
  }

  private sign(account: number, call: CallRequest): ReadyTransaction {
    const name = accountOf(account);
    this.nonce += 1;
    const { id, bytes } = buildTransaction({
      chainId: this.chainId,
      signers: [{ account: name, signer: this.keys.signerOf(name) }],
      nonce: this.nonce,
      validUntilMs: Date.now() + VALIDITY_MS,
      gasLimit: GAS_LIMIT,
      calls: [call],
    });
    return { id: toHex(id), hex: toHex(bytes) };
  }
}

function accountOf(index: number): string {
  return `client-${String(index).padStart(6, "0")}`;
}
