// What a part of the year is given and owes: its people's scripts before the year, and its checks after it.

import type { Cast } from "./cast.ts";
import type { Checks } from "./checks.ts";
import type { Draw } from "./days.ts";
import type { Ledger } from "./ledger.ts";
import type { World } from "./world.ts";

export interface Year {
  readonly cast: Cast;
  readonly draw: Draw;
  readonly world: World;
  /** id of the community */
  readonly code: string;
  /** how many days are played, from 1 January on */
  readonly days: number;
  readonly endMs: number;
  /** how large the community is beside that of docs/domain.md, section 5: volumes go with it */
  readonly share: number;
}

/** Sums in fen by account of the ledger: every part says what it must have moved. */
export class MoneyBook {
  private readonly sums = new Map<string, number>();

  move(from: string, to: string, fen: number): void {
    if (fen === 0) return;
    this.sums.set(from, (this.sums.get(from) ?? 0) - fen);
    this.sums.set(to, (this.sums.get(to) ?? 0) + fen);
  }

  get balances(): ReadonlyMap<string, number> {
    return this.sums;
  }
}

/** 123456 fen as ¥1,234.56. */
export function yuan(fen: number): string {
  return `¥${(fen / 100).toLocaleString("en", { minimumFractionDigits: 2 })}`;
}

export interface Part {
  /** what residents and officials read */
  readonly title: { readonly zh: string; readonly en: string };
  /** Starts the scripts. */
  play(): void;
  /** Compares with the ledger, and says in the money book what was moved. */
  check(checks: Checks, ledger: Ledger, money: MoneyBook): Promise<void>;
  /** figures for the summary */
  figures(): readonly string[];
}
