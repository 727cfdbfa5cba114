// The few facts of an explored network: four keys, blocks that follow from height, view and proposer, and their execution.
// A signature is a ticket into the list of what that key signed: nobody can forge one, and none costs a hash.

import type { HeadFacts } from "../../src/consensus/events.ts";
import type { EncodedProposal } from "../../src/consensus/messages.ts";
import { makeSuspicion, type Suspicion, suspectSigningBytes } from "../../src/consensus/view-formats.ts";
import { quorumSize } from "../../src/ledger/certificate.ts";
import { encodeProposal } from "../../src/ledger/format-block.ts";
import { validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import { bytesEqual, type Hash, hashTagged, toHex } from "../../src/ledger/hash.ts";
import type { Validator } from "../../src/ledger/types.ts";
import { buildProposal, type ChainFacts, execute, referenceTo, simParameters } from "../sim/chain.ts";

export const REPLICAS = 4;
/** No height explored here is a multiple of it: the proposer of a block leads the next height too. */
const ROTATION_HEIGHTS = 1_000;
const TICKET_BYTES = 5;

export interface KnownBlock extends EncodedProposal {
  /** height.view and a letter for the second block of a liar, e.g. "1.0b" */
  readonly label: string;
  readonly resultHash: Hash;
}

export class Cast {
  readonly facts: ChainFacts;
  readonly validators: readonly Validator[];
  readonly validatorsHash: Hash;
  readonly quorum = quorumSize(REPLICAS);
  /** every block anybody has proposed so far, by the hexadecimal of its hash */
  readonly blocks = new Map<string, KnownBlock>();
  /** by signer: what it signed, and the number of each */
  private readonly signed = Array.from({ length: REPLICAS }, () => ({
    list: [] as Uint8Array[],
    numbers: new Map<string, number>(),
  }));
  private readonly suspicions = new Map<string, Suspicion>();

  constructor() {
    this.validators = Array.from({ length: REPLICAS }, (_, index) => {
      const publicKey = new Uint8Array(32).fill(index + 1);
      return { organisation: `replica-${index}`, suite: 1, publicKey, peerId: `peer-${index}` };
    });
    this.validatorsHash = validatorsHashOf(this.validators);
    const chainId = hashTagged("DOCUMENT", new TextEncoder().encode("explored"));
    this.facts = { chainId, parameters: simParameters(ROTATION_HEIGHTS), validatorsAt: () => this.validators };
  }

  publicKey(index: number): Uint8Array {
    const validator = this.validators[index];
    if (validator === undefined) throw new Error(`no replica ${index}`);
    return validator.publicKey;
  }

  sign(signer: number, message: Uint8Array): Uint8Array {
    const { list, numbers } = this.signed[signer] as (typeof this.signed)[number];
    const text = toHex(message);
    let number = numbers.get(text);
    if (number === undefined) {
      number = list.push(message.slice()) - 1;
      numbers.set(text, number);
    }
    const ticket = new Uint8Array(TICKET_BYTES);
    ticket[0] = signer;
    new DataView(ticket.buffer).setUint32(1, number);
    return ticket;
  }

  readonly verify = (_suite: number, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    const signer = (publicKey[0] ?? 0) - 1;
    if (signature.length !== TICKET_BYTES || signature[0] !== signer) return false;
    const number = new DataView(signature.buffer, signature.byteOffset).getUint32(1);
    const signed = this.signed[signer]?.list[number];
    return signed !== undefined && bytesEqual(signed, message);
  };

  /** The certificate that leads above `view`: timers may fire at any time, so it is there from the beginning. */
  suspicion(height: number, view: number): Suspicion {
    const place = `${height}.${view}`;
    const known = this.suspicions.get(place);
    if (known !== undefined) return known;
    const { chainId } = this.facts;
    const { validatorsHash } = this;
    const signed = suspectSigningBytes({ chainId, height, view, validatorsHash, waitingFor: [] });
    const suspects = Array.from({ length: this.quorum }, (_, signer) => ({
      signer,
      waitingFor: [],
      signature: this.sign(signer, signed),
    }));
    const made = makeSuspicion(height, view, suspects);
    this.suspicions.set(place, made);
    return made;
  }

  /** The block of that proposer at that place; a liar has a second one. */
  propose(head: HeadFacts, view: number, proposer: number, isSecond = false): KnownBlock {
    const height = head.height + 1;
    const label = `${height}.${view}${isSecond ? "b" : "a"}`;
    const digest = hashTagged("DOCUMENT", new TextEncoder().encode(`batch ${label}`));
    const publicKey = this.publicKey(proposer);
    const references = [referenceTo(digest, publicKey)];
    const proposal = buildProposal(this.facts, head, {
      view,
      proposer: publicKey,
      timeMs: head.timeMs + 1 + view,
      references,
    });
    const key = toHex(proposal.blockHash);
    const known = this.blocks.get(key);
    if (known !== undefined) return known;
    const { resultHash } = execute(this.facts, head.resultHash, proposal);
    const made = { proposal, bytes: encodeProposal(proposal), label, resultHash };
    this.blocks.set(key, made);
    return made;
  }

  block(blockHash: Hash): KnownBlock {
    const known = this.blocks.get(toHex(blockHash));
    if (known === undefined) throw new Error(`unknown block ${toHex(blockHash)}`);
    return known;
  }
}
