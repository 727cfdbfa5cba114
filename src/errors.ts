// The one error class of operations that fail for a reason somebody can act on, and the helpers around it.
// It never carries secrets, and its message is made from code and data only: peers' text never enters it.

export type ErrorData = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * An operation failed for a reason outside the program's own logic.
 * `code` is stable and listed in `docs/errors.md` with cause and remedy; `data` names the values involved.
 */
export class LedgerError extends Error {
  readonly code: string;
  readonly data: ErrorData;

  constructor(code: string, data: ErrorData = {}, options?: { cause?: unknown; remedy?: string }) {
    const details = Object.entries(data).map(([name, value]) => `${name}=${String(value)}`);
    const remedy = options?.remedy === undefined ? "" : `; ${options.remedy}`;
    super(`${code}${details.length === 0 ? "" : `: ${details.join(", ")}`}${remedy}`, { cause: options?.cause });
    this.name = "LedgerError";
    this.code = code;
    this.data = data;
  }
}

/** A stranger's input is judged, never thrown: `ok` or the reason by stable code. */
export type Verdict<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly detail: string };

export function accept<T>(value: T): Verdict<T> {
  return { ok: true, value };
}

export function refuse(
  code: string,
  detail = "",
): { readonly ok: false; readonly code: string; readonly detail: string } {
  return { ok: false, code, detail };
}

/** What a verdict accepted; a stranger's bad input becomes an error with the verdict's code. @throws LedgerError */
export function admitted<T>(verdict: Verdict<T>): T {
  if (verdict.ok) return verdict.value;
  throw new LedgerError(verdict.code, verdict.detail === "" ? {} : { detail: verdict.detail });
}
