// The simple tests of cel-spec: which sections are run, why the others are left out, and each case in our terms.
// It reads the package's data and changes no expectation.

import {
  type Type as CelType,
  Type_PrimitiveType,
  Type_WellKnownType,
} from "@bufbuild/cel-spec/cel/expr/checked_pb.js";
import type { SimpleTest } from "@bufbuild/cel-spec/cel/expr/conformance/test/simple_pb.js";
import type { Value as CelValue } from "@bufbuild/cel-spec/cel/expr/value_pb.js";
import {
  getCheckingSuite,
  getConformanceSuite,
  getParsingSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from "@bufbuild/cel-spec/testdata/tests.js";
import { formatCELType } from "@bufbuild/cel-spec/testdata/to-debug-string.js";
import { reflect } from "@bufbuild/protobuf/reflect";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { canonicalInteger } from "../../src/contracts/arithmetic.ts";
import { ExpressionError } from "../../src/contracts/outcome.ts";
import { BOOL, NULL, type Type } from "../../src/contracts/types.ts";
import type { Value } from "../../src/ledger/codec.ts";
import {
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  foreignType,
  INT,
  listOf,
  TEXT,
  TIMESTAMP,
  TYPE,
  UINT,
} from "./foreign-types.ts";
import { asValue, Double, keyName, MapValue, REGISTRY, TypeValue, Unsigned } from "./foreign-values.ts";
import { type DeclaredFunction, typeParameter } from "./functions.ts";
import { fromMessage, messageType } from "./messages.ts";

export interface Variable {
  readonly name: string;
  readonly type: Type;
  readonly value: Value | undefined;
}

export interface Case {
  readonly section: string;
  readonly name: string;
  readonly expression: string;
  readonly container: string;
  readonly variables: readonly Variable[];
  readonly functions: ReadonlyMap<string, readonly DeclaredFunction[]>;
  /** undefined: only its type is looked at */
  readonly expected: { readonly value: Value } | "error" | undefined;
  /** as cel-spec writes types; undefined: the case asks for none */
  readonly deducedType: string | undefined;
}

/** The allow-list, with the number of cases that each section must have: a new version of the package is looked at anew. */
export const SECTIONS: ReadonlyMap<string, number> = new Map([
  ["basic", 43],
  ["comparisons", 406],
  ["conversions", 109],
  ["fields", 60],
  ["fp_math", 30],
  ["integer_math", 64],
  ["lists", 39],
  ["logic", 30],
  ["macros", 44],
  ["namespace", 3],
  ["parse", 219],
  ["plumbing", 5],
  ["string", 51],
  ["timestamps", 76],
  ["type_deductions", 47],
]);

export const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ["bindings_ext", "an extension (cel.bind); contracts have define"],
  ["block_ext", "an extension for compilers (cel.block)"],
  ["dynamic", "google.protobuf.Value, Struct and Any: contracts have no dynamic values"],
  ["encoders_ext", "an extension (base64); the list of functions is closed"],
  ["enums", "enums of protobuf; the enums of contracts are texts with a closed set of values"],
  ["macros2", "macros with two variables, for maps; contracts have no maps"],
  ["math_ext", "an extension over doubles and bits; contracts have mulDiv and split"],
  ["optionals", "optional values; a row that may be absent is asked by has() and == null"],
  ["proto2", "messages of protobuf; contracts have rows"],
  ["proto2_ext", "extensions of messages of protobuf"],
  ["proto3", "messages of protobuf; contracts have rows"],
  ["string_ext", "an extension (format, split, replace and others); the list of functions is closed"],
  ["wrappers", "wrapper messages of protobuf"],
]);

export interface Section {
  readonly name: string;
  /** empty when the section is left out */
  readonly cases: readonly Case[];
  /** without values and expectations */
  readonly leftOut: readonly Case[];
}

export function loadSections(): readonly Section[] {
  return getConformanceSuite()
    .suites.map((suite) => ({ suite, tests: testsOf(suite) }))
    .filter(({ tests }) => tests.length > 0)
    .map(({ suite: { name }, tests }) => {
      const cases = tests.map(({ path, test }) => caseOf(name, path, test.original));
      return SECTIONS.has(name) ? { name, cases, leftOut: [] } : { name, cases: [], leftOut: cases };
    });
}

/** Expressions with the trees that cel-go builds of them: of cel-spec, but for macros with two variables, and of cel-go's own tests. */
export function loadTrees(): readonly { readonly expression: string; readonly tree: string }[] {
  const suites = getConformanceSuite().suites.filter(({ name }) => name !== "macros2");
  return [...suites, getParsingSuite(), getCheckingSuite()]
    .flatMap((suite) => testsOf(suite))
    .flatMap(({ test: { original, ast } }) => (ast === undefined ? [] : [{ expression: original.expr, tree: ast }]));
}

function testsOf(
  suite: IncrementalTestSuite,
  path = "",
): readonly { readonly path: string; readonly test: IncrementalTest }[] {
  const own = suite.tests.map((test) => ({ path: `${path}${test.name}`, test }));
  return [...own, ...suite.suites.flatMap((inner) => testsOf(inner, `${path}${inner.name}/`))];
}

function caseOf(section: string, name: string, test: SimpleTest): Case {
  const { resultMatcher: matcher, bindings, typeEnv, container } = test;
  const isRun = SECTIONS.has(section);
  const declared = new Map<string, Type>();
  const functions = new Map<string, readonly DeclaredFunction[]>();
  for (const { name: own, declKind } of typeEnv) {
    if (declKind.case === "ident") declared.set(own, typeOf(declKind.value.type));
    if (declKind.case === "function")
      functions.set(
        own,
        declKind.value.overloads.map(({ params, resultType }) => ({
          params: params.map(typeOf),
          result: typeOf(resultType),
        })),
      );
  }
  for (const own of Object.keys(bindings)) if (!declared.has(own)) declared.set(own, DYN);
  const variables = [...declared].map(([own, type]) => ({
    name: own,
    type,
    value: isRun ? boundValue(bindings[own]) : undefined,
  }));
  const typed = matcher.case === "typedResult" ? matcher.value : undefined;
  const result = !isRun ? undefined : matcher.case === "value" ? matcher.value : typed?.result;
  return {
    section,
    name,
    expression: test.expr,
    container,
    variables,
    functions,
    expected: isRun && matcher.case === "evalError" ? "error" : result && { value: celValue(result) },
    deducedType: typed && formatCELType(typed.deducedType),
  };
}

function boundValue(bound: SimpleTest["bindings"][string] | undefined): Value | undefined {
  return bound?.kind.case === "value" ? celValue(bound.kind.value) : undefined;
}

function typeOf(type: CelType | undefined): Type {
  const kind = type?.typeKind;
  switch (kind?.case) {
    case "null":
      return NULL;
    case "primitive":
      return PRIMITIVES.get(kind.value) ?? DYN;
    case "wrapper":
      return foreignType("wrapper", [PRIMITIVES.get(kind.value) ?? DYN]);
    case "wellKnown":
      return kind.value === Type_WellKnownType.TIMESTAMP
        ? TIMESTAMP
        : kind.value === Type_WellKnownType.DURATION
          ? DURATION
          : DYN;
    case "listType":
      return listOf(typeOf(kind.value.elemType));
    case "mapType":
      return foreignType("map", [typeOf(kind.value.keyType), typeOf(kind.value.valueType)]);
    case "messageType": {
      const description = REGISTRY.getMessage(kind.value);
      return description === undefined ? DYN : messageType(description);
    }
    case "abstractType":
      return foreignType(kind.value.name, kind.value.parameterTypes.map(typeOf));
    case "typeParam":
      return typeParameter(kind.value);
    case "type":
      return TYPE;
    default:
      return DYN;
  }
}

const PRIMITIVES: ReadonlyMap<Type_PrimitiveType, Type> = new Map<Type_PrimitiveType, Type>([
  [Type_PrimitiveType.BOOL, BOOL],
  [Type_PrimitiveType.INT64, INT],
  [Type_PrimitiveType.UINT64, UINT],
  [Type_PrimitiveType.DOUBLE, DOUBLE],
  [Type_PrimitiveType.STRING, TEXT],
  [Type_PrimitiveType.BYTES, BYTES],
]);

function celValue({ kind }: CelValue): Value {
  switch (kind.case) {
    case "nullValue":
      return null;
    case "boolValue":
    case "stringValue":
    case "bytesValue":
      return kind.value;
    case "int64Value": {
      const value = canonicalInteger(kind.value);
      return value instanceof ExpressionError ? null : value;
    }
    case "uint64Value":
      return asValue(new Unsigned(kind.value));
    case "doubleValue":
      return asValue(new Double(kind.value));
    case "listValue":
      return kind.value.values.map(celValue);
    case "mapValue": {
      const entries = kind.value.entries.map(({ key, value }): readonly [Value, Value] => [
        key === undefined ? null : celValue(key),
        value === undefined ? null : celValue(value),
      ]);
      return asValue(new MapValue(new Map(entries.map((entry) => [keyName(entry[0]) ?? "", entry]))));
    }
    case "typeValue":
      return asValue(new TypeValue(kind.value));
    case "objectValue": {
      const message = anyUnpack(kind.value, REGISTRY);
      const description = message && REGISTRY.getMessage(message.$typeName);
      if (description === undefined) throw new Error(`no message for ${kind.value.typeUrl}`);
      return fromMessage(reflect(description, message));
    }
    default:
      throw new Error(`no case expects a ${kind.case}`);
  }
}
