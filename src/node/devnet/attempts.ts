// What somebody tries and may not: sent like everything else, refused by a contract, and kept as a proved receipt.
// Only the ids of the transactions are kept in a file: what became of them is always read from the ledger.

import { readFile, writeFile } from "node:fs/promises";
import type { CallRequest } from "../../client/transaction.ts";
import { fromHex, type Hash, toHex } from "../../ledger/hash.ts";
import type { Actor } from "./acts.ts";
import type { Job } from "./sender.ts";
import type { Progress, ProgressLine, StepAnswer } from "./steps.ts";

/** The four sides of a community's trouble: no trust, services side by side, opaque accounts, supervision that comes late. */
export const DIMENSIONS = ["residents", "services", "property", "supervision"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface PlannedAttempt {
  readonly dimension: Dimension;
  readonly title: ProgressLine;
  /** the rules of which one has to refuse it */
  readonly rules: readonly string[];
}

/** Every abuse that is tried on the day. */
export const ATTEMPTS = {
  "second-ballot": {
    dimension: "residents",
    title: { zh: "同一业主再投一票", en: "An owner casts a second ballot" },
    // After a pause of the whole devnet voting may have closed before it was tried.
    rules: ["owners-vote.vote.require[4]", "owners-vote.vote.require[3]"],
  },
  "early-key": {
    dimension: "residents",
    title: {
      zh: "表决期间街道提前公布私钥, 想先看票",
      en: "The street office opens its key during the vote, to see ballots",
    },
    rules: ["owners-vote.publish_key.require[0]", "owners-vote.publish_key.require[1]"],
  },
  "made-up-visit": {
    dimension: "services",
    title: {
      zh: "上门人员未到门口, 编造到场码签到",
      en: "A worker checks in with a made-up code, without being there",
    },
    rules: ["home-service.check_in.require[1]"],
  },
  "paid-twice": {
    dimension: "services",
    title: { zh: "同一订单再次验收, 想再付一次款", en: "An order is accepted again, to be paid twice" },
    rules: ["home-service.accept.require[1]"],
  },
  "locked-month": {
    dimension: "property",
    title: { zh: "物业向已结账的月份补记凭证", en: "The property company books into a month that is closed" },
    rules: ["finance.draft.require[2]"],
  },
  "diverted-income": {
    dimension: "property",
    title: { zh: "物业把公共收益记到自己账上", en: "The property company moves public income into its own book" },
    rules: ["finance.draft.require[6]"],
  },
  "listed-complainant": {
    dimension: "supervision",
    title: { zh: "给提意见的业主组织扣分", en: "Points against the owners' body that complained" },
    rules: ["supervision.record.require[1]"],
  },
  "decided-alone": {
    dimension: "supervision",
    title: { zh: "监管人员一人登记又一人决定", en: "One official records an item and decides it alone" },
    rules: ["supervision.decide.require[0]"],
  },
} as const satisfies Readonly<Record<string, PlannedAttempt>>;

export type AttemptName = keyof typeof ATTEMPTS;
export const ATTEMPT_NAMES = Object.keys(ATTEMPTS) as AttemptName[];

export interface AttemptSender {
  send(job: Job): Promise<StepAnswer>;
}

export class Attempts {
  private readonly file: string;
  private readonly sender: AttemptSender;
  private readonly progress: Progress;
  private readonly made: Map<AttemptName, Hash>;

  private constructor(file: string, sender: AttemptSender, progress: Progress, made: Map<AttemptName, Hash>) {
    this.file = file;
    this.sender = sender;
    this.progress = progress;
    this.made = made;
  }

  /** @param options.file where the ids of earlier runs are, and those of this run go */
  static async open(options: {
    readonly file: string;
    readonly sender: AttemptSender;
    readonly progress: Progress;
  }): Promise<Attempts> {
    return new Attempts(options.file, options.sender, options.progress, await readMade(options.file));
  }

  /** The transactions of the attempts that were made, in this run or earlier. */
  get transactions(): ReadonlyMap<AttemptName, Hash> {
    return this.made;
  }

  /** Tries it, unless it was tried before. Whether it was refused is for the summary to say. */
  async make(name: AttemptName, actor: Actor, calls: readonly CallRequest[]): Promise<void> {
    if (this.made.has(name)) return;
    const { receipt, explanation } = await this.sender.send({ ...actor, calls });
    this.made.set(name, receipt.txId);
    const ids = Object.fromEntries([...this.made].map(([made, txId]) => [made, toHex(txId)]));
    await writeFile(this.file, `${JSON.stringify(ids, null, 2)}\n`);
    const { zh, en } = ATTEMPTS[name].title;
    this.progress(
      receipt.status === "refused"
        ? { zh: `试图滥用: ${zh}, 被拒: ${explanation.zh}`, en: `Abuse tried: ${en}; refused: ${explanation.en}` }
        : { zh: `滥用未被拒绝: ${zh}`, en: `ABUSE NOT REFUSED: ${en}` },
    );
  }
}

/** None where there is no such file, or one that was cut off: what is tried again is refused again. */
async function readMade(file: string): Promise<Map<AttemptName, Hash>> {
  const made = new Map<AttemptName, Hash>();
  const text = await readFile(file, "utf8").catch(() => "");
  for (const name of ATTEMPT_NAMES) {
    const txId = fromHex(new RegExp(`"${name}": "([0-9a-f]{64})"`).exec(text)?.[1] ?? "");
    if (txId?.length === 32) made.set(name, txId);
  }
  return made;
}
