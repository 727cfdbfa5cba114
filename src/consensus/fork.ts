// Who is guilty of a fork: joins what both sides hold of one height and names every key that contradicts itself.
// Never names a key that followed safety.ts, and never more than the statements prove; each name comes with its evidence.

// Why f + 1 are named, with at most q - 1 liars, so that every quorum has an honest member, and the trails of all honest
// keys. Let B1 be committed in view v1 and B2 in v2, v1 <= v2. In one view, or for one block with two results, the q
// signers of either side share f + 1 keys, which signed both. Otherwise an honest key prepared B2 in v2 under a NEW-VIEW.
// Take the lowest view above v1 in which an honest key prepared another block than B1: its NEW-VIEW is in a trail. Among the
// q VIEW-CHANGEs in it f + 1 are of keys that signed COMMIT for B1 in v1. Each of them claims no lock, or one below v1: that is
// AMNESIA; or the highest lock among them is of v1 itself and certified for another block: then the q PREPAREs for it and
// those for B1, which an honest key held before its COMMIT, share f + 1 keys. It is of no view between: that one was the lowest.

import { accept, refuse, type Verdict } from "../errors.ts";
import { faultBound } from "../ledger/certificate.ts";
import { DECODE_LIMITS, type DecodeLimits, decodeWith, encode } from "../ledger/codec.ts";
import type { TrustAnchor } from "../ledger/genesis.ts";
import { bytesEqual, EMPTY_BYTES, type Hash } from "../ledger/hash.ts";
import { LIMITS } from "../ledger/limits.ts";
import {
  decodeCertifiedHeader,
  encodeCertifiedHeader,
  type VerifiedBlock,
  verifyCertifiedHeader,
} from "../ledger/proofs.ts";
import {
  type Certificate,
  type CertifiedHeader,
  FORMAT_VERSION,
  type Validator,
  type VerifySignature,
} from "../ledger/types.ts";
import { type EvidenceLabel, type EvidenceRule, encodeEvidence, labelOf, type Statement } from "./evidence.ts";
import { HeightVerifier } from "./height-verifier.ts";
import { FRAME_BYTES_MAX } from "./limits.ts";
import { decodeTrail, type Trail } from "./trail.ts";
import { type Contradiction, VoteLog } from "./vote-log.ts";

const TESTIMONY_LIMITS: DecodeLimits = { ...DECODE_LIMITS, bytesMax: LIMITS.proofBytesMax + FRAME_BYTES_MAX + 64 };

export interface Guilty {
  /** consensus public key */
  readonly offender: Uint8Array;
  readonly rule: EvidenceRule;
  readonly label: EvidenceLabel;
  /** for `verifyEvidence` */
  readonly evidence: Uint8Array;
}

export interface Fork {
  readonly height: number;
  /** each key once, in the order of the validators */
  readonly guilty: readonly Guilty[];
  /** f + 1: with fewer names trails are missing, or more than q - 1 validators lied */
  readonly guiltyMin: number;
}

/**
 * One node's word about a height, for an auditor: the header it committed, certified from the genesis on, and its trail.
 * `[version, certified header, trail or empty]`.
 */
export function encodeTestimony(testimony: {
  readonly certified: CertifiedHeader;
  readonly trail: Uint8Array | undefined;
}): Uint8Array {
  return encode([FORMAT_VERSION, encodeCertifiedHeader(testimony.certified), testimony.trail ?? EMPTY_BYTES]);
}

/**
 * Whom the testimonies of nodes of both sides name: two that exclude each other, any number more for their trails.
 * Refusals: `FORK_HEIGHTS`, `FORK_NONE`, `FORK_BELOW` (the sides differ before this height: ask for lower ones), and those of certified headers.
 */
export function judgeTestimonies(claim: {
  readonly genesis: TrustAnchor;
  readonly verify: VerifySignature;
  readonly testimonies: readonly Uint8Array[];
}): Verdict<Fork> {
  const { genesis, verify } = claim;
  const trails: Uint8Array[] = [];
  const ends: { readonly block: VerifiedBlock; readonly certified: CertifiedHeader }[] = [];
  for (const bytes of claim.testimonies) {
    const testimony = decodeTestimony(bytes);
    if (!testimony.ok) return testimony;
    const { certified, trail } = testimony.value;
    const block = verifyCertifiedHeader({ certified, genesis, verify });
    if (!block.ok) return block;
    trails.push(trail);
    ends.push({ block: block.value, certified });
  }
  const [one] = ends;
  const other = one && ends.find(({ block }) => !isSameEnd(block, one.block));
  if (one === undefined || other === undefined) return refuse("FORK_NONE");
  const [left, right] = [one.block.header, other.block.header];
  if (left.height !== right.height) return refuse("FORK_HEIGHTS", `${left.height} and ${right.height}`);
  if (!bytesEqual(left.parentHash, right.parentHash) || !bytesEqual(left.parentResult, right.parentResult))
    return refuse("FORK_BELOW");
  const validators = one.certified.transitions.at(-1)?.nextValidators ?? genesis.validators;
  const certificates = [one.certified.certificate, other.certified.certificate] as const;
  return namesOfFork({ chainId: genesis.chainId, validators, verify, certificates, trails });
}

function isSameEnd(one: VerifiedBlock, other: VerifiedBlock): boolean {
  return bytesEqual(one.blockHash, other.blockHash) && bytesEqual(one.resultHash, other.resultHash);
}

export function decodeTestimony(
  bytes: Uint8Array,
): Verdict<{ readonly certified: CertifiedHeader; readonly trail: Uint8Array }> {
  return decodeWith(bytes, TESTIMONY_LIMITS, (reader) => {
    reader.tuple(3);
    reader.version(FORMAT_VERSION);
    const certified = decodeCertifiedHeader(reader.byteString(1, LIMITS.proofBytesMax));
    if (!certified.ok) return reader.fail(certified.code);
    return { certified: certified.value, trail: reader.byteString(0, FRAME_BYTES_MAX) };
  });
}

/**
 * C92: two certified ends of one height that exclude each other, and what stands in the trails of nodes of either side.
 * A trail that is damaged, of another height or with a wrong signature is passed over: it costs names, never the truth of one.
 * Refusals: `FORK_HEIGHTS`, `FORK_NONE` (one block, one result), and those of certificates.
 * @param facts.validators those of the height
 */
export function namesOfFork(facts: {
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
  readonly certificates: readonly [Certificate, Certificate];
  readonly trails: readonly Uint8Array[];
}): Verdict<Fork> {
  const { chainId, validators, verify } = facts;
  const [one, other] = facts.certificates;
  const { height } = one;
  if (other.height !== height) return refuse("FORK_HEIGHTS", `${height} and ${other.height}`);
  if (bytesEqual(one.blockHash, other.blockHash) && bytesEqual(one.resultHash, other.resultHash))
    return refuse("FORK_NONE");
  const verifier = new HeightVerifier({ chainId, height, validators, verify });
  const signed = new Statements(verifier);
  for (const certificate of facts.certificates) {
    const added = signed.addCertificate(certificate);
    if (!added.ok) return added;
  }
  for (const bytes of facts.trails) {
    const trail = decodeTrail(bytes);
    if (trail.ok && trail.value.height === height) signed.addTrail(trail.value);
  }
  return accept({ height, guilty: signed.guilty(), guiltyMin: faultBound(validators.length) + 1 });
}

/** Verified statements of one height, and the first contradiction of each signer; malice before what a broken machine explains as well. */
class Statements {
  private readonly verifier: HeightVerifier;
  private readonly log: VoteLog;
  private readonly contradictions = new Map<number, Contradiction>();

  constructor(verifier: HeightVerifier) {
    this.verifier = verifier;
    this.log = new VoteLog(verifier.validators.length, verifier.quorum);
  }

  addCertificate(certificate: Certificate): Verdict<true> {
    const votes = this.verifier.checkCertificate(certificate);
    if (!votes.ok) return votes;
    for (const vote of votes.value) this.add(vote.signer, vote);
    return accept(true);
  }

  addTrail({ newViews, prepared }: Trail): void {
    for (const certificate of prepared) this.addCertificate(certificate);
    for (const { signer, content, signature } of newViews) {
      if (content.height !== this.verifier.height) continue;
      const { view } = content;
      if (this.verifier.isNewViewSigned(content, signer, signature))
        this.add(signer, { kind: "newView", view, content, signature });
      for (const viewChange of content.viewChanges) {
        if (this.verifier.isViewChangeSigned(view, viewChange))
          this.add(viewChange.signer, { kind: "viewChange", view, ...viewChange });
      }
      if (content.certificate !== undefined) this.addCertificate(content.certificate);
    }
  }

  guilty(): readonly Guilty[] {
    const { validators, height } = this.verifier;
    return validators.flatMap(({ publicKey }, signer) => {
      const found = this.contradictions.get(signer);
      if (found === undefined) return [];
      const { rule, statements } = found;
      const evidence = encodeEvidence({ rule, height, offender: publicKey, statements });
      return [{ offender: publicKey, rule, label: labelOf(rule), evidence }];
    });
  }

  private add(signer: number, statement: Statement): void {
    const known = this.contradictions.get(signer);
    if (known !== undefined && labelOf(known.rule) === "malice") return;
    const found = this.log.add(signer, statement);
    if (found !== undefined && (known === undefined || labelOf(found.rule) === "malice"))
      this.contradictions.set(signer, found);
  }
}
