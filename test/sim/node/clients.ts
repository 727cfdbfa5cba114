// People with accounts: they sign transactions of the small contract, hand them to nodes of their choice, or to the one that
// they know, ask for receipts, and try again until they see one. They believe a receipt only when its proof holds.

import { buildTransaction } from "../../../src/client/transaction.ts";
import { LedgerError } from "../../../src/errors.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { type Hash, toHex } from "../../../src/ledger/hash.ts";
import { verifyReceiptProof, verifyStateProof } from "../../../src/ledger/proofs.ts";
import type { Person } from "./genesis.ts";
import type { Member } from "./member.ts";
import type { World } from "./world.ts";

export interface Order {
  readonly id: Hash;
  readonly hex: string;
  readonly bytes: Uint8Array;
  readonly validUntilMs: number;
  /** the one node that its client knows; undefined: all of them */
  readonly door: number | undefined;
  /** somebody honest has shown a receipt */
  isAcknowledged: boolean;
}

interface Call {
  readonly contract: string;
  readonly action: string;
  readonly args: Readonly<Record<string, Value>>;
}

/** Together more than the largest batch, handed over at once. */
const MANY = 4;
const LONG_TEXT = 25_000;
/** What a purse begins with. */
export const PURSE_FEN = 1_000;
/** With these a door sends its client to another node. */
const ELSEWHERE = new Set(["NODE_HAS_NO_SEAT", "PROTOCOL_UNSUPPORTED"]);
/** What a door may answer to a transaction that is as it should be. */
const ANSWERS = new Set(["MEMPOOL_FULL", "MEMPOOL_SENDER_FULL", "TX_EXPIRED", "TX_VALID_TOO_LONG", "STORE_CORRUPT"]);

export class Clients {
  readonly orders: Order[] = [];
  private readonly world: World;
  private readonly known = new Map<string, Order>();
  private readonly nonces = new Map<string, number>();
  private readonly begun = new Set<string>();
  private gifts = 0;

  constructor(world: World) {
    this.world = world;
  }

  knows(hex: string): boolean {
    return this.known.has(hex);
  }

  /** One of the ordinary transactions. */
  act(person: Person, copies: number): Order {
    const { random, checkers } = this.world;
    const validMs = random.pick([3_000, checkers.windowMs / 2, checkers.windowMs - 3_000]);
    if (random.chance(this.doorOf(person) === undefined ? 30 : 300)) this.handOverMany(person, validMs);
    return this.order(person, this.draw(person), { copies, validMs });
  }

  /** One that is valid for as long as the ledger allows. */
  actAtLeisure(person: Person): Order {
    const validMs = this.world.checkers.windowMs - 3_000;
    if (this.doorOf(person) !== undefined && this.world.random.chance(300)) this.handOverMany(person, validMs);
    return this.order(person, this.draw(person), { copies: 2, validMs });
  }

  /** More at one door at once than a batch can hold. */
  private handOverMany(person: Person, validMs: number): void {
    const doors = this.doors(1, this.doorOf(person));
    for (let count = 0; count < MANY; count += 1) {
      const args = { id: `long-${this.orders.length}`, text: "x".repeat(LONG_TEXT) };
      const order = this.sign(person, { contract: "notes", action: "write", args }, validMs);
      for (const member of doors) this.offer(order, member);
      this.askLater(order);
    }
  }

  order(person: Person, call: Call, options: { readonly copies: number; readonly validMs: number }): Order {
    const order = this.sign(person, call, options.validMs);
    for (const member of this.doors(options.copies, order.door)) this.offer(order, member);
    this.askLater(order);
    return order;
  }

  /** @param door where it is handed in; default: where its client hands in everything */
  sign(person: Person, call: Call, validMs: number, door = this.doorOf(person)): Order {
    const { account, signer } = person;
    const nonce = (this.nonces.get(account) ?? 0) + 1;
    this.nonces.set(account, nonce);
    const validUntilMs = Math.floor(this.world.ledgerMs + validMs);
    const { id, bytes } = buildTransaction({
      chainId: this.world.cast.genesis.chainId,
      signers: [{ account, signer }],
      nonce,
      validUntilMs,
      gasLimit: 1_000_000,
      calls: [call],
    });
    const order = { id, hex: toHex(id), bytes, validUntilMs, door, isAcknowledged: false };
    this.known.set(order.hex, order);
    this.orders.push(order);
    return order;
  }

  /** Nobody took it in, and nobody hands it in again: it need not be executed. */
  withdraw(order: Order): void {
    this.orders.splice(this.orders.indexOf(order), 1);
  }

  private draw(person: Person): Call {
    const { random, cast } = this.world;
    const to = random.pick(cast.clients).account;
    if (!this.begun.has(person.account)) {
      this.begun.add(person.account);
      return { contract: "purse", action: "begin", args: { fen: PURSE_FEN } };
    }
    // Refused until the contract is deployed, and most of the time it never is.
    if (random.chance(50))
      return { contract: "notes", action: "write", args: { id: `note-${this.orders.length}`, text: to } };
    if (random.chance(800)) return { contract: "purse", action: "transfer", args: { to, fen: random.between(1, 300) } };
    this.gifts += 1;
    const args = { id: `gift-${this.gifts}`, to, fen: random.between(1, 300), delay: random.between(1, 20_000) };
    return { contract: "purse", action: "give", args };
  }

  private doorOf(person: Person): number | undefined {
    return this.world.plan.doors[this.world.cast.clients.indexOf(person)];
  }

  /** Nodes that listen, liars among them: a client cannot know. @param only the one that it knows */
  private doors(count: number, only?: number): readonly Member[] {
    const up = this.world.members.filter(({ isUp, index }) => isUp && (only === undefined || index === only));
    return this.world.random.shuffled(up).slice(0, count);
  }

  private offer(order: Order, member: Member): void {
    const { api, life } = member;
    if (api === undefined || life === undefined) return;
    // The way to the door: one event of its own.
    life.after(this.world.random.below(20), () => {
      api.submit(order.bytes).catch((error: unknown) => {
        if (error instanceof LedgerError && ELSEWHERE.has(error.code)) {
          const [other] = this.doors(1);
          return other === undefined ? undefined : this.offer(order, other);
        }
        if (error instanceof LedgerError && (ANSWERS.has(error.code) || this.world.isLiar(member.index))) return;
        this.world.fail(`door: node ${member.index} refused a good transaction: ${String(error)}`);
      });
    });
  }

  private askLater(order: Order): void {
    const { world } = this;
    world.timeline.after(world.random.between(500, 4_000), () => {
      if (order.isAcknowledged || world.isSettled) return;
      const [member] = this.doors(1, order.door);
      if (member !== undefined) {
        this.ask(order, member);
        if (!order.isAcknowledged) this.offer(order, member);
        this.askForRow(member);
      }
      // An expired one is asked for a little longer: it may have been executed in time.
      if (world.ledgerMs < order.validUntilMs + 60_000) this.askLater(order);
    });
  }

  /** The row of somebody's purse, or its absence, with a proof that holds for the height it names. */
  private askForRow(member: Member): void {
    const { world } = this;
    const { api } = member;
    const { account } = world.random.pick(world.cast.clients);
    const { genesis, verify } = world.cast;
    api?.stateGet({ contract: "purse", table: "purse", key: [account] }).then(
      ({ height, row, proof }) => {
        const shown = verifyStateProof({ bytes: proof, genesis, verify });
        const isRight =
          shown.ok && shown.value.height === height && (shown.value.value === undefined) === (row === undefined);
        if (!isRight) world.fail(`proof: node ${member.index} shows the purse of ${account} with a wrong proof`);
      },
      (error: unknown) => {
        if (error instanceof LedgerError && (error.code === "NO_BLOCK_YET" || member.mayHaltWith.has(error.code)))
          return;
        world.fail(`answer: node ${member.index} cannot show the purse of ${account}: ${String(error)}`);
      },
    );
  }

  /** @returns the height of the receipt that this node shows, once its proof holds */
  ask(order: Order, member: Member): number | undefined {
    const { world } = this;
    try {
      const status = member.api?.transaction(order.id);
      if (status?.kind !== "committed") return undefined;
      const proof = verifyReceiptProof({ bytes: status.proof, genesis: world.cast.genesis, verify: world.cast.verify });
      if (!proof.ok) world.fail(`proof: node ${member.index} shows a receipt with a wrong proof: ${proof.code}`);
      if (!world.isLiar(member.index)) order.isAcknowledged = true;
      return status.height;
    } catch (error) {
      const isBroken = error instanceof LedgerError && member.mayHaltWith.has(error.code);
      const isGone = error instanceof LedgerError && error.code === "RECEIPT_PRUNED" && member.firstHeight > 1;
      if (!isBroken && !isGone)
        world.fail(`answer: node ${member.index} cannot say what became of ${order.hex.slice(0, 8)}: ${String(error)}`);
      return undefined;
    }
  }
}
