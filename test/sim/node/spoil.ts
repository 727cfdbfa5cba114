// True things with one fact in them that is not so: headers, committed blocks, batches under another seal.
// All of it can be read: whoever does not compare exactly that fact believes it.

import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import {
  batchDigestOf,
  batchSigningBytes,
  decodeBatch,
  encodeBatch,
  encodeBatchBody,
} from "../../../src/ledger/format-batch.ts";
import { blockHashOf, decodeProposal, encodeHeader, encodeProposal } from "../../../src/ledger/format-block.ts";
import { ZERO_HASH } from "../../../src/ledger/hash.ts";
import type { Batch, Header, Proposal } from "../../../src/ledger/types.ts";
import type { Random } from "../random.ts";

function withHeader(header: Header, references: Proposal["references"]): Proposal {
  const headerBytes = encodeHeader(header);
  return { header, headerBytes, blockHash: blockHashOf(headerBytes), references };
}

/** A header of the right form with one fact in it that is not so. */
export function spoilHeader(random: Random, { header, references }: Proposal): Proposal {
  const wrong: Partial<Header> = random.pick([
    { parentResult: ZERO_HASH },
    { historyRoot: ZERO_HASH },
    { transactionsRoot: ZERO_HASH },
    { transactionCount: header.transactionCount + 1 },
    { parametersHash: ZERO_HASH },
    { protocol: header.protocol + 1 },
    { timeMs: header.timeMs + 3_600_000 },
    { extension: Uint8Array.of(1) },
  ]);
  return withHeader({ ...header, ...wrong }, references);
}

/** The same transactions under the same origin's next number: as long as the one that was asked for, and not it. */
export function twinOf(batch: Batch, sequence: number, sign: (message: Uint8Array) => Uint8Array): Uint8Array {
  const { chainId, origin } = batch;
  const transactions = batch.transactions.map(({ bytes }) => bytes);
  const body = encodeBatchBody({ chainId, origin, sequence, transactions });
  return encodeBatch(body, sign(batchSigningBytes(batchDigestOf(body))));
}

/** An answer to who catches up; one without blocks stays what it is. */
export function spoilAnswer(random: Random, truth: Uint8Array): Uint8Array {
  const decoded = decode(truth);
  const items = decoded.ok && Array.isArray(decoded.value) ? (decoded.value as readonly Value[]) : [];
  const blocks = items.filter((block): block is readonly Value[] => Array.isArray(block));
  return blocks.length === 0 ? truth : spoilBlocks(random, blocks);
}

/** @param blocks each `[proposal, result, certificate, bodies]` */
function spoilBlocks(random: Random, blocks: readonly (readonly Value[])[]): Uint8Array {
  const place = random.below(blocks.length);
  const bent = (bend: (block: readonly Value[]) => readonly Value[]) =>
    encode(blocks.map((block, index) => (index === place ? bend(block) : block)));
  switch (random.below(7)) {
    case 0:
      return encode(random.shuffled(blocks));
    case 1:
      return encode(blocks.slice(1));
    case 2: {
      const other = random.pick(blocks)[2] ?? new Uint8Array(0);
      return encode(
        blocks.map(([proposal = null, result = null, , bodies = null]) => [proposal, result, other, bodies]),
      );
    }
    case 3:
      return encode(
        blocks.map(([proposal = null, result = null, certificate = null, bodies = null]) => {
          const spoiled = certificate instanceof Uint8Array ? spoilBytes(random, certificate) : certificate;
          return [proposal, result, spoiled, bodies];
        }),
      );
    case 4:
      return bent(([proposal = null, ...others]) => [later(proposal), ...others]);
    case 5:
      return bent(([proposal = null, result = null, certificate = null, bodies = null]) => [
        proposal,
        result,
        certificate,
        Array.isArray(bodies) ? bodies.map((body: Value) => resealed(random, body)) : bodies,
      ]);
    default:
      return encode(
        blocks.map((block) =>
          block.map((part) => (part instanceof Uint8Array && random.chance(300) ? spoilBytes(random, part) : part)),
        ),
      );
  }
}

/** The block that might have been: a millisecond later, for the certificate of the true one. */
function later(proposalBytes: Value): Value {
  const proposal = proposalBytes instanceof Uint8Array ? decodeProposal(proposalBytes) : undefined;
  if (proposal?.ok !== true) return proposalBytes;
  const { header, references } = proposal.value;
  return encodeProposal(withHeader({ ...header, timeMs: header.timeMs + 1 }, references));
}

/** The same batch without its origin's signature. */
function resealed(random: Random, body: Value): Value {
  const batch = body instanceof Uint8Array ? decodeBatch(body) : undefined;
  if (batch?.ok !== true) return body;
  const { chainId, origin, sequence, transactions, signature } = batch.value;
  const bytes = encodeBatchBody({ chainId, origin, sequence, transactions: transactions.map((one) => one.bytes) });
  return encodeBatch(bytes, random.bytes(signature.length));
}

export function spoilBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const spoiled = bytes.slice(0, random.chance(300) ? random.below(bytes.length + 1) : bytes.length);
  if (spoiled.length > 0) spoiled[random.below(spoiled.length)] = random.next() & 0xff;
  return spoiled;
}
