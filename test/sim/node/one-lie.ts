// A validator on the real node that lies in one part of what others get from it: of its snapshots, of its answers to who catches up,
// or of the headers of its blocks. Who lies in everything is soon heard by nobody; this one is believed until its lie is looked at.

import { toHex } from "../../../src/ledger/hash.ts";
import type { CheckedBlock } from "../../../src/node/chain.ts";
import type { Participant } from "../../../src/node/participant.ts";
import { decodeSnapshotRequest, encodeSnapshotRequest } from "../../../src/node/snapshot-answers.ts";
import type { PeerHandlers, PeerId, PeerNetwork } from "../../../src/ports.ts";
import { Poisoner } from "./poison.ts";
import { spoilAnswer, spoilHeader } from "./spoil.ts";
import type { World } from "./world.ts";

/** So many of its blocks: nobody waits for long behind one who proposes nothing else. */
const SPOILED_PERMILLE = 300;

export class OneLie {
  readonly hasRecord = true;
  private readonly world: World;
  private readonly poisoner: Poisoner;

  constructor(world: World) {
    this.world = world;
    this.poisoner = new Poisoner(world.random, world.cast.genesis.chainId);
  }

  start(): void {}

  /** Its own blocks are whole, but for one fact in some headers; it votes for them and knows what they give. */
  bend({ chain }: Participant): void {
    const { random, plan } = this.world;
    if (plan.focus !== "headers") return;
    const spoiled = new Map<string, CheckedBlock>();
    const build = chain.build.bind(chain);
    const checkedBlock = chain.checkedBlock.bind(chain);
    chain.build = (options) => {
      const block = build(options);
      if (block === undefined || !random.chance(SPOILED_PERMILLE)) return block;
      const proposal = spoilHeader(random, block.proposal);
      const lie = { ...block, proposal };
      spoiled.set(toHex(proposal.blockHash), lie);
      return lie;
    };
    chain.checkedBlock = (hash) => spoiled.get(toHex(hash)) ?? checkedBlock(hash);
  }

  around(network: PeerNetwork): PeerNetwork {
    return {
      start: (handlers) =>
        network.start({
          ...handlers,
          onRequest: (protocol, peer, payload) =>
            protocol === "sync" ? this.answer(handlers, peer, payload) : handlers.onRequest(protocol, peer, payload),
        }),
      stop: () => network.stop(),
      send: (peer, bytes) => network.send(peer, bytes),
      publish: (topic, bytes) => network.publish(topic, bytes),
      request: (peer, protocol, payload, options) => network.request(peer, protocol, payload, options),
      setMembers: (members) => network.setMembers(members),
      penalise: () => undefined,
      peers: () => network.peers(),
    };
  }

  private async answer(handlers: PeerHandlers, peer: PeerId, payload: Uint8Array): Promise<Uint8Array> {
    const { focus } = this.world.plan;
    const asked = decodeSnapshotRequest(payload);
    const other = asked && this.poisoner.insteadOf(asked);
    const truth = await handlers.onRequest("sync", peer, other === undefined ? payload : encodeSnapshotRequest(other));
    if (focus === undefined || other !== undefined) return truth;
    if (asked !== undefined) return this.poisoner.answerFocused(focus, asked, truth);
    return focus === "blocks" ? spoilAnswer(this.world.random, truth) : truth;
  }
}
