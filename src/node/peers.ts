// Translates between validators and the peers that carry their messages, and knows who else may ask. The consensus key is never
// the peer key; genesis and governance bind the two.

import type { ValidatorKey } from "../consensus/events.ts";
import { LedgerError } from "../errors.ts";
import { validatorsHashOf } from "../ledger/format-cluster.ts";
import type { Genesis } from "../ledger/genesis.ts";
import { bytesEqual, toHex } from "../ledger/hash.ts";
import type { Validator } from "../ledger/types.ts";
import type { PeerEndpoint, PeerId, PeerNetwork, RequestProtocol } from "../ports.ts";

export class Peers {
  private readonly network: PeerNetwork;
  private readonly ownKey: ValidatorKey;
  private readonly genesis: Pick<Genesis, "validators" | "endpoints">;
  private validators: readonly Validator[];
  private followers: ReadonlySet<PeerId> = new Set();
  private observers: readonly PeerId[];
  private peerByKey = new Map<ValidatorKey, PeerId>();
  private keyByPeer = new Map<PeerId, ValidatorKey>();

  /** @param options.validators,options.observers those of the head */
  constructor(options: {
    readonly network: PeerNetwork;
    readonly ownKey: ValidatorKey;
    readonly genesis: Pick<Genesis, "validators" | "endpoints">;
    readonly validators: readonly Validator[];
    readonly observers: readonly PeerId[];
  }) {
    this.network = options.network;
    this.ownKey = options.ownKey;
    this.genesis = options.genesis;
    this.validators = options.validators;
    this.observers = options.observers;
    this.admit(options.validators);
  }

  /** The head's validators and observers, after each block: who may connect follows the ledger. */
  follow(validators: readonly Validator[], observers: readonly PeerId[]): void {
    if (validators === this.validators && observers === this.observers) return;
    const before = this.validators;
    const areSame = bytesEqual(validatorsHashOf(before), validatorsHashOf(validators)) && observers === this.observers;
    this.validators = validators;
    this.observers = observers;
    if (!areSame) this.admit([...before, ...validators]);
  }

  private admit(validators: readonly Validator[]): void {
    for (const { publicKey, peerId } of validators) {
      this.peerByKey.set(toHex(publicKey), peerId);
      this.keyByPeer.set(peerId, toHex(publicKey));
    }
    const members = memberEndpoints(this.genesis, validators, this.observers);
    this.followers = new Set(members.flatMap(({ peerId }) => (this.keyByPeer.has(peerId) ? [] : [peerId])));
    this.network.setMembers(members);
  }

  keyOf(peer: PeerId): ValidatorKey | undefined {
    return this.keyByPeer.get(peer);
  }

  /**
   * Whose share of this node's time a question of that peer takes; undefined: it may not ask.
   * N228: whoever follows without a seat shares one with all the others who do.
   */
  askerOf(peer: PeerId): string | undefined {
    return this.keyOf(peer) ?? (this.followers.has(peer) ? "followers" : undefined);
  }

  /** Every known validator but this node, connected ones first, nearest first. */
  others(): readonly ValidatorKey[] {
    const nearness = (key: ValidatorKey): number => {
      const status = this.network.peers().find(({ peerId }) => peerId === this.peerByKey.get(key));
      return status?.connected === true ? (status.roundTripMs ?? 1e6) : 1e9;
    };
    return [...this.peerByKey.keys()]
      .filter((key) => key !== this.ownKey)
      .sort((left, right) => nearness(left) - nearness(right));
  }

  send(to: readonly ValidatorKey[] | "all", bytes: Uint8Array): void {
    for (const key of to === "all" ? this.peerByKey.keys() : to) {
      const peer = this.peerByKey.get(key);
      // A frame that finds no way is lost; the core sends again what matters.
      if (peer !== undefined && key !== this.ownKey) this.network.send(peer, bytes);
    }
  }

  /** @throws LedgerError PEER_UNREACHABLE, PEER_TIMEOUT, PEER_REFUSED, PEER_ANSWER_TOO_LARGE */
  request(to: ValidatorKey, protocol: RequestProtocol, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const peer = this.peerByKey.get(to);
    if (peer === undefined) return Promise.reject(new LedgerError("PEER_UNREACHABLE", { peer: to }));
    return this.network.request(peer, protocol, payload, { timeoutMs });
  }

  penalise(from: ValidatorKey, code: string): void {
    const peer = this.peerByKey.get(from);
    if (peer !== undefined) this.network.penalise(peer, code);
  }

  /** The q-th smallest round trip to validators, this node's own (0) among them; undefined while too few are connected. */
  quorumRoundTripMs(quorum: number): number | undefined {
    const trips = this.network
      .peers()
      .filter(({ peerId, connected }) => connected && this.keyByPeer.has(peerId))
      .map(({ roundTripMs }) => roundTripMs)
      .filter((trip) => trip !== undefined);
    trips.push(0);
    trips.sort((left, right) => left - right);
    return trips[quorum - 1];
  }
}

/**
 * N74: who may connect: validators in office, those who have just left (they may still fetch the block that removed them), observers
 * that governance admitted, and peers of the genesis that never had a seat. Whoever came later has no address here, and dials.
 */
export function memberEndpoints(
  genesis: Pick<Genesis, "validators" | "endpoints">,
  validators: readonly Validator[],
  observers: readonly PeerId[],
): readonly PeerEndpoint[] {
  const seated = new Set(genesis.validators.map(({ peerId }) => peerId));
  const admitted = new Set([...validators.map(({ peerId }) => peerId), ...observers]);
  const known = genesis.endpoints.filter(({ peerId }) => admitted.has(peerId) || !seated.has(peerId));
  const named = new Set(known.map(({ peerId }) => peerId));
  return [
    ...known,
    ...[...admitted].filter((peerId) => !named.has(peerId)).map((peerId) => ({ peerId, addresses: [] })),
  ];
}
