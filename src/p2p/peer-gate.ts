// Who may be connected now: the members, less those cut off for a while after faults; and who of two peers dials.
// Decides only; closing connections is the network's work. Faults are forgiven with time, so honest peers stay (pitfall 29).

import { invariant } from "../assert.ts";
import type { Clock, Logger, PeerAddresses, PeerEndpoint, PeerId } from "../ports.ts";
import type { PeerLimits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

interface MemberState {
  endpoint: PeerEndpoint;
  faults: TokenBucket;
  cutOffUntilMs: number | undefined;
}

export interface PeerGateOptions {
  readonly ownPeerId: PeerId;
  readonly members: readonly PeerEndpoint[];
  /** P7: where members are dialled that have no address of their own, or another one by now */
  readonly addresses?: PeerAddresses | undefined;
  readonly clock: Clock;
  readonly limits: PeerLimits;
  readonly log: Logger;
}

export class PeerGate {
  readonly #options: PeerGateOptions;
  readonly #members = new Map<PeerId, MemberState>();
  #ownAddresses: readonly string[] | undefined;

  constructor(options: PeerGateOptions) {
    this.#options = options;
    this.setMembers(options.members);
  }

  /** Replaces the members; the own entry among them only tells whether others can dial us. */
  setMembers(members: readonly PeerEndpoint[]): void {
    const before = new Map(this.#members);
    this.#members.clear();
    this.#ownAddresses = undefined;
    const { ownPeerId, addresses: located = {} } = this.#options;
    for (const { peerId, addresses } of members) {
      if (peerId === ownPeerId) {
        this.#ownAddresses = addresses;
        continue;
      }
      const known = before.get(peerId);
      this.#members.set(peerId, {
        endpoint: { peerId, addresses: located[peerId] ?? addresses },
        faults: known?.faults ?? this.#newFaults(),
        cutOffUntilMs: known?.cutOffUntilMs,
      });
    }
  }

  /** Without ourselves, in the order given. */
  members(): readonly PeerEndpoint[] {
    return [...this.#members.values()].map(({ endpoint }) => endpoint);
  }

  endpoint(peer: PeerId): PeerEndpoint | undefined {
    return this.#members.get(peer)?.endpoint;
  }

  admits(peer: PeerId): boolean {
    return this.#members.has(peer) && this.cutOffUntilMs(peer) === undefined;
  }

  /**
   * Of two peers the one with the lower id dials, so that there is one connection between them.
   * A peer without addresses cannot be dialled and dials itself, and so does one that is no member in its own eyes yet:
   * it was admitted at a height that it has still to learn of.
   */
  dials(peer: PeerId): boolean {
    const endpoint = this.#members.get(peer)?.endpoint;
    if (endpoint === undefined || endpoint.addresses.length === 0) return false;
    return this.#isLower(peer) || this.#ownAddresses === undefined || this.#ownAddresses.length === 0;
  }

  /**
   * Of two dials that crossed, the one of the lower id stays, on both sides and in whatever order they arrive.
   * Two connections dialled by the same side are no crossing: the peer has started anew, and the newer one stays.
   */
  keepsExisting(peer: PeerId, dialled: { readonly existingByUs: boolean; readonly newByUs: boolean }): boolean {
    return dialled.existingByUs !== dialled.newByUs && dialled.existingByUs === this.#isLower(peer);
  }

  /** monotonic ms, undefined when the peer is not cut off now */
  cutOffUntilMs(peer: PeerId): number | undefined {
    const state = this.#members.get(peer);
    if (state?.cutOffUntilMs === undefined) return undefined;
    if (state.cutOffUntilMs <= this.#options.clock.monotonicMs()) state.cutOffUntilMs = undefined;
    return state.cutOffUntilMs;
  }

  /** What a peer does while it is cut off does not lengthen it: much of it was under way before. */
  cutOff(peer: PeerId, code: string): void {
    const state = this.#members.get(peer);
    if (state === undefined || this.cutOffUntilMs(peer) !== undefined) return;
    state.faults = this.#newFaults();
    state.cutOffUntilMs = this.#options.clock.monotonicMs() + this.#options.limits.cutOffMs;
    this.#options.log.warn("peer cut off", { peer, code, forMs: this.#options.limits.cutOffMs });
  }

  /** @returns true when this fault was one too many and the peer is now cut off */
  countFault(peer: PeerId, code: string): boolean {
    const state = this.#members.get(peer);
    if (state === undefined || this.cutOffUntilMs(peer) !== undefined) return false;
    this.#options.log.debug("peer fault", { peer, code });
    if (state.faults.take(1, this.#options.clock.monotonicMs())) return false;
    this.cutOff(peer, code);
    invariant(!this.admits(peer), "P2: a peer that is cut off is not admitted");
    return true;
  }

  #isLower(peer: PeerId): boolean {
    return this.#options.ownPeerId < peer;
  }

  #newFaults(): TokenBucket {
    const { limits, clock } = this.#options;
    // One fault less than the limit is free; the next cuts off.
    const burst = limits.faultsMax - 1;
    return new TokenBucket({ perSecond: 1_000 / limits.faultForgivenMs, burst, nowMs: clock.monotonicMs() });
  }
}
