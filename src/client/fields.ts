// Reads JSON of strangers field by field: a wrong type, a missing field or an unknown one is an error that names its place.
// Never guesses, never converts silently; the caller chooses the error code and what may stand there.

import { nearestName } from "../contracts/nearest-name.ts";
import { type ErrorData, LedgerError } from "../errors.ts";
import { fromHex } from "../ledger/hash.ts";

export interface FieldsOptions {
  /** LedgerError code of every complaint */
  readonly code: string;
  /** what stands before the field in complaints, e.g. the file's name */
  readonly place: string;
  /** what somebody should do about it */
  readonly remedy?: string;
}

export class Fields {
  private readonly options: FieldsOptions;
  private readonly members: Readonly<Record<string, unknown>>;
  private readonly asked = new Set<string>();

  /** @throws LedgerError with the chosen code unless `json` is an object */
  constructor(json: unknown, options: FieldsOptions) {
    this.options = options;
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw this.complaint({ field: this.placeOf(""), expected: "an object" });
    this.members = json as Readonly<Record<string, unknown>>;
  }

  /** All of it, as it came. */
  get json(): Readonly<Record<string, unknown>> {
    return this.members;
  }

  has(name: string): boolean {
    this.asked.add(name);
    return Object.hasOwn(this.members, name) && this.members[name] !== undefined;
  }

  /** The field as it stands; undefined when it is missing. */
  raw(name: string): unknown {
    return this.has(name) ? this.members[name] : undefined;
  }

  text(name: string, fallback?: string): string {
    const value = this.raw(name) ?? fallback;
    if (typeof value !== "string") throw this.fault(name, "text");
    return value;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[], fallback?: Choice): Choice {
    const value = this.raw(name) ?? fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw this.fault(name, `one of ${choices.join(", ")}`);
    return found;
  }

  flag(name: string, fallback?: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value !== "boolean") throw this.fault(name, "true or false");
    return value;
  }

  integer(name: string, bounds: { readonly min: number; readonly max?: number }, fallback?: number): number {
    const { min, max = Number.MAX_SAFE_INTEGER } = bounds;
    const value = this.raw(name) ?? fallback;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
      throw this.fault(name, `a whole number from ${min} to ${max}`);
    }
    return value;
  }

  /** Lower-case hexadecimal. @param length bytes, where the format fixes it */
  bytes(name: string, length?: number): Uint8Array {
    const value = this.raw(name);
    const bytes = typeof value === "string" ? fromHex(value) : undefined;
    if (bytes === undefined || (length !== undefined && bytes.length !== length)) {
      throw this.fault(
        name,
        length === undefined ? "lower-case hexadecimal" : `${length} bytes in lower-case hexadecimal`,
      );
    }
    return bytes;
  }

  object(name: string, fallback?: Readonly<Record<string, unknown>>): Fields {
    return new Fields(this.raw(name) ?? fallback, { ...this.options, place: this.placeOf(name) });
  }

  list<Item>(
    name: string,
    read: (item: unknown, place: string) => Item,
    fallback?: readonly unknown[],
  ): readonly Item[] {
    const value = this.raw(name) ?? fallback;
    if (!Array.isArray(value)) throw this.fault(name, "a list");
    return value.map((item, index) => read(item, `${this.placeOf(name)}[${index}]`));
  }

  texts(name: string, fallback?: readonly string[]): readonly string[] {
    const read = (item: unknown): string => {
      if (typeof item !== "string") throw this.fault(name, "a list of texts");
      return item;
    };
    return this.list(name, read, fallback);
  }

  objects<Item>(name: string, read: (item: Fields) => Item, fallback?: readonly unknown[]): readonly Item[] {
    return this.list(name, (item, place) => read(new Fields(item, { ...this.options, place })), fallback);
  }

  /** Call it when every known field was asked for. @throws LedgerError naming the first unknown field and the known ones */
  end(): void {
    const unknown = Object.keys(this.members).find((name) => !this.asked.has(name));
    if (unknown === undefined) return;
    const meant = nearestName(unknown, [...this.asked]);
    const known = [...this.asked].sort();
    throw this.complaint({
      field: this.placeOf(unknown),
      problem: "unknown",
      ...(meant === undefined ? {} : { meant: this.placeOf(meant) }),
      known,
    });
  }

  /** A missing field next to one that nobody asked for and that is nearly called so: a slip of the pen is named, not what it hides. */
  fault(name: string, expected: string): LedgerError {
    const others = Object.keys(this.members).filter((other) => !this.asked.has(other));
    const slip = this.members[name] === undefined ? nearestName(name, others) : undefined;
    return this.complaint(
      slip === undefined
        ? { field: this.placeOf(name), expected }
        : { field: this.placeOf(slip), problem: "unknown", meant: this.placeOf(name) },
    );
  }

  private placeOf(name: string): string {
    const { place } = this.options;
    return name === "" ? place : place === "" ? name : `${place}.${name}`;
  }

  private complaint(data: ErrorData): LedgerError {
    const { code, remedy } = this.options;
    return new LedgerError(code, data, remedy === undefined ? {} : { remedy });
  }
}
