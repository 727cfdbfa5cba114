// The year's own double entry: what approved vouchers come to by month and account. A reversal takes the voucher back on the side
// on which it stood (red entry), so that turnovers are as if it had never been. Knows nothing of the ledger's contracts.

export type Book = "operating" | "public" | "fund";
export type AccountKind = "bank" | "income" | "expense" | "liability";

export interface Line {
  readonly code: string;
  /** above zero: debit */
  readonly fen: number;
}

export interface Statement {
  income: number;
  expense: number;
  total: number;
  approved: number;
}

export interface Turnover {
  debit: number;
  credit: number;
}

export class AccountBooks {
  /** by `book/period` */
  readonly statements = new Map<string, Statement>();
  /** by `period/code` */
  readonly turnovers = new Map<string, Turnover>();
  readonly bankFen = new Map<Book, number>();
  private readonly kinds: ReadonlyMap<string, AccountKind>;

  constructor(kinds: ReadonlyMap<string, AccountKind>) {
    this.kinds = kinds;
  }

  approve(voucher: { readonly book: Book; readonly period: number; readonly lines: readonly Line[] }): void {
    const { book, period, lines } = voucher;
    const statement = this.statementOf(book, period);
    statement.approved += 1;
    statement.total += lines.reduce((sum, { fen }) => sum + Math.max(0, fen), 0);
    this.enter(book, period, lines, 1);
  }

  /** @param lines of the voucher that is taken back */
  reverse(voucher: { readonly book: Book; readonly period: number; readonly lines: readonly Line[] }): void {
    const { book, period, lines } = voucher;
    const statement = this.statementOf(book, period);
    statement.approved += 1;
    statement.total -= lines.reduce((sum, { fen }) => sum + Math.max(0, fen), 0);
    this.enter(book, period, lines, -1);
  }

  private enter(book: Book, period: number, lines: readonly Line[], sign: 1 | -1): void {
    const statement = this.statementOf(book, period);
    for (const { code, fen } of lines) {
      const key = `${period}/${code}`;
      const turnover = this.turnovers.get(key) ?? { debit: 0, credit: 0 };
      if (fen > 0) turnover.debit += sign * fen;
      else turnover.credit -= sign * fen;
      this.turnovers.set(key, turnover);
      const kind = this.kinds.get(code);
      if (kind === "income") statement.income -= sign * fen;
      if (kind === "expense") statement.expense += sign * fen;
      if (kind === "bank") this.bankFen.set(book, (this.bankFen.get(book) ?? 0) + sign * fen);
    }
  }

  statementOf(book: Book, period: number): Statement {
    const key = `${book}/${period}`;
    let statement = this.statements.get(key);
    if (statement === undefined) {
      statement = { income: 0, expense: 0, total: 0, approved: 0 };
      this.statements.set(key, statement);
    }
    return statement;
  }
}
