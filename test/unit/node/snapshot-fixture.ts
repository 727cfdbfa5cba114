// A ledger with blocks and snapshots in memory, and peers that serve it, truly or not.

import { LedgerError } from "../../../src/errors.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { Chain } from "../../../src/node/chain.ts";
import { systemClock } from "../../../src/node/clock.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { answerSnapshotRequest, decodeSnapshotRequest } from "../../../src/node/snapshot-answers.ts";
import { SnapshotMaker } from "../../../src/node/snapshot-maker.ts";
import { StateSync } from "../../../src/node/state-sync.ts";
import { MemoryFolder } from "../../../src/store/snapshot-folder.ts";
import { Snapshots } from "../../../src/store/snapshots.ts";
import { buildBlock, commitBlock, noteBatch, openLedger } from "./ledger-fixture.ts";
import { SILENT } from "./support.ts";

export type Answer = (payload: Uint8Array) => Promise<Uint8Array>;

/** Commits notes from the head on, one a second. */
export async function commitNotes(chain: Chain, genesis: SealedGenesis, upTo: number): Promise<void> {
  for (let height = chain.head.height + 1; height <= upTo; height += 1) {
    const timeMs = genesis.timeMs + height * 1_000;
    const batch = noteBatch(genesis, { sequence: height, id: `n${height}`, validUntilMs: timeMs + 60_000 });
    await chain.store.saveBatches([batch], { sync: true });
    await commitBlock(chain, genesis, buildBlock(chain, [batch], timeMs));
  }
}

export function makerOver(
  chain: Chain,
  genesis: SealedGenesis,
  options: { snapshots: Snapshots; everyHeights: number },
): SnapshotMaker {
  return new SnapshotMaker({ ...options, chain, chainId: genesis.chainId, clock: systemClock(genesis), log: SILENT });
}

/** A ledger of that many blocks with a snapshot of the newest. */
export async function ledgerWithSnapshot(genesis: SealedGenesis, height: number) {
  const chain = await openLedger(genesis);
  const folder = new MemoryFolder();
  const snapshots = await Snapshots.open(folder);
  await commitNotes(chain, genesis, height);
  await makerOver(chain, genesis, { snapshots, everyHeights: height }).noteCommitted();
  return { chain, folder, snapshots };
}

export function honest(chain: Chain, snapshots: Snapshots): Answer {
  return async (payload) => {
    const request = decodeSnapshotRequest(payload);
    if (request === undefined) throw new LedgerError("PEER_REFUSED");
    return answerSnapshotRequest({ chain, snapshots }, request);
  };
}

/** A node's fetching of states, with peers by name. */
export function stateSyncOf(
  chain: Chain,
  genesis: SealedGenesis,
  peers: Readonly<Record<string, Answer>>,
  onBlamed: () => void = () => undefined,
) {
  const asked: { readonly peer: string; readonly payload: Uint8Array }[] = [];
  const blamed: string[] = [];
  const sync = new StateSync({
    chain,
    genesis,
    verify: verifyNative,
    clock: systemClock(genesis),
    log: SILENT,
    request: async (peer, payload) => {
      asked.push({ peer, payload });
      const answer = peers[peer];
      if (answer === undefined) throw new LedgerError("PEER_UNREACHABLE");
      return answer(payload);
    },
    install: async ({ installed, ...derived }) => {
      await chain.install(installed, derived, undefined);
    },
    onBadAnswer: (peer, code) => {
      blamed.push(`${peer} ${code}`);
      onBlamed();
    },
  });
  return { asked, blamed, run: (heightMin = 1) => sync.run(heightMin, Object.keys(peers)) };
}
