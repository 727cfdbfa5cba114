// Which names an expression may use and where their values stand in the frame; which of them were used.
// It resolves names and nothing else.

import type { Typed } from "./typed.ts";
import type { Column, Type } from "./types.ts";

/** The columns of a table as expressions see them: key first, then fields. */
export interface TableShape {
  readonly contract: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /** the first `keyLength` columns are the key */
  readonly keyLength: number;
  readonly indexes: readonly IndexShape[];
}

/** Rows of a table by the values of some columns. */
export interface IndexShape {
  readonly name: string;
  readonly columns: readonly number[];
}

export type Binding =
  | { readonly kind: "value"; readonly slot: number; readonly type: Type; readonly label: string | undefined }
  | { readonly kind: "setting"; readonly index: number; readonly type: Type; readonly label: string }
  | { readonly kind: "define"; readonly slot: number; readonly body: Typed; readonly label: string }
  | {
      readonly kind: "row";
      readonly row: number;
      readonly table: TableShape;
      readonly positions: readonly number[] | undefined;
      readonly isOptional: boolean;
      readonly label: string;
    }
  | {
      readonly kind: "column";
      readonly row: number;
      readonly column: number;
      readonly type: Type;
      readonly label: string;
    }
  | { readonly kind: "namespace"; readonly label: string; readonly members: ReadonlyMap<string, Binding> };

/** Counts the slots of a frame; one per action, shared by its scopes. */
export class SlotCounter {
  private next = 0;
  take(): number {
    this.next += 1;
    return this.next - 1;
  }
  get count(): number {
    return this.next;
  }
}

export class Scope {
  readonly slots: SlotCounter;
  /** labels of bindings that some expression named, e.g. `p.price`, `m`, `settings.cap` */
  readonly used: Set<string>;
  private readonly bindings: Map<string, Binding>;
  private readonly parent: Scope | undefined;

  constructor(
    from: { readonly slots: SlotCounter; readonly used: Set<string> } | Scope,
    bindings: Iterable<readonly [string, Binding]>,
  ) {
    this.slots = from.slots;
    this.used = from.used;
    this.parent = from instanceof Scope ? from : undefined;
    this.bindings = new Map(bindings);
  }

  add(name: string, binding: Binding): void {
    this.bindings.set(name, binding);
  }

  lookup(name: string): Binding | undefined {
    const binding = this.bindings.get(name) ?? this.parent?.lookup(name);
    if (binding?.kind !== "namespace" && binding?.label !== undefined) this.used.add(binding.label);
    return binding;
  }

  lookupMember(namespace: Binding & { readonly kind: "namespace" }, name: string): Binding | undefined {
    const binding = namespace.members.get(name);
    if (binding?.label !== undefined) this.used.add(binding.label);
    return binding;
  }

  names(): readonly string[] {
    return [...new Set([...this.bindings.keys(), ...(this.parent?.names() ?? [])])];
  }
}
